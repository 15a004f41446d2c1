"""Where a run, its record and its version are in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages import MLFLOW_PORT, ZENML_PORT, is_ours

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

_HERE = "http://127.0.0.1"


def run_page(run: PipelineRunResponse) -> str:
    """The run's page in ZenML's dashboard; on this machine, with what starts it where it does not answer."""
    from zenml.utils.dashboard_utils import get_run_url

    return get_run_url(run) or f"{_HERE}:{ZENML_PORT}/projects/{run.project.name}/runs/{run.id}{_start('zenml', ZENML_PORT)}"


def version_page(model: str, version: str) -> str:
    """The page of a registered version in MLflow, as `run_page`."""
    from stacks.active import connect_mlflow

    uri = connect_mlflow()
    place = f"#/models/{model}/versions/{version}"
    return f"{uri}/{place}" if uri.startswith("http") else f"{_HERE}:{MLFLOW_PORT}/{place}{_start('mlflow', MLFLOW_PORT)}"


def _start(name: str, port: int) -> str:
    return "" if is_ours(name, port) else "   (python run.py dashboard starts it)"
