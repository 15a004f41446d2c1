"""Switchyard, the library: tabular machine learning, its bundle format, serving and monitoring, without ZenML and MLflow."""
