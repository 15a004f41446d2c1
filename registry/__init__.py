"""The model registry over MLflow, mirrored in ZenML: versions, champion and challenger, experiments, tracking."""
