"""`ServedVersion`: one deployed instance, as ZenML's list of services shows it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Literal, cast
from uuid import uuid4

from pydantic import Field, model_validator
from zenml.client import Client
from zenml.enums import ServiceState, StackComponentType
from zenml.models.v2.misc.service import ServiceType
from zenml.services import ServiceConfig, ServiceStatus
from zenml.services.service import BaseDeploymentService
from zenml.utils.pagination_utils import depaginate

from deployment.host import Deployment, Host, Instance
from materializers.zenml_private import create_service
from stacks.active import component

FLAVOR = "switchyard"
PAGE = 1000
"""Services that ZenML is asked for at once; its own page is 20."""
SERVICE_TYPE = ServiceType(type="model-serving", flavor=FLAVOR, name="switchyard", description="A bundle behind Seldon's microservice")
_STATES = {
    "ready": ServiceState.ACTIVE,
    "starting": ServiceState.PENDING_STARTUP,
    "failed": ServiceState.ERROR,
    "stopped": ServiceState.INACTIVE,
}


class ServedVersionConfig(ServiceConfig):
    """What is served, by its digest: two that differ in anything are never taken for one another."""

    deployer: str
    """Name of the stack component that deployed it."""
    model: str
    """Name in the registry; `model_name` is ZenML's."""
    instance: str
    """Name at the host."""
    version: str
    digest: str
    role: Literal["live", "shadow"] = "live"
    bundle_uri: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_any_place(cls, given: Any) -> Any:
        # ZenML keeps the class's place beside the values, takes no other back, and has no way to change it in a record.
        return {key: value for key, value in given.items() if key != "type"} if isinstance(given, dict) else given


class ServedVersion(BaseDeploymentService):
    """Knows of itself what the host of the active stack says."""

    SERVICE_TYPE: ClassVar[ServiceType] = SERVICE_TYPE

    config: ServedVersionConfig
    status: ServiceStatus = Field(default_factory=ServiceStatus)

    def check_status(self) -> tuple[ServiceState, str]:
        """The state at the host; that of an instance that is not there is inactive."""
        host = self._host()
        if host is None:
            return self.status.state, ""
        instance = self._instance(host.inspect(self.config.model))
        return (_STATES[instance.state], instance.reason) if instance else (ServiceState.INACTIVE, "")

    def update_status(self) -> None:
        """Take the host's word on the state, as ZenML does, but keep no reason that no longer holds."""
        self.status.clear_error()
        super().update_status()

    def get_logs(self, follow: bool = False, tail: int | None = None) -> Generator[str, bool, None]:
        """What the instance printed."""
        host = self._host()
        if host is not None:
            yield from host.logs(self.config.model, self.config.instance, tail)

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        self.update_status()
        return self.status.state == ServiceState.ACTIVE

    @property
    def prediction_url(self) -> str | None:
        """The front door's: it is the traffic that decides which instance answers."""
        return self._url("/predict")

    @property
    def healthcheck_url(self) -> str | None:
        """The front door's."""
        return self._url("/health")

    def information(self) -> dict[str, str | None]:
        """What `zenml model-deployer models describe` shows."""
        host = self._host()
        deployment = host.inspect(self.config.model) if host else None
        instance = self._instance(deployment)
        return {
            "MODEL": self.config.model,
            "VERSION": self.config.version,
            "DIGEST": self.config.digest,
            "ROLE": self.config.role,
            "STATE": instance.state if instance else "stopped",
            "SHARE": f"{deployment.share(self.config.instance):.2%}" if deployment else None,
            "RESTARTS": str(instance.restarts) if instance else None,
            "PREDICTION_URL": self.prediction_url,
            "TOKEN_FILE": deployment.token_file if deployment else None,
            "DIRECT_URL": instance.url if instance else None,
        }

    def _instance(self, deployment: Deployment | None) -> Instance | None:
        return deployment.instance(self.config.instance) if deployment else None

    def _url(self, path: str) -> str | None:
        host = self._host()
        deployment = host.inspect(self.config.model) if host else None
        return deployment.url + path if deployment else None

    def _host(self) -> Host | None:
        """The host of the component that deployed this, where it is the active stack's."""
        deployer = component(StackComponentType.MODEL_DEPLOYER)
        return getattr(deployer, "host", None) if deployer is not None and deployer.name == self.config.deployer else None


def record(config: ServedVersionConfig) -> None:
    """Have ZenML show the service that `config` describes."""
    service = ServedVersion(uuid=uuid4(), config=config, admin_state=ServiceState.ACTIVE)
    service.update_status()
    create_service(service, config.model_dump(), config.service_name, config.model_name, config.model_version)


def recorded(deployer: str, **filters: Any) -> list[ServedVersion]:
    """The services that ZenML shows of the component `deployer`, the newest first, as they are now; ZenML takes up what has changed.

    Parameters
    ----------
    filters
        As `Client.list_services` takes them.
    """
    records = depaginate(Client().list_services, sort_by="desc:created", size=PAGE, flavor=FLAVOR, hydrate=True, **filters)
    found = []
    for one in records:
        # One without a class is another deployer's, which is being made.
        if not one.service_source or one.config.get("deployer") != deployer:
            continue
        service = cast(ServedVersion, BaseDeploymentService.from_model(one))
        service.update_status()
        if service.status.model_dump() != one.status:
            Client().update_service(id=service.uuid, admin_state=service.admin_state, status=service.status.model_dump())
        found.append(service)
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two configs differ in nothing but who asked for them."""
    names = (set(one) | set(other)) - {"pipeline_name", "pipeline_step_name"}
    return all(one.get(name) == other.get(name) for name in names)
