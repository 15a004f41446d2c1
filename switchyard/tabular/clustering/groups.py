"""`Groups`: what was found, with what makes each group itself."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report.report import Bars, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record


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
    differences: tuple[Difference, ...]
    examples: tuple[str, ...]
    """The rows nearest to the centre, as text."""


class Number(BaseModel):
    """A number of groups that was tried."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clusters: int
    stability: float
    silhouette: float
    smallest: int


class Groups(Record):
    """The groups of a table."""

    answer: str
    """What the answer is called."""
    algorithm: str
    groups: tuple[Group, ...]
    """The largest first."""
    tried: tuple[Number, ...]
    strength: float
    """Stability times silhouette."""
    strength_without: float
    """The same of the best of tables that have no groups."""
    notes: tuple[str, ...] = ()

    @property
    def chosen(self) -> Number:
        return next(number for number in self.tried if number.clusters == len(self.groups))

    @property
    def scores(self) -> dict[str, float]:
        """Of the groups of all rows, before any model."""
        return {"stability": self.chosen.stability, "silhouette": self.chosen.silhouette, "clusters": float(len(self.groups))}

    @property
    def sentence(self) -> str:
        """How many, and how sure that is."""
        chosen = self.chosen
        return (
            f"{len(self.groups)} groups by {self.algorithm}, found again in halves of the rows with an adjusted Rand index of "
            f"{chosen.stability:.2f}; silhouette {chosen.silhouette:.3f}. Stability times silhouette is {self.strength:.3f}, in a cloud of "
            f"the same columns and correlations {self.strength_without:.3f} at best. {' '.join(self.notes)}"
        ).strip()

    def facts(self) -> dict[str, Fact]:
        return {**self.scores, "clusters": len(self.groups), "algorithm": self.algorithm}

    def report(self) -> Report:
        return Report(
            f"Groups: {self.answer}",
            self.sentence,
            [
                Section("Sizes", Bars([(group.name, group.share) for group in self.groups])),
                Section("What makes each group itself", self.rule_table()),
                *(Section(f"Group {group.name}", _differences(group), _examples(group)) for group in self.groups),
                Section("How many groups", self.number_table()),
            ],
        )

    def rule_table(self) -> Table:
        """Each group with its rule."""
        rows = [(Name(group.name), group.rows, group.share, Name(group.rule), group.coverage, group.precision) for group in self.groups]
        formats = {"share": ".1%", "covers": ".0%", "right": ".0%"}
        return Table(("group", "rows", "share", "rule", "covers", "right"), rows, formats)

    def number_table(self) -> Table:
        """What was tried."""
        rows = [(number.clusters, number.stability, number.silhouette, number.smallest) for number in self.tried]
        return Table(("groups", "stability", "silhouette", "smallest"), rows, {"stability": ".3f", "silhouette": ".3f"})


def _differences(group: Group) -> Table:
    return Table(("differs in", "mean inside", "mean of all"), [(Name(part.what), part.inside, part.overall) for part in group.differences])


def _examples(group: Group) -> Table:
    return Table(("rows nearest to the centre",), [(Name(example),) for example in group.examples])
