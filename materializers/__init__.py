"""How artifacts are kept and how they look in the dashboard."""
