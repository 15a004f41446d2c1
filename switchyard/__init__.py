"""Switchyard, the library: tabular machine learning, its bundle format, serving and monitoring, without ZenML and MLflow."""

__version__ = "0.1.0"
"""Of the library, the images and run.py; CHANGELOG.md says what is in it."""
