"""Monitoring of a recommendation: what was shown and taken, beside what the version's evaluated twin showed on its holdout."""
