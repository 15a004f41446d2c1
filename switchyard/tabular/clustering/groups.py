"""`Groups`: what was found, with what makes each group itself."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.clustering.succession import Succession
from switchyard.tabular.report.report import Bars, Chart, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record

_LEGEND = 12
"""Groups that a legend tells apart; more share colours."""


class Difference(BaseModel):
    """A column in which a group differs from all rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    inside: float
    """Mean of the group's rows; of a category their share."""
    overall: float


class Group(BaseModel):
    """One group."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: int
    share: float
    rule: str
    """The best leaf of a shallow tree."""
    coverage: float
    """Share of the group's rows that the rule holds for."""
    precision: float
    """Share of the rule's rows that are of the group."""
    stability: float
    """Mean Jaccard index with what halves of the rows find in its place; below one half it is as well another."""
    differences: tuple[Difference, ...]
    examples: tuple[str, ...]
    """The rows nearest to the centre, as text."""


class Number(BaseModel):
    """A number of groups that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: str
    clusters: int
    stability: float
    silhouette: float
    smallest: int
    bic: float | None = None
    """Of a mixture; less is better."""


class Map(BaseModel):
    """Some of the rows on the plane in which they vary most (principal components)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: tuple[float, ...]
    y: tuple[float, ...]
    groups: tuple[int, ...]
    """Of each row its group's place."""
    held: float
    """Share of the variance that the plane holds."""


class Groups(Record):
    """The groups of a table."""

    answer: str
    """What the answer is called."""
    algorithm: str
    groups: tuple[Group, ...]
    """The largest first."""
    tried: tuple[Number, ...]
    measure: str
    """What `strength` is."""
    strength: float
    strength_without: float
    """The same of the best of tables that have no groups."""
    map: Map
    notes: tuple[str, ...] = ()
    succession: Succession | None = None
    """How they follow the champion's groups, where there is a champion."""

    @property
    def chosen(self) -> Number:
        return next(number for number in self.tried if (number.algorithm, number.clusters) == (self.algorithm, len(self.groups)))

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the groups of all rows, before any model."""
        return {"stability": self.chosen.stability, "silhouette": self.chosen.silhouette, "clusters": float(len(self.groups))}

    @property
    def sentence(self) -> str:
        """How many, and how sure that is."""
        chosen = self.chosen
        return (
            f"{len(self.groups)} groups by {self.algorithm}, found again in halves of the rows with an adjusted Rand index of "
            f"{chosen.stability:.2f}; silhouette {chosen.silhouette:.3f}. {self.measure.capitalize()}: {self.strength:.3f}, in a cloud of "
            f"the same columns and correlations {self.strength_without:.3f} at best. "
            f"{' '.join((*self.notes, *([self.succession.sentence] if self.succession else [])))}"
        ).strip()

    def metadata(self) -> dict[str, Fact]:
        moved = {"moved": self.succession.moved} if self.succession else {}
        return {**self.scores, "clusters": len(self.groups), "algorithm": self.algorithm, **moved}

    def report(self) -> Report:
        return Report(
            f"Groups: {self.answer}",
            self.sentence,
            [
                Section("Sizes", Bars([(group.name, group.share) for group in self.groups])),
                Section(
                    "Map", f"The plane of two principal components, which holds {self.map.held:.0%} of what the rows vary.", self.drawn()
                ),
                Section("What makes each group itself", self.rule_table()),
                *(Section(f"Group {group.name}", _differences(group), _examples(group)) for group in self.groups),
                Section("How many groups", self.number_table()),
            ],
        )

    def rule_table(self) -> Table:
        """Each group with its rule."""
        rows = [(Name(one.name), one.rows, one.share, one.stability, Name(one.rule), one.coverage, one.precision) for one in self.groups]
        formats = {"share": ".1%", "found again": ".2f", "covers": ".0%", "right": ".0%"}
        return Table(("group", "rows", "share", "found again", "rule", "covers", "right"), rows, formats)

    def drawn(self) -> Chart:
        """The map."""
        from matplotlib.figure import Figure

        from switchyard.tabular.report.figures import chart

        figure = Figure(figsize=(6, 4))
        axes = figure.subplots()
        x, y, places = (np.array(part) for part in (self.map.x, self.map.y, self.map.groups))
        for place, group in enumerate(self.groups):
            own = places == place
            axes.scatter(x[own], y[own], s=7, alpha=0.6, linewidths=0, color=f"C{place % 10}", label=_short(group.name))
        axes.set_xlabel("first component")
        axes.set_ylabel("second component")
        if len(self.groups) <= _LEGEND:
            axes.legend(loc="best", markerscale=2, frameon=False)
        return chart(figure, "rows by group, on the plane of the two principal components")

    def number_table(self) -> Table:
        """What was tried."""
        rows = [(one.algorithm, one.clusters, one.stability, one.silhouette, one.smallest, one.bic) for one in self.tried]
        formats = {"stability": ".3f", "silhouette": ".3f", "BIC": ",.0f"}
        return Table(("by", "groups", "stability", "silhouette", "smallest", "BIC"), rows, formats)


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:19]}\u2026"


def _differences(group: Group) -> Table:
    return Table(("differs in", "mean inside", "mean of all"), [(Name(part.what), part.inside, part.overall) for part in group.differences])


def _examples(group: Group) -> Table:
    return Table(("rows nearest to the centre",), [(Name(example),) for example in group.examples])
