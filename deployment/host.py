"""`Host`: what a place must be able to do that serves models; `Release`, `Instance` and `Deployment`: what it is told and what it tells.

A host knows nothing of registries and pipelines, and whoever uses one can't tell which it is. The process host runs
services on this machine; the host of a cluster makes of a model one SeldonDeployment with a predictor for each
instance, of a `Release` an upload to the artifact store that the init container fetches, and of `Traffic` the routes
in the front door's Secret.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from switchyard.bundle import Bundle, ChangedBundle
from switchyard.bundle.bundle import check_members
from switchyard.serving.frontdoor.state import WHOLE, Traffic
from switchyard.tabular.errors import InputError, SwitchyardError

if TYPE_CHECKING:
    from sqlalchemy import Engine

Role = Literal["live", "shadow"]
State = Literal["starting", "ready", "failed", "stopped"]


class DeploymentError(SwitchyardError):
    """A service could not be brought to where it should be; what served before still does."""


@dataclass(frozen=True)
class Release:
    """One version to serve."""

    model: str
    version: str
    """The registry's label."""
    digest: str
    files: Mapping[str, bytes]
    """The bundle's, by name."""
    role: Role = "live"
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `switchyard.serving.settings.Settings`, besides what the host sets: entity_column, log_exclude, ..."""
    uri: str = ""
    """Where the files lie in the stack's artifact store, for a host whose services fetch them."""

    def verify(self) -> None:
        """Stop where the files are not those that were registered; called before any of them is written anywhere.

        Raises
        ------
        DeploymentError
            They have another digest, or one is missing.
        """
        try:
            check_members(dict.fromkeys(self.files, True))
            Bundle(self.files).verify(self.digest)
        except ChangedBundle as error:
            raise DeploymentError(
                f"the files of version {self.version} of {self.model!r} were changed since it was registered: {error}; put them back as "
                "they were, or deploy another version (--version N)"
            ) from None


def refuse_pool(is_local: bool, settings: Mapping[str, Any]) -> None:
    """Stop where a model is to be in a pool by its `settings` and its host, which is not this machine, has none."""
    if settings.get("pool") and not is_local:
        raise InputError("serving.pool is of models on this machine, and in a cluster each has pods of its own: leave it out of the config")


@dataclass(frozen=True)
class Instance:
    """One running service of one version."""

    name: str
    version: str
    digest: str
    role: Role
    url: str
    """The instance's own address, past the front door; for verification."""
    state: State
    reason: str = ""
    """Why it is not ready."""
    restarts: int = 0


@dataclass(frozen=True)
class Deployment:
    """All of one model that is deployed."""

    model: str
    url: str
    """Address of the front door, for clients."""
    inner_url: str
    """Address of the front door itself, without what stands before it outside; a deployment's own requests go there."""
    token_file: str | None
    """Where a client's token is; None where none is asked for."""
    instances: tuple[Instance, ...] = ()
    traffic: Traffic = Traffic()

    def instance(self, name: str) -> Instance | None:
        """The instance called `name`."""
        return next((instance for instance in self.instances if instance.name == name), None)

    def share(self, name: str) -> float:
        """Share of the requests that `name` answers, 0 to 1."""
        return dict(self.traffic.weights).get(name, 0) / WHOLE

    def require_ready(self, names: Iterable[str]) -> None:
        """Stop where one of `names` can't get traffic.

        Raises
        ------
        DeploymentError
            It is not deployed, or not ready.
        """
        for name in names:
            instance = self.instance(name)
            if instance is None or instance.state != "ready":
                state = instance.state if instance else "not deployed"
                raise DeploymentError(f"{self.model}: {name} is {state}; only what is ready gets traffic")

    @property
    def stable(self) -> Instance | None:
        """The instance that answers what no candidate does."""
        return self.instance(self.traffic.stable) if self.traffic.stable else None


class Host(ABC):
    """A place that serves models. Names of models and instances are those of `Deployment`."""

    @abstractmethod
    def name_for(self, release: Release) -> str:
        """What the instance of `release` is called: of the one that runs it already, else a new name."""

    @abstractmethod
    def start(self, release: Release, timeout_s: float) -> Instance:
        """Start `release` beside what runs, without traffic, and wait until it is ready; an equal one that runs is taken as it is.

        One that has died again and again is judged anew.

        Raises
        ------
        DeploymentError
            It did not become ready: with the service's own reason and last words. Nothing of it is left.
        """

    @abstractmethod
    def shift(self, model: str, traffic: Traffic, timeout_s: float) -> None:
        """Have the front door send requests by `traffic`, which names instances that are ready; returns when it does.

        Raises
        ------
        DeploymentError
            An instance is not ready, or the front door did not follow; then the traffic is as it was.
        """

    @abstractmethod
    def stop(self, model: str, name: str, timeout_s: float) -> None:
        """Stop an instance once it has answered what it was asked; it can be started again.

        Raises
        ------
        DeploymentError
            It has traffic.
        """

    @abstractmethod
    def resume(self, model: str, name: str, timeout_s: float) -> Instance:
        """Start an instance again that was stopped, or whose machine was; as `start`."""

    @abstractmethod
    def delete(self, model: str, name: str, timeout_s: float) -> None:
        """Stop an instance and forget it; returns when it is told to end."""

    @abstractmethod
    def remove(self, model: str, timeout_s: float) -> None:
        """Stop and forget all of `model`, its front door included. The prediction log stays."""

    @abstractmethod
    def inspect(self, model: str) -> Deployment | None:
        """What is deployed of `model`; None where nothing ever was."""

    @abstractmethod
    def token(self, model: str) -> str | None:
        """A token that the front door takes; None where it asks for none."""

    @abstractmethod
    def logs(self, model: str, name: str, tail: int | None = None) -> Iterator[str]:
        """Lines that the instance printed, the last `tail` of them."""

    def admit(self, model: str) -> None:  # noqa: B027 - most hosts have nobody to admit
        """Let the process that will deploy `model` do so, where that is not who asks; in a cluster a pod with an account of its own."""

    def keep_alive(self, model: str) -> bool:
        """See to it that somebody keeps alive what should run of `model`; True where nobody did any more.

        In a cluster that is the cluster's work.

        Raises
        ------
        DeploymentError
            Nobody does now either.
        """
        return False

    def log_url(self, model: str) -> str:
        """SQLAlchemy URL of the prediction log of `model`, as this process reaches it; empty where there is none."""
        return ""

    def settle_log(self, model: str, engine: Engine, timeout_s: float) -> int | None:
        """Wait until what was answered before the call is in the log; bytes that are late, None where nobody can say.

        Where services drain journals that nobody else can see there is nothing to wait for.
        """
        return 0

    @abstractmethod
    def statistics(self, model: str) -> str:
        """The front door's counts for each version, in Prometheus' text format as Envoy names them, all its replicas together.

        Empty where the front door does not run.

        Raises
        ------
        DeploymentError
            It runs and can't be asked.
        """
