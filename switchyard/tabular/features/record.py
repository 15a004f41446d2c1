"""The `FeaturePlan` as it is kept and shown: one line for each column, with the reason."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.features import Outliers, Selection
from switchyard.tabular.config.problem import Kind, Role
from switchyard.tabular.report.report import Badge, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.schema import Column

NUMBERS = ("numeric", "boolean", "datetime")
"""Kinds that the model sees as float64."""


class ColumnPlan(BaseModel):
    """What becomes of one column of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    role: Role
    use: bool
    """Whether it is itself a feature; columns that only derived features need are not."""
    reason: str
    way_in: str = ""
    """The line of the config that brings in a column that is not used; empty where none does."""
    imputer: str = "auto"
    encoder: str = "auto"
    scaler: str = "auto"
    parts: tuple[str, ...] = ()
    """Datetimes: the calendar parts made of it (`switchyard.tabular.features.dates.PARTS`)."""
    categories: int = 0
    """Number of categories known."""
    missing: float = 0.0


class DerivedPlan(BaseModel):
    """A feature computed from others by an expression of the config."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    expression: str
    needs: tuple[str, ...]
    """Columns of the table it is computed from, through other derived features too."""
    use: bool
    reason: str


class FeaturePlan(Record):
    """What every preprocessor of this problem is built from."""

    task: str
    n_classes: int
    columns: tuple[ColumnPlan, ...]
    derived: tuple[DerivedPlan, ...]
    used: tuple[Column, ...]
    """The columns of the table the model takes, those needed only by derived features included."""
    outliers: Outliers
    interactions: int
    polynomial: int
    pairs: str = "leave"
    """Whether trees get arithmetic pairs of numbers: make, leave, or auto, where each trial chooses."""
    selection: Selection
    interpolate: bool
    """Fill gaps of numeric columns along `order_by`, in training rows only."""
    order_by: str | None
    """The time column; None where the order of the file is time."""
    numeric_imputer: str
    categorical_imputer: str
    encoder: str
    scaler: str
    seed: int

    def __getitem__(self, name: str) -> ColumnPlan:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def unused(self) -> tuple[ColumnPlan, ...]:
        """The columns of the table that no feature is made of, the target aside."""
        needed = {name for item in self.derived if item.use for name in item.needs}
        return tuple(column for column in self.columns if not column.use and column.role != "target" and column.name not in needed)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each column that is not used: what it is, why, and how to bring it in."""
        return tuple(
            f"{column.name!r} ({column.kind}) is not used: {column.reason}" + (f" [{column.way_in}]" if column.way_in else "")
            for column in self.unused
        )

    def unused_table(self) -> Table:
        """The same as a table."""
        rows = [(Name(column.name), column.kind, column.reason, Name(column.way_in)) for column in self.unused]
        return Table(("column", "kind", "why it is not used", "what brings it in"), rows)

    def metadata(self) -> dict[str, Fact]:
        features = [column for column in self.columns if column.role == "feature"]
        return {
            "columns_used": sum(column.use for column in features),
            "columns_dropped": sum(not column.use for column in features),
            "derived": sum(derived.use for derived in self.derived),
        }

    def report(self) -> Report:
        """What becomes of each column, and what trees and the net make of "auto"."""
        features = [column for column in self.columns if column.role == "feature"]
        used = sum(column.use for column in features)
        derived = sum(item.use for item in self.derived)
        lead = f"{used} of {len(features)} feature columns are used, {derived} features are derived from them."
        tables = {
            "Columns": _columns(self),
            "Not used": self.unused_table() if self.unused else None,
            "Derived features": _derived(self),
            "Whole table": _settings(self),
            "Left to the family": _auto(),
        }
        return Report("Feature plan", lead, [Section(heading, table) for heading, table in tables.items() if table])

    def use_table(self) -> Table:
        """Whether and why each column and derived feature is used."""
        rows = [(Name(column.name), "used" if column.use else "not used", column.reason) for column in self.columns]
        rows += [(Name(item.name), "derived" if item.use else "not used", item.reason) for item in self.derived]
        return Table(("column", "use", "why"), rows)


def _columns(plan: FeaturePlan) -> Table:
    needed = {name for item in plan.derived if item.use for name in item.needs}
    rows = []
    for column in plan.columns:
        state = (
            Badge("used", "good") if column.use else Badge("derived from", "note") if column.name in needed else Badge("not used", "warn")
        )
        becomes = _treatment(column, plan) if column.use else ""
        rows.append((Name(column.name), column.kind, column.role, state, becomes, column.reason))
    return Table(("column", "kind", "role", "", "becomes", "why"), rows)


def _treatment(column: ColumnPlan, plan: FeaturePlan) -> str:
    def setting(own: str, general: str) -> str:
        return own if own != "auto" else general

    if column.kind == "datetime":
        # scikit-learn takes a while to load, and most who hold a plan do not look at it.
        from switchyard.tabular.features.dates import PARTS

        return ", ".join(part for part in PARTS if part in column.parts)
    if column.kind in NUMBERS:
        imputer, scaler = setting(column.imputer, plan.numeric_imputer), setting(column.scaler, plan.scaler)
        return f"a number; imputer: {imputer}, scaler: {scaler}"
    if column.kind == "text":
        return "scores by words and pairs of words (TF-IDF, ridge, cross-fitted), components, length"
    return f"encoder: {setting(column.encoder, plan.encoder)}, missing: {setting(column.imputer, plan.categorical_imputer)}"


def _derived(plan: FeaturePlan) -> Table:
    rows = [
        (Name(item.name), Name(item.expression), Badge("used", "good") if item.use else Badge("not used", "warn"), item.reason)
        for item in plan.derived
    ]
    return Table(("feature", "expression", "", "why"), rows)


def _settings(plan: FeaturePlan) -> Table:
    outliers, selection = plan.outliers, plan.selection
    acts = {"clip": "values moved onto the bounds, in the model", "flag": "flagged, in the model", "drop": "rows left out of training"}
    rows = []
    if outliers.method != "none":
        rows.append(("outliers", f"{outliers.method}: {acts[outliers.action]}"))
    if plan.interpolate:
        rows.append(("interpolation", f"gaps of training rows, along {plan.order_by or 'the order of rows'}"))
    if plan.interactions:
        pairs = f"products of the {plan.interactions} pairs of numbers most correlated with the target, chosen in each fold"
        rows.append(("interactions", pairs))
    if plan.polynomial > 1:
        rows.append(("polynomial", f"terms up to degree {plan.polynomial}"))
    if plan.pairs != "leave":
        who = "of tree families, where a trial chose them" if plan.pairs == "auto" else "of tree families"
        rows.append(("pairs", f"products, ratios, differences and sums of the strongest numbers {who}, chosen in each fold"))
    if selection.method != "none":
        from switchyard.tabular.features.selection import METHODS

        keep = f"{selection.keep:.0%}" if selection.keep < 1 else str(selection.keep)
        rows.append(("selection", f"{keep} of the encoded features, by {METHODS[selection.method]}, chosen in each fold"))
    return Table(("step", "what it does"), rows)


def _auto() -> Table:
    from switchyard.tabular.features.categories import ONEHOT_UP_TO, TARGET_CLASSES

    rows = (
        ("numeric imputer", "gaps stay gaps: each split sends them to the better side", "median, and a column that says where"),
        ("scaler", "none: splits do not depend on scale", "standard"),
        ("missing category", "a category of its own", "a category of its own"),
        (
            "encoder",
            f"one-hot up to {ONEHOT_UP_TO} categories, else cross-fitted target means (ordinal codes beyond {TARGET_CLASSES} classes)",
            "codes for entity embeddings",
        ),
    )
    return Table(("auto", "tree families", "neural network"), rows)
