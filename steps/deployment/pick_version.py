"""Step: which version is to be deployed, and which is in production."""

import logging
from typing import Annotated

from zenml import step

from deployment.registration import active_deployer
from deployment.rollback import Rollback, find_rollback
from registry.production import find_version, next_version, version_of, was_withdrawn
from registry.versions import CHAMPION, Registered, find_alias
from steps.deployment.order import Order
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError

logger = logging.getLogger(__name__)


@step(enable_cache=False)
def pick_version(problem: Problem, order: Order) -> tuple[Annotated[Registered, "release"], Annotated[Registered, "champion"]]:
    """Both from the registry as it is now; never cached.

    The champion is opened only where it is to serve beside the version: one whose files were changed must not stand in the way of
    the version that replaces it.
    """
    name = problem.name
    if order.rollback:
        _require_same(name, order.rollback)
    version = order.version or next_version(name)
    release = find_version(name, version)
    if not order.rollback and (withdrawn := was_withdrawn(name, version)):
        logger.warning("version %s of %r was %s; it is deployed again all the same", version, name, withdrawn)
    champion = Registered(name, version_of(name, CHAMPION)) if order.strategy == "all" else find_alias(name, CHAMPION)
    if order.strategy != "all" and champion.version is None:
        raise InputError(f"no version of {name!r} is in production for version {version} to run beside; deploy one with --strategy all")
    if order.strategy != "all" and champion.version == version:
        raise InputError(f"version {version} of {name!r} is in production already; there is nothing to try beside it")
    return release, champion


def _require_same(name: str, told: Rollback) -> None:
    """Stop where a rollback would not do any more what was said before it began."""
    now = find_rollback(name, active_deployer().host.inspect(name), told.version)
    if not now.is_same(told):
        raise InputError(f"what serves of {name!r} was changed meanwhile: {now.sentence()}, if you roll back again")
