"""`raises_as_host`: what a cluster refuses, as the interface of hosts has it. Beneath it nobody knows of deployments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from deployment.host import DeploymentError, Host
from stacks.cluster.errors import ClusterError

_Class = TypeVar("_Class", bound=type[Host])


def raises_as_host(host: _Class) -> _Class:
    """Have each method that `Host` names raise a DeploymentError where the cluster refuses or does not answer."""
    for name in {name for name in vars(Host) if not name.startswith("_")} & set(vars(host)):
        setattr(host, name, _raising(vars(host)[name]))
    return host


def _raising(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except ClusterError as error:
            raise DeploymentError(str(error)) from error

    return call
