"""What is deployed, on whatever stack of the connected ZenML: nothing that it needs may go."""

from __future__ import annotations

from dataclasses import dataclass, fields

from deployment.service import FLAVOR, PAGE


@dataclass(frozen=True)
class Deployed:
    """One version that is deployed, be it stopped."""

    model: str
    version: str
    digest: str
    instance: str
    """Its name at the host."""
    deployer: str
    """The stack component that deployed it."""


def all_deployed() -> list[Deployed]:
    """Every model that is deployed, by ZenML's records of services."""
    from zenml.client import Client
    from zenml.utils.pagination_utils import depaginate

    found = depaginate(Client().list_services, flavor=FLAVOR, size=PAGE, hydrate=True)
    configs = [service.config for service in found]
    return [Deployed(**{field.name: config[field.name] for field in fields(Deployed)}) for config in configs if "digest" in config]
