"""`Rollback`: what going back means as things stand, so that it is said before it is done."""

from __future__ import annotations

from collections.abc import Iterator

from deployment.host import Deployment
from registry.experiments import open_experiments
from registry.production import previous_version, require_former, version_of
from registry.versions import CHAMPION
from switchyard.tabular.errors import InputError
from switchyard.tabular.storable import Record

_NAMES = {"canary": " as a canary", "ab": " in an A/B test"}


class Tried(Record):
    """A version that runs beside the champion."""

    version: str
    gets: str
    """In words."""
    share: float = 0.0
    """Of the requests that it answers, 0 to 1."""


class Rollback(Record):
    """Who goes, and who serves everybody then."""

    champion: str
    """At present."""
    version: str
    """Of whom everybody is served then; the champion where only a candidate goes."""
    tried: tuple[Tried, ...] = ()
    """Candidates and shadows that go."""

    def sentence(self) -> str:
        """What will be done, for people."""
        takes = [f"taking back version {one.version}, which {one.gets}" for one in self.tried]
        if self.version == self.champion:
            keeps = "gets" if any(one.share == 1 for one in self.tried) else "keeps"
            return "; ".join([*takes, f"champion {self.champion} {keeps} everything"])
        return "; ".join(
            [
                *takes,
                f"going back from champion {self.champion}, which is marked withdrawn, to version {self.version}, which gets everything",
            ]
        )

    def is_same(self, other: Rollback) -> bool:
        """Whether the same versions come and go; a share may be another."""
        return self._who() == other._who()

    def _who(self) -> tuple[str, str, set[str]]:
        return self.champion, self.version, {one.version for one in self.tried}


def find_rollback(name: str, deployment: Deployment | None, to: str | None = None) -> Rollback:
    """What a rollback of model `name` means now: the candidate goes where one runs, else the champion.

    Parameters
    ----------
    deployment : Deployment, optional
        What the host serves of it.
    to : str, optional
        Version to go back to, instead of the champion or the one before it.

    Raises
    ------
    InputError
        There is nothing to go back to, or from.
    """
    champion = version_of(name, CHAMPION)
    if champion is None:
        # Its error says which versions there are.
        return Rollback(champion="", version=previous_version(name))
    tried = tuple(one for one in _tried(name, deployment, champion) if one.version != to)
    if to == champion and not tried:
        raise InputError(f"version {to} of {name!r} is in production and nothing is tried beside it; there is nothing to take back")
    if to not in (None, champion):
        require_former(name, to)
    return Rollback(champion=champion, version=to or (champion if tried else previous_version(name)), tried=tried)


def _tried(name: str, deployment: Deployment | None, champion: str) -> Iterator[Tried]:
    """Whoever has requests, or has had copies, without being champion, and whoever's record is still open.

    A shadow has no record: where a rollback was killed after its traffic was taken, its instance alone tells of it.
    """
    records = {one.candidate: one for one in open_experiments(name) if one.champion == champion}
    for instance in deployment.instances if deployment else ():
        asked = instance.name in deployment.traffic.names
        if instance.version == champion or not (asked or instance.role == "shadow"):
            continue
        record, share = records.pop(instance.version, None), deployment.share(instance.name)
        gets = f"gets {100 * share:g} %{_NAMES[record.strategy] if record else ''}"
        yield Tried(version=instance.version, share=share, gets=gets if share else "gets copies as a shadow" if asked else "was a shadow")
    for record in records.values():
        yield Tried(version=record.candidate, gets=f"gets nothing now{_NAMES[record.strategy]}")
