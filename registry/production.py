"""Which version is in production, which was, and how one gets there: MLflow's `champion`, ZenML's production stage, and who, when, why."""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

from registry.asking import unless_absent
from registry.versions import CHALLENGER, CHAMPION, Registered, mirror_to_zenml, open_version
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


def tags_of(name: str, version: str) -> dict[str, str]:
    """The tags of a registered version; none where there is no such version."""
    return _tags(name).get(version, {})


def version_of(name: str, alias: str) -> str | None:
    """The version that carries `alias`; None where none does."""
    found = unless_absent(lambda: _client().get_model_version_by_alias(name, alias))
    return None if found is None else str(found.version)


def production_of(name: str) -> tuple[str | None, str, str]:
    """The champion's version, when it was promoted (ISO 8601) and by whom; None and empty where there is none, or it was not said."""
    champion = version_of(name, CHAMPION)
    tags = _tags(name).get(champion, {}) if champion else {}
    return champion, tags.get(SINCE, ""), tags.get(BY, "")


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
    champion, versions = version_of(name, CHAMPION), _tags(name)
    former = {
        version: tags[SINCE]
        for version, tags in versions.items()
        if SINCE in tags and version != champion and tags.get(WITHDRAWN, "") < tags[SINCE]
    }
    if champion is None or not former:
        raise InputError(f"model {name!r} has no earlier version in production to go back to; --version N deploys any of {_known(name)}")
    return max(former, key=former.__getitem__)


def require_former(name: str, version: str) -> None:
    """Stop where `version` was never in production, so that nobody can go back to it.

    Raises
    ------
    InputError
        The message says what deploys it, or which versions there are.
    """
    tags = _tags(name).get(version)
    if tags is None:
        raise InputError(f"model {name!r} has no version {version!r} in the registry to go back to; there is {_known(name)}")
    if SINCE not in tags:
        raise InputError(
            f"version {version} of {name!r} was never in production, so there is no going back to it; --version {version} deploys it"
        )


def mark_withdrawn(name: str, version: str, by: str, why: str) -> None:
    """Tag `version` as one not to go back to."""
    client, now = _client(), _now()
    for key, value in ((WITHDRAWN, now), (WITHDRAWN_BY, by), (WITHDRAWN_WHY, why)):
        client.set_model_version_tag(name, version, key, value)


def withdrawn_since(name: str, version: str, moment: datetime) -> str | None:
    """By whom and why `version` was withdrawn after `moment`, with a zone, in words; None where it was not."""
    tags = _tags(name).get(version, {})
    if WITHDRAWN not in tags or datetime.fromisoformat(tags[WITHDRAWN]) < moment:
        return None
    return told_back(tags.get(WITHDRAWN_BY, ""), tags.get(WITHDRAWN_WHY, ""))


def was_withdrawn(name: str, version: str) -> str:
    """When, by whom and why `version` was withdrawn since it was last in production, in words; empty where it was not."""
    tags = _tags(name).get(version, {})
    if tags.get(WITHDRAWN, "") <= tags.get(SINCE, ""):
        return ""
    return f"{told_back(tags.get(WITHDRAWN_BY, ''), tags.get(WITHDRAWN_WHY, ''))} at {tags[WITHDRAWN][:16].replace('T', ' ')} UTC"


def told_back(by: str, why: str) -> str:
    """That a version was taken back, by whom and why."""
    return f"taken back by {by}: {why}" if why else f"taken back by {by}"


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
    client, now = _client(), _now()
    before = version_of(name, CHAMPION)
    if before == version:
        mirror_to_zenml(name, version, {}, stage="production")
        return before
    try:
        for key, value in ((SINCE, now), (BY, by), (WHY, why)):
            client.set_model_version_tag(name, version, key, value)
        if withdraw and before is not None:
            mark_withdrawn(name, before, by, why)
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
    return ", ".join(sorted(_tags(name), key=int)) or "none"


def _tags(name: str) -> dict[str, dict[str, str]]:
    """Tags of every version of `name`."""
    return {str(found.version): found.tags for found in _client().search_model_versions(f"name = '{name}'")}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _client() -> Any:
    import mlflow

    connect_mlflow()
    return mlflow.MlflowClient()
