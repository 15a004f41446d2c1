"""What ZenML does not offer and is done all the same: each a function with its reason, written for ZenML 0.98.0.

`tests/app/test_zenml_private.py` fails where another release does these things otherwise. Every step
depends on this module, by its materializer; it is not in stacks/, whose YAML files would be in each cache key with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from zenml.client import Client
from zenml.enums import ExecutionStatus, StoreType
from zenml.integrations.registry import integration_registry
from zenml.model_deployers.base_model_deployer import get_model_version_id_if_exists
from zenml.models import FlavorUpdate, PipelineRunUpdate, ServiceRequest, ServiceUpdate, StepRunUpdate
from zenml.orchestrators import publish_utils
from zenml.services.service import BaseService
from zenml.utils.exception_utils import collect_exception_information
from zenml.utils.time_utils import utc_now

_REASON_LENGTH = 250


def leave_integrations_out() -> None:
    """Keep this process from importing every integration that is installed.

    ZenML imports them all (torch, xgboost, ...) when it compiles a pipeline: 4 s for materializers that none of our
    artifacts uses. Flavors of stack components are imported by their own source when needed.
    """
    integration_registry.activate_integrations = lambda: None


def tell_why_step_failed(error: BaseException) -> None:
    """Have the step that runs in this process record `error` as what it failed by.

    ZenML records why a step's function failed, but not why what it made could not be kept.
    """
    publish_utils.step_exception_info.set(collect_exception_information(error))


def end_step(step: UUID, status: ExecutionStatus) -> None:
    """Record that a step has ended; its own process, which would say so, was killed or never came."""
    Client().zen_store.update_run_step(step, StepRunUpdate(status=status, end_time=utc_now()))


def end_run(run: UUID, status: ExecutionStatus, reason: str) -> None:
    """Record that a run has ended and why; the client can stop runs of some orchestrators, and say no reason."""
    Client().zen_store.update_run(run, PipelineRunUpdate(status=status, status_reason=reason[:_REASON_LENGTH]))


def create_service(service: BaseService, config: Mapping[str, Any], name: str, model: str, version: str) -> None:
    """Record a service with all that is known of it.

    ZenML's `deploy_model` makes a record first and says what it is of when the service runs, and whoever lists
    services in between, of any model, deletes the record as broken. `Client.create_service` makes that first record.
    """
    client = Client()
    client.zen_store.create_service(
        ServiceRequest(
            name=name,
            project=client.active_project.id,
            service_type=service.SERVICE_TYPE,
            service_source=service.model_dump()["type"],
            admin_state=service.admin_state,
            config=dict(config),
            status=service.status.model_dump(),
            prediction_url=service.prediction_url,
            health_check_url=service.healthcheck_url,
            model_version_id=get_model_version_id_if_exists(model, version),
        )
    )


def artifacts_by_run() -> dict[UUID, dict[UUID, str]]:
    """Id and URI of each artifact that a run's steps made or were given, of all runs; empty where the records are a server's.

    The client asks for one run's at a time, by "id or name", for which no database has an index: of 5,000 runs each question took
    two seconds.
    """
    store = Client().zen_store
    if store.type != StoreType.SQL:
        return {}
    # A pod whose records are a server's need not import its tables.
    from zenml.zen_stores.schemas import ArtifactVersionSchema, StepRunInputArtifactSchema, StepRunOutputArtifactSchema, StepRunSchema

    found: dict[UUID, dict[UUID, str]] = {}
    with Session(store.engine) as session:
        uris = dict(session.execute(select(ArtifactVersionSchema.id, ArtifactVersionSchema.uri)).tuples().all())
        for link in (StepRunOutputArtifactSchema, StepRunInputArtifactSchema):
            asked = select(StepRunSchema.pipeline_run_id, link.artifact_id).join(link, link.step_id == StepRunSchema.id)
            for run, artifact in session.execute(asked.distinct()):
                found.setdefault(run, {})[artifact] = uris[artifact]
    return found


def update_flavor(flavor: UUID, **changes: Any) -> None:
    """Change what the server keeps of a flavor; the client can make and delete one, and components hold on to it by its id."""
    Client().zen_store.update_flavor(flavor, FlavorUpdate(**changes))


def update_service(service: UUID, **changes: Any) -> None:
    """Change what the server keeps of a service; the client can't say that its class is elsewhere now."""
    Client().zen_store.update_service(service, ServiceUpdate(**changes))
