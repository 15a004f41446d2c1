"""The model: what the tuned families are combined to, and what is decided from its answers."""
