"""`Store`: reads and changes what should be deployed of one model, and has Seldon's operator follow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from deployment.host import DeploymentError
from deployment.kubernetes import frontdoor
from deployment.kubernetes.doors import FrontDoors
from deployment.kubernetes.names import Names
from deployment.kubernetes.options import KubernetesOptions
from deployment.kubernetes.state import State
from stacks.cluster.client import Cluster
from stacks.cluster.errors import Conflict, Forbidden
from stacks.cluster.objects import Object
from switchyard.serving.frontdoor.tokens import new_tokens


class Store:
    """What should be deployed of one model, in the cluster's Secret.

    Parameters
    ----------
    cluster : Cluster
    model : str
    options : KubernetesOptions
    """

    def __init__(self, cluster: Cluster, model: str, options: KubernetesOptions) -> None:
        self._cluster, self._model, self._options, self._names = cluster, model, options, Names.of(model)

    def read(self) -> tuple[State, str] | None:
        """State and token file; None where nothing was ever deployed.

        Raises
        ------
        Forbidden
            Something is deployed that this account may not see.
        """
        try:
            secret = self._cluster.get("Secret", self._names.frontdoor)
        except Forbidden:
            # A reader is let see a model's Secret when there is one; of one that is not there Kubernetes says the same.
            if self._cluster.get("Service", self._names.frontdoor) is not None:
                raise
            return None
        return State.from_secret(secret) if secret else None

    def require(self) -> State:
        """The state.

        Raises
        ------
        DeploymentError
            Nothing is deployed.
        """
        found = self.read()
        if found is None:
            raise DeploymentError(f"nothing is deployed of {self._model}")
        return found[0]

    def change(self, change: Callable[[State], State], create: bool = False) -> State:
        """Change what should run; where somebody else did so meanwhile, on top of that. Front doors are told, Seldon is not yet.

        Raises
        ------
        DeploymentError
            Nothing is deployed, and it is not to be created; or this account was never let have the model's Secret.
        """
        while True:
            secret = self._secret()
            if secret is None and not create:
                raise DeploymentError(f"nothing is deployed of {self._model}")
            new = (State(self._model, frontdoor.door(self._options)), new_tokens())
            before, tokens = State.from_secret(secret) if secret else new
            after = change(before)
            if secret is not None and after == before:
                return before
            after = after.counted()
            version = secret["metadata"]["resourceVersion"] if secret else None
            with contextlib.suppress(Conflict):
                self._cluster.write(after.to_secret(self._names, tokens, version))
                FrontDoors(self._cluster, self._model, self._options).nudge()
                return after

    def _secret(self) -> Object | None:
        try:
            return self._cluster.get("Secret", self._names.frontdoor)
        except Forbidden as error:
            raise DeploymentError(
                f"{self._model} is not for this account to deploy ({error}): python run.py --pipeline deployment, by who may make Roles in "
                f"namespace {self._cluster.namespace}, lets it for good"
            ) from None

    def sync(self) -> None:
        """Write the SeldonDeployment; again, where what should run has changed while it was written."""
        written = None
        while (found := self.read()) is not None and found[0].generation != written:
            wanted = found[0].seldon_deployment(self._names)
            if wanted is None:
                self._cluster.delete("SeldonDeployment", self._names.scope)
            else:
                self._cluster.apply(wanted)
            written = found[0].generation
