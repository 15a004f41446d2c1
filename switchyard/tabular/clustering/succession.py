"""`GroupsBefore`: the champion's groups of the rows at hand; `succeed` gives new groups their names, and says who moved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.bundle import BadInput, Bundle
from switchyard.tabular.report.report import Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Storable


@dataclass(frozen=True)
class GroupsBefore(Storable):
    """Into which groups the champion puts the rows of a table; nobody's, where there is none.

    Attributes
    ----------
    version : str
        Of the champion; empty without one.
    classes : tuple of str
        What its groups are called.
    codes : ndarray of shape (n_rows,)
        The group of each row, by its place in `classes`.
    note : str
        Why a champion's groups are not known.
    """

    version: str = ""
    classes: tuple[str, ...] = ()
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    note: str = ""

    def write(self, folder: Path) -> None:
        head = {"version": self.version, "classes": self.classes, "note": self.note}
        (folder / "groups.json").write_text(json.dumps(head, ensure_ascii=False) + "\n", encoding="utf-8")
        np.save(folder / "codes.npy", self.codes, allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        head = json.loads((folder / "groups.json").read_text(encoding="utf-8"))
        return cls(head["version"], tuple(head["classes"]), np.load(folder / "codes.npy", allow_pickle=False), head["note"])

    def metadata(self) -> dict[str, Fact]:
        return {"version": self.version or "none", "groups": len(self.classes)}

    def report(self) -> Report:
        counts = np.bincount(self.codes, minlength=len(self.classes))
        rows = [(Name(name), int(rows)) for name, rows in zip(self.classes, counts)]
        lead = self.note or (f"Version {self.version} of {len(self.codes):,} rows." if self.version else "There is no champion.")
        return Report("The champion's groups", lead, [Section("Sizes", Table(("group", "rows"), rows))])


class Succession(BaseModel):
    """Groups beside those of the champion, on the same rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    """Of the champion."""
    moved: float
    """Share of the rows that are in another group than the one that took over the name of theirs."""
    agreement: float
    """Adjusted Rand index."""
    silhouette: float
    """Of the champion's groups, among what the new ones are found in."""
    silhouette_now: float
    """Of the new ones, on the same rows."""
    lost: tuple[str, ...] = ()
    """Groups of the champion that none took over."""
    renamed: bool = False
    """Whether the config gives other names than the champion's."""

    @property
    def sentence(self) -> str:
        """What became of the champion's groups."""
        lost = f" {', '.join(self.lost)} of it {'is' if len(self.lost) == 1 else 'are'} no group any more." if self.lost else ""
        called = "clustering.names gives the groups other names" if self.renamed else "groups have the names that they had"
        return (
            f"Against the champion, version {self.version}, {self.moved:.1%} of the rows moved (adjusted Rand index {self.agreement:.2f}, "
            f"silhouette {self.silhouette:.3f} by its groups and {self.silhouette_now:.3f} by these); {called}.{lost}"
        )


def groups_before(version: str | None, champion: Bundle | None, frame: pd.DataFrame) -> GroupsBefore:
    """The groups that `champion`, the bundle of `version`, gives to the rows of `frame`, in canonical types."""
    if version is None or champion is None:
        return GroupsBefore()
    try:
        scorer = champion.scorer()
        if not scorer.signature.classes:
            return GroupsBefore(note=f"the champion, version {version}, has no groups")
        answer = scorer.score_frame(frame)
    except (ValueError, BadInput) as error:
        return GroupsBefore(note=f"the champion, version {version}, can't score these rows: {error}")
    return GroupsBefore(version, scorer.signature.classes, np.asarray(answer.label_index, dtype=np.int64))


def succeed(codes: np.ndarray, clusters: int, before: GroupsBefore, given: Sequence[str]) -> tuple[list[str], float, tuple[str, ...]]:
    """Names for groups, so that as many rows as can be stay in the group they were in.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        Below `clusters`, the largest group first.
    before : GroupsBefore
        Of the same rows.
    given : sequence of str
        What the config calls them, none or one for each. Where that leaves out a name of the champion's, it renames the groups,
        the largest first; else groups that took over keep theirs, and new ones have the others.

    Returns
    -------
    names : list of str
    moved : float
        Share of the rows that are not in the group that took over from theirs.
    lost : tuple of str
        Groups of the champion that none took over.
    """
    from scipy.optimize import linear_sum_assignment

    shared = np.zeros((clusters, len(before.classes)))
    np.add.at(shared, (codes, before.codes), 1)
    heirs = {int(ours): int(theirs) for ours, theirs in zip(*linear_sum_assignment(-shared)) if shared[ours, theirs]}
    moved = 1.0 - sum(shared[pair] for pair in heirs.items()) / max(1, len(codes))
    lost = tuple(name for place, name in enumerate(before.classes) if place not in heirs.values())
    if given and not set(before.classes) <= set(given):
        return list(given), float(moved), lost
    free = iter([name for name in given if name not in before.classes]) if given else _unused(before.classes)
    left = iter(lost)
    names = [before.classes[heirs[code]] if code in heirs else next(free, None) or next(left) for code in range(clusters)]
    return names, float(moved), tuple(name for name in lost if name not in names)


def _unused(taken: Sequence[str]) -> Iterator[str]:
    """Numbers after the highest that is a name."""
    return (str(number) for number in count(max((int(name) for name in taken if name.isdecimal()), default=len(taken)) + 1))
