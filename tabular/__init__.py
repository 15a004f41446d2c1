"""Tabular machine learning: a plain library, usable from a notebook, that never imports zenml."""
