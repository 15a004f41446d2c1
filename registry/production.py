"""Which version is in production, which was, and how one gets there: MLflow's `champion`, ZenML's production stage, and who, when, why."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

from registry.versions import CHALLENGER, CHAMPION, Registered, mirror_to_zenml, open_version, unless_absent
from stacks.active import connect_mlflow
from switchyard.tabular.errors import InputError

logger = logging.getLogger(__name__)

SINCE, BY, WHY = "production_since", "production_by", "production_why"
WITHDRAWN, WITHDRAWN_BY, WITHDRAWN_WHY = "withdrawn_at", "withdrawn_by", "withdrawn_why"
"""Tags of a registered version."""


def find_version(name: str, version: str) -> Registered:
    """The registered `version` of `name`, bundle included.

    Raises
    ------
    InputError
        The registry has no such version.
    ChangedVersion
        Its files are not those that were registered.
    """
    found = unless_absent(lambda: _client().get_model_version(name, version))
    if found is None:
        raise InputError(f"model {name!r} has no version {version!r} in the registry; there is {_known(name)}")
    return open_version(found)


def version_of(name: str, alias: str) -> str | None:
    """The version that carries `alias`; None where none does."""
    found = unless_absent(lambda: _client().get_model_version_by_alias(name, alias))
    return None if found is None else str(found.version)


def next_version(name: str) -> str:
    """What there is to deploy: the challenger, else the champion again.

    Raises
    ------
    InputError
        There is neither.
    """
    found = version_of(name, CHALLENGER) or version_of(name, CHAMPION)
    if found is None:
        raise InputError(f"model {name!r} has no challenger and no champion in the registry; run: python run.py --pipeline training")
    return found


def previous_version(name: str) -> str:
    """The version that was in production last before the present one, leaving out those that were withdrawn since.

    Raises
    ------
    InputError
        There is none.
    """
    champion = version_of(name, CHAMPION)
    versions = {str(found.version): found.tags for found in _client().search_model_versions(f"name = '{name}'")}
    former = {
        version: tags[SINCE]
        for version, tags in versions.items()
        if SINCE in tags and version != champion and tags.get(WITHDRAWN, "") < tags[SINCE]
    }
    if champion is None or not former:
        raise InputError(f"model {name!r} has no earlier version in production to go back to; --version N deploys any of {_known(name)}")
    return max(former, key=former.__getitem__)


def promote(name: str, version: str, by: str, why: str, withdraw: bool = False) -> str | None:
    """Make `version` champion in MLflow and production in ZenML; on failure everything is as before.

    Parameters
    ----------
    by, why : str
        Kept with the version, beside the time.
    withdraw : bool
        Mark the version that is replaced as one not to go back to.

    Returns
    -------
    str or None
        The version that was champion before.
    """
    client, now = _client(), datetime.now(UTC).isoformat(timespec="microseconds")
    before = version_of(name, CHAMPION)
    if before == version:
        mirror_to_zenml(name, version, {}, stage="production")
        return before
    try:
        for key, value in ((SINCE, now), (BY, by), (WHY, why)):
            client.set_model_version_tag(name, version, key, value)
        if withdraw and before is not None:
            for key, value in ((WITHDRAWN, now), (WITHDRAWN_BY, by), (WITHDRAWN_WHY, why)):
                client.set_model_version_tag(name, before, key, value)
        mirror_to_zenml(name, version, {}, stage="production")
        client.set_registered_model_alias(name, CHAMPION, version)
    except BaseException:
        _undo(client, name, version, before, withdraw)
        raise
    if version_of(name, CHALLENGER) == version:
        # It challenges nobody any more; left in place, a later deployment would take it for new after a rollback.
        client.delete_registered_model_alias(name, CHALLENGER)
    return before


def _undo(client: Any, name: str, version: str, before: str | None, withdraw: bool) -> None:
    from mlflow.exceptions import MlflowException

    for key in (SINCE, BY, WHY):
        with contextlib.suppress(MlflowException):
            client.delete_model_version_tag(name, version, key)
    if before is None:
        return
    for key in (WITHDRAWN, WITHDRAWN_BY, WITHDRAWN_WHY) if withdraw else ():
        with contextlib.suppress(MlflowException):
            client.delete_model_version_tag(name, before, key)
    try:
        mirror_to_zenml(name, before, {}, stage="production")
    except Exception as error:  # the first failure is the one to report
        logger.error("ZenML's production stage could not be given back to version %s: %s", before, error)


def _known(name: str) -> str:
    versions = sorted(int(found.version) for found in _client().search_model_versions(f"name = '{name}'"))
    return ", ".join(map(str, versions)) or "none"


def _client() -> Any:
    import mlflow

    connect_mlflow()
    return mlflow.MlflowClient()
