"""`forget`: takes away what an earlier demo left of its model, and of no other."""

from __future__ import annotations

import contextlib
from typing import Any

_STOP_S = 90.0


def forget(model: str) -> None:
    """Stop and forget the services of `model`, its versions, predictions, labels, retrainings and windows."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from zenml.client import Client

    from registry.versions import zenml_model_name
    from stacks.active import connect_mlflow

    stop(model)
    _forget_log(model, zenml_model_name(model))
    connect_mlflow()
    with contextlib.suppress(MlflowException):
        mlflow.MlflowClient().delete_registered_model(model)
    with contextlib.suppress(KeyError):
        Client().delete_model(zenml_model_name(model))
    _forget_windows(model)


def stop(model: str) -> None:
    """Stop the services of `model`, its front door included."""
    from deployment.registration import active_deployer, ensure_deployer

    ensure_deployer()
    deployer: Any = active_deployer()
    deployer.host.remove(model, _STOP_S)
    deployer.tidy(model)


def _forget_log(model: str, full_name: str) -> None:
    from sqlalchemy import delete, select

    from deployment.predictions import prediction_log
    from switchyard.monitoring.ledger import Ledger as Decisions
    from switchyard.monitoring.retraining.ledger import Ledger
    from switchyard.predictionlog.counts import of_table
    from switchyard.predictionlog.database import blocks, labels, predictions

    with prediction_log(model) as engine:
        Ledger(engine, full_name).forget()
        Decisions(engine).forget(model)
        with engine.begin() as connection:
            ours = select(predictions.c.prediction_id).where(predictions.c.model == model)
            connection.execute(delete(labels).where(labels.c.prediction_id.in_(ours)))
            for table in connection.scalars(select(blocks.c.request_id).where(blocks.c.model == model).distinct()).all():
                connection.execute(delete(labels).where(of_table(table)))
            for table in (predictions, blocks):
                connection.execute(delete(table).where(table.c.model == model))


def _forget_windows(model: str) -> None:
    from evidently.ui.workspace import Workspace

    from app.pages import workspace_folder

    folder = workspace_folder()
    if folder.is_dir():
        workspace = Workspace.create(str(folder))
        for project in workspace.search_project(model):
            if project.name == model:
                workspace.delete_project(project.id)
