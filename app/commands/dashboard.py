"""`dashboard`: the pages that a person looks at, on loopback."""

from __future__ import annotations

from pathlib import Path

import click

from app.pages import MLFLOW_PORT, ZENML_PORT, start, stop_all


@click.command()
@click.option("--zenml-port", default=ZENML_PORT, show_default=True)
@click.option("--mlflow-port", default=MLFLOW_PORT, show_default=True)
@click.option("--evidently-port", default=8001, show_default=True)
@click.option("--stop", is_flag=True, help="Stop them, and what `prometheus` started.")
@click.pass_obj
def COMMAND(root: Path, zenml_port: int, mlflow_port: int, evidently_port: int, stop: bool) -> None:
    """Start the ZenML dashboard, the MLflow UI and Evidently's windows on loopback and print their addresses."""
    if stop:
        stop_all()
    else:
        start(root, zenml_port, mlflow_port, evidently_port)
