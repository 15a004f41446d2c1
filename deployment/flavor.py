"""The ZenML flavor `switchyard`: a model deployer around a `Host`, so that steps and pipelines never know which."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, cast
from uuid import UUID

from pydantic import Field
from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import ServiceState
from zenml.model_deployers.base_model_deployer import BaseModelDeployer, BaseModelDeployerConfig, BaseModelDeployerFlavor
from zenml.model_deployers.base_model_deployer import get_model_version_id_if_exists as id_of_version
from zenml.services import BaseService, ServiceConfig
from zenml.utils.secret_utils import SecretField

from deployment.bundles import read_bundle, stage_bundle
from deployment.host import Deployment, Host, Instance, Release, refuse_pool
from deployment.kubernetes.options import KubernetesOptions
from deployment.service import FLAVOR, ServedVersion, ServedVersionConfig, record, recorded, same
from registry.versions import zenml_model_name
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import InputError

TIMEOUT_S = 120
_FILTERS = ("pipeline_name", "pipeline_step_name", "pipeline_run_id", "service_name")
"""What ZenML asks services by, of what its list of them takes by the same name."""
_START_TIMEOUT_S = {"process": 120, "kubernetes": 600}


class SwitchyardDeployerConfig(BaseModelDeployerConfig):
    """Where services run and how they are offered."""

    kind: Literal["process", "kubernetes"] = "process"
    """process: on this machine; kubernetes: in a cluster, by Seldon's operator."""
    authentication: bool = True
    requests_per_second: int = 5_000
    """For each process of the front door."""
    requests_per_second_of_client: int = Field(default=0, ge=0)
    """What each client, known by its token, may send of those; 0: no limit of its own."""
    timeout_s: float = 30.0
    """Of one request."""
    start_timeout_s: int | None = Field(default=None, gt=0)
    """Until a deployed version must be ready; unless said, 120 on this machine and 600 in a cluster, where a node may have to come."""
    workers: int = 2
    pool_bytes: int = Field(default=1 << 30, ge=1 << 20)
    """process: of loaded models in the pool (`serving.pool` of a config), over all its workers."""

    host: str = "127.0.0.1"
    """process: address of the front door; on any but loopback it asks for a token."""
    port: int = 0
    """process: of the front door; 0: one that is free, for each model its own, and kept."""
    tls_certificate: str = ""
    """process: path of a PEM file with a certificate and what leads to its root: all models answer in HTTPS; renewed, it is taken up."""
    tls_key: str = ""
    """process: path of the certificate's private key, PEM."""
    log_url: str = SecretField(default="")
    """process: SQLAlchemy URL of the prediction log; empty: SQLite beside MLflow's on this machine."""

    kubernetes_context: str | None = None
    """kubernetes, as everything that follows: of the client's kubeconfig; pods use their own account."""
    namespace: str = "switchyard"
    serving_image: str = ""
    frontdoor_image: str = ""
    replicas: int = 3
    max_replicas: int = 0
    """Above `replicas`: an autoscaler adds pods up to that number."""
    target_cpu: int = 70
    """Per cent of the request at which the autoscaler keeps the pods."""
    requests: dict[str, str] = Field(default_factory=lambda: dict(KubernetesOptions().requests))
    limits: dict[str, str] = Field(default_factory=lambda: dict(KubernetesOptions().limits))
    """Resources of each pod that serves."""
    frontdoor_replicas: int = 2
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = "ClusterIP"
    """How the front door is reached."""
    ingress_host: str = ""
    """Name of an ingress for it, with `{model}` in it; empty: no ingress."""
    ingress_class: str = ""
    ingress_tls_secret: str = ""
    service_account: str = ""
    """Of the pods that serve."""
    readers: list[str] = Field(default_factory=list)
    """Accounts that are let read each model's Secret, by its name."""
    deployer: str = ""
    """Account of the pods that deploy; who starts a deployment lets it have that model's Secret, by its name."""
    image_pull_secret: str = ""
    log_secret: str = KubernetesOptions().log_secret
    """Secret with the prediction log's URL under `predictions-url`; empty: no log."""
    store_secret: str = KubernetesOptions().store_secret
    """Secret with the artifact store's AWS_* variables, by which pods fetch bundles."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def is_local(self) -> bool:
        """Whether services run on the client's machine."""
        return self.kind == "process"

    @property
    def is_remote(self) -> bool:
        """Whether pods must be able to ask ZenML's server for it."""
        return self.kind == "kubernetes"


class SwitchyardDeployer(BaseModelDeployer):
    """One service for each deployed version; a front door for each model, whose traffic is shifted between them."""

    NAME: ClassVar[str] = "Switchyard"
    FLAVOR: ClassVar[type[BaseModelDeployerFlavor]]

    @property
    def config(self) -> SwitchyardDeployerConfig:
        """The component's configuration."""
        return cast(SwitchyardDeployerConfig, self._config)

    @property
    def host(self) -> Host:
        """The host that the configuration names."""
        folder = Path(GlobalConfiguration().local_stores_path) / "switchyard"
        return (_process_host if self.config.kind == "process" else _kubernetes_host)(self.config, folder)

    def deploy(self, release: Release, origin: dict[str, str]) -> Instance:
        """Start `release` beside what runs, without traffic, and have ZenML show it.

        Parameters
        ----------
        release : Release
        origin : dict
            pipeline_name and pipeline_step_name of who asks for it.

        Raises
        ------
        DeploymentError
            Its files are not those that were registered, or it did not become ready; nothing of it is left.
        """
        refuse_pool(self.config.is_local, release.settings)
        timeout_s = self.config.start_timeout_s or _START_TIMEOUT_S[self.config.kind]
        release = replace(release, uri=stage_bundle(release))
        name, before = self.host.name_for(release), self.host.inspect(release.model)
        instance = self.host.start(release, timeout_s)
        try:
            if not self._services(release.model, name):
                record(self._describe(release, name, origin))
        except BaseException:
            if before is None or before.instance(name) is None:
                self.host.delete(release.model, name, TIMEOUT_S)
            raise
        return instance

    def _describe(self, release: Release, name: str, origin: dict[str, str]) -> ServedVersionConfig:
        return ServedVersionConfig(
            **origin,
            name=f"{release.model}-{name}",
            service_name=f"{release.model}-{name}",
            model_name=zenml_model_name(release.model),
            model_version=f"v{release.version}",
            deployer=self.name,
            model=release.model,
            instance=name,
            version=release.version,
            digest=release.digest,
            role=release.role,
            bundle_uri=release.uri,
            settings=dict(release.settings),
        )

    def retire(self, model: str, name: str, timeout_s: float = TIMEOUT_S) -> None:
        """Stop an instance that has no traffic, and forget it here and in ZenML."""
        self.host.delete(model, name, timeout_s)
        for service in self._services(model, name):
            Client().delete_service(service.uuid)

    def tidy(self, model: str) -> None:
        """Have ZenML forget services of `model` that the host no longer knows."""
        deployment = self.host.inspect(model)
        known = {instance.name for instance in deployment.instances} if deployment else set()
        for service in self.find_model_server():
            if service.config.model == model and service.config.instance not in known:
                Client().delete_service(service.uuid)

    def perform_deploy_model(self, id: UUID, config: ServiceConfig, timeout: int = TIMEOUT_S) -> BaseService:
        """ZenML's way in."""
        config = cast(ServedVersionConfig, config)
        files = read_bundle(config.bundle_uri)
        release = Release(config.model, config.version, config.digest, files, config.role, config.settings, config.bundle_uri)
        service = ServedVersion(uuid=id, config=config, admin_state=ServiceState.ACTIVE)
        self.host.start(release, timeout)
        service.update_status()
        return service

    def find_model_server(self, config: dict[str, Any] | None = None, running: bool | None = None, **filters: Any) -> list[BaseService]:
        """Services of this component alone, the newest first, as they are now: those of other stacks can't be asked how they are.

        ZenML's own asks for a page of 20 and no more, and its filter by config finds every service; this one those that serve the same.
        """
        asked = {key: value for key, value in filters.items() if key in _FILTERS}
        of_version = id_of_version(filters.get("model_name"), filters.get("model_version"))
        asked |= {"id": filters.get("service_uuid"), "model_version_id": of_version}
        found = recorded(self.name, **asked)
        ours = [service for service in found if config is None or same(service.config.model_dump(), config)]
        # ZenML's command line says False where nobody asked.
        return [service for service in ours if not running or service.status.state == ServiceState.ACTIVE]

    def perform_stop_model(self, service: BaseService, timeout: int = TIMEOUT_S, force: bool = False) -> BaseService:
        """Stop it; what it answered goes to the others, and with none left the front door says 503."""
        config = cast(ServedVersionConfig, service.config)
        self._withdraw(config, timeout)
        self.host.stop(config.model, config.instance, timeout)
        service.admin_state = ServiceState.INACTIVE
        service.update_status()
        return service

    def perform_start_model(self, service: BaseService, timeout: int = TIMEOUT_S) -> BaseService:
        """Start it again; it gets all traffic where nobody has any."""
        config = cast(ServedVersionConfig, service.config)
        instance = self.host.resume(config.model, config.instance, timeout)
        if not self.host.inspect(config.model).traffic.weights and instance.role == "live":
            self.host.shift(config.model, Traffic.all_to(instance.name), timeout)
        service.admin_state = ServiceState.ACTIVE
        service.update_status()
        return service

    def perform_delete_model(self, service: BaseService, timeout: int = TIMEOUT_S, force: bool = False) -> None:
        """Stop the service for good."""
        config = cast(ServedVersionConfig, service.config)
        deployment = self.host.inspect(config.model)
        if deployment is not None and deployment.instance(config.instance) is not None:
            self._withdraw(config, timeout)
            self.host.delete(config.model, config.instance, timeout)

    @staticmethod
    def get_model_server_info(service: BaseService) -> dict[str, str | None]:
        """What ZenML shows of a service."""
        return cast(ServedVersion, service).information()

    def _withdraw(self, config: ServedVersionConfig, timeout_s: float) -> None:
        """Take its traffic from an instance."""
        deployment = cast(Deployment, self.host.inspect(config.model))
        traffic = deployment.traffic
        if config.instance not in traffic.names:
            return
        others = [name for name, weight in traffic.weights if name != config.instance and weight]
        shadows = tuple(name for name in traffic.shadows if name != config.instance)
        left = Traffic(Traffic.all_to(others[-1]).weights if others else (), shadows if others else ())
        self.host.shift(config.model, left, timeout_s)

    def _services(self, model: str, name: str) -> list[BaseService]:
        found = self.find_model_server(service_name=f"{model}-{name}")
        return [service for service in found if (service.config.model, service.config.instance) == (model, name)]


def _process_host(config: SwitchyardDeployerConfig, folder: Path) -> Host:
    from deployment.process.host import ProcessHost
    from deployment.process.options import ProcessOptions

    return ProcessHost(folder / "serving", ProcessOptions(**_settings(config, ProcessOptions)))


def _kubernetes_host(config: SwitchyardDeployerConfig, folder: Path) -> Host:
    from deployment.kubernetes.host import KubernetesHost
    from stacks.cluster.client import Cluster
    from stacks.cluster.connection import in_pod

    if not config.authentication:
        raise InputError("in a cluster the front door always asks for a token; leave the deployer's authentication on")
    lists = {"tolerations": tuple(config.tolerations), "readers": tuple(config.readers)}
    options = KubernetesOptions(**{**_settings(config, KubernetesOptions), **lists})
    # A pod has nobody to leave a copy of the tokens for.
    return KubernetesHost(Cluster(config.namespace, config.kubernetes_context), options, None if in_pod() else folder / "tokens")


def _settings(config: SwitchyardDeployerConfig, options: type) -> dict[str, Any]:
    """The settings that `options` has."""
    return {field.name: getattr(config, field.name) for field in fields(options)}


class SwitchyardDeployerFlavor(BaseModelDeployerFlavor):
    """Registers the deployer with ZenML."""

    @property
    def name(self) -> str:
        """The flavor's name in stack files."""
        return FLAVOR

    @property
    def config_class(self) -> type[BaseModelDeployerConfig]:
        """The class of the component's settings."""
        return SwitchyardDeployerConfig

    @property
    def implementation_class(self) -> type[BaseModelDeployer]:
        """The deployer."""
        return SwitchyardDeployer


SwitchyardDeployer.FLAVOR = SwitchyardDeployerFlavor
