"""The `Profile` of a table, as it is kept and shown."""

from __future__ import annotations

from collections.abc import Iterator

from switchyard.tabular.profile.charts import axis_label, column_chart, heat_map, legend, sparkline, time_chart
from switchyard.tabular.profile.records import Association, ColumnProfile, Numbers, Pair, Timeline
from switchyard.tabular.report.report import Badge, Bars, Beside, Cell, Name, Part, Report, Section, Strong, Table, Text
from switchyard.tabular.report.words import of_sample, shown
from switchyard.tabular.storable import Fact, Record

SHOWN_COLUMNS = 100
"""Columns with a picture; the others are lines of a table."""
HEAT_MAP_COLUMNS = 30
_SKEWED = 5.0
_MUCH_MISSING = 0.3
_MANY_OUTLIERS = 0.05
_MANY_CATEGORIES = 100
_MOST_ASSOCIATIONS = 25
_MOST_REMARKS = 200


class Profile(Record):
    """Everything `profile_table` found."""

    rows: int
    sampled: int
    """Rows behind charts and correlations."""
    repeated_rows: int
    source: str
    revision: str
    target: str
    task: str
    series: tuple[str, ...]
    """What charts show of the target: the positive share, the mean, or the share of each of the most frequent classes."""
    columns: tuple[ColumnProfile, ...]
    numeric: tuple[str, ...]
    """Columns of the correlation matrices."""
    pearson: tuple[tuple[float | None, ...], ...]
    spearman: tuple[tuple[float | None, ...], ...]
    associations: tuple[Association, ...]
    pairs: tuple[Pair, ...]
    timeline: Timeline | None = None
    of_rows: int | None = None
    """Rows of the table that these are a sample of; None where they are all."""

    def __getitem__(self, name: str) -> ColumnProfile:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def of_interest(self, most: int = SHOWN_COLUMNS) -> tuple[ColumnProfile, ...]:
        """At most `most` columns in the table's order: the target, what goes most closely with it, then the others from the left."""
        if len(self.columns) <= most:
            return self.columns
        order = dict.fromkeys((self.target, *(item.column for item in self.associations), *(column.name for column in self.columns)))
        chosen = set(list(order)[:most])
        return tuple(column for column in self.columns if column.name in chosen)

    def metadata(self) -> dict[str, Fact]:
        cells = self.rows * len(self.columns)
        missing = sum(column.missing for column in self.columns)
        return {
            "rows": self.rows,
            "columns": len(self.columns),
            "missing_cells": round(missing / cells, 6) if cells else 0.0,
            "repeated_rows": self.repeated_rows,
            "strongest": self.associations[0].column if self.associations else "",
        }

    def report(self) -> Report:
        sections = [
            Section("Overview", _overview(self)),
            Section("Worth a look", *_worth(self)),
            Section(f"Target: {self.target}", *_target(self)),
        ]
        if self.timeline:
            sections.append(Section(f"Over time: {self.timeline.column}", *_over_time(self.timeline, self.series)))
        if self.associations:
            strongest = [(item.column, item.value) for item in self.associations[:_MOST_ASSOCIATIONS]]
            measures = "; ".join(sorted({item.measure.replace("_", " ") for item in self.associations}))
            said = f"One column at a time, 0 is none and 1 complete ({measures})."
            sections.append(Section("Association with the target", said, Bars(strongest, high=1.0)))
        explained = "Bars count rows; lines and dots show the target within a bin, on their own scale."
        closest = self.of_interest()
        cards = Beside(tuple(_card(column, self) for column in closest), framed=True)
        sections += [
            Section("Columns", *_left_out(self), explained, legend(self.series), cards),
            Section("Missing values", _missing(self)),
            Section("Statistics and outliers", _statistics(closest) or "No numeric columns."),
            Section("Correlations", *_correlations(self)),
        ]
        if len(closest) < len(self.columns):
            sections.append(Section("The other columns", _other_columns(self)))
        lead = f"{self.source}: {self.rows:,} rows, {len(self.columns)} columns, {self.revision}"
        lead += f".{of_sample(self.of_rows)}" if self.of_rows else ""
        return Report("Data profile", lead, sections)

    def association_table(self) -> Table:
        """The columns that go most closely with the target, the closest first."""
        return _measured(self.associations)

    def pair_table(self) -> Table:
        """Columns that say much the same."""
        rows = [(Name(pair.first), Name(pair.second), Name(pair.measure), pair.value) for pair in self.pairs]
        return Table(("column", "and", "measure", "value"), rows, {"value": ".3g"})

    def moving_table(self) -> Table:
        """The columns that change most over time; empty without a timeline."""
        return _measured(self.timeline.moving if self.timeline else ())

    def missing_share(self, column: ColumnProfile) -> float:
        """Share of the rows that are missing, 0 to 1."""
        return column.missing / self.rows if self.rows else 0.0


def _measured(found: tuple[Association, ...]) -> Table:
    rows = [(Name(item.column), Name(item.measure), item.value) for item in found]
    return Table(("column", "measure", "value"), rows, {"value": ".3g"})


def _overview(profile: Profile) -> Table:
    kinds: dict[str, int] = {}
    for column in profile.columns:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    cells = profile.rows * len(profile.columns)
    missing = sum(column.missing for column in profile.columns)
    drawn = "all rows" if profile.sampled == profile.rows else f"{profile.sampled:,} rows drawn with a fixed seed"
    return Table(
        ("property", "value"),
        [
            ("rows", profile.rows),
            ("columns", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))),
            ("missing cells", f"{missing:,} of {cells:,} ({missing / cells if cells else 0:.1%})"),
            ("repeated rows", profile.repeated_rows),
            ("task", f"{profile.task}, target {profile.target}"),
            ("counts and statistics", "of all rows"),
            ("charts and correlations", f"of {drawn}"),
        ],
    )


def _worth(profile: Profile) -> Iterator[Part]:
    remarks = _remarks(profile)
    yield remarks.first(_MOST_REMARKS) or "Nothing stands out."
    if len(remarks.rows) > _MOST_REMARKS:
        yield f"The first {_MOST_REMARKS} of {len(remarks.rows):,} remarks."


def _left_out(profile: Profile) -> Iterator[str]:
    if len(profile.columns) > SHOWN_COLUMNS:
        yield (
            f"The target and the {SHOWN_COLUMNS - 1} columns that go most closely with it, of {len(profile.columns):,}; "
            "the figures of the others are in the last table, and correlations are of these columns only."
        )


def _other_columns(profile: Profile) -> Table:
    shown_above = {column.name for column in profile.of_interest()}
    strength = {item.column: item.value for item in profile.associations}
    rows = []
    for column in profile.columns:
        if column.name not in shown_above:
            numbers = column.numbers if column.kind == "numeric" else None
            figures = (numbers.mean, numbers.std, numbers.minimum, numbers.maximum) if numbers else (None,) * 4
            missing = profile.missing_share(column)
            rows.append((Name(column.name), column.kind, column.role, strength.get(column.name), column.unique, missing, *figures))
    headers = ("column", "kind", "role", "with the target", "distinct", "missing", "mean", "sd", "minimum", "maximum")
    return Table(headers, rows, {"missing": ".1%", "with the target": ".3g"})


def _remarks(profile: Profile) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (badge, Name(column.name), text) for column in profile.columns for badge, text in _remarks_on(column, profile)
    ]
    for pair in profile.pairs:
        names = Text(Name(pair.first), ", ", Name(pair.second))
        rows.append((Badge("alike", "note"), names, f"{pair.measure.replace('_', ' ')} {pair.value:.2f}"))
    return Table(("remark", "column", "seen"), rows)


def _remarks_on(column: ColumnProfile, profile: Profile) -> Iterator[tuple[Badge, str]]:
    share = profile.missing_share(column)
    if share > _MUCH_MISSING:
        yield Badge("missing", "warn"), f"{share:.1%} of the rows have no value"
    if column.unique <= 1:
        yield Badge("constant", "warn"), "one value, or none"
    if column.kind == "categorical" and column.unique > _MANY_CATEGORIES and column.role == "feature":
        yield Badge("many categories", "note"), f"{column.unique:,} of them"
    if column.numbers and column.kind == "numeric" and column.role in ("feature", "target"):
        if abs(column.numbers.skewness or 0) > _SKEWED:
            yield Badge("skewed", "note"), f"skewness {column.numbers.skewness:.1f}"
        outliers = column.numbers.iqr_outliers / max(profile.rows - column.missing, 1)
        if outliers > _MANY_OUTLIERS:
            yield Badge("outliers", "note"), f"{outliers:.1%} of the values are beyond 1.5 interquartile ranges"


def _target(profile: Profile) -> Iterator[Part]:
    target = profile[profile.target]
    if profile.task == "regression":
        yield from _distribution(target, profile)
        return
    known = sum(target.distribution.counts) + target.distribution.others
    counted = zip(target.distribution.labels, target.distribution.counts, strict=True)
    yield Bars([(label, count / known) for label, count in counted], high=1.0)


def _over_time(timeline: Timeline, series: tuple[str, ...]) -> Iterator[Part]:
    yield "Rows per period (bars) and the target (lines)."
    yield legend(series)
    yield time_chart(timeline.starts, timeline.rows, timeline.target)
    moving = {item.column: item.value for item in timeline.moving}
    if timeline.means:
        yield "Means of the features that move most, with their association to the period:"
        groups = []
        for name, means in timeline.means.items():
            line = sparkline(means, f"mean of {name} by period")
            groups.append((Text(Strong(name), f" {moving[name]:.2f}"), *([line] if line else [])))
        yield Beside(tuple(groups))
    others = [(item.column, item.value) for item in timeline.moving if item.column not in timeline.means]
    if others:
        yield "Categories whose mix moves most (Cramer's V with the period):"
        yield Bars(others, high=1.0)


def _card(column: ColumnProfile, profile: Profile) -> tuple[Part, ...]:
    role = Badge(column.role, "note" if column.role == "feature" else "warn")
    facts = f"{column.unique:,} distinct, {profile.missing_share(column):.1%} missing"
    return Text(Strong(column.name), " ", role, f" {column.kind}"), facts, *_distribution(column, profile)


def _distribution(column: ColumnProfile, profile: Profile) -> Iterator[Part]:
    # The target within bins of itself says nothing.
    changes = {"target": ()} if column.name == profile.target else {}
    drawn = column_chart(column.distribution.model_copy(update=changes), column.kind, column.name)
    if drawn is not None:
        yield drawn
    if column.numbers is not None:
        yield _spread(column.numbers, column.kind)


def _spread(numbers: Numbers, kind: str) -> str:
    if kind == "datetime":
        return f"{axis_label(numbers.minimum, 'datetime')} to {axis_label(numbers.maximum, 'datetime')}"
    mean, std, median, low, high = map(shown, (numbers.mean, numbers.std, numbers.median, numbers.minimum, numbers.maximum))
    return f"mean {mean}, sd {std}, median {median}, {low} to {high}"


def _missing(profile: Profile) -> Part:
    found = [(column.name, profile.missing_share(column)) for column in profile.columns if column.missing]
    return Bars(sorted(found, key=lambda item: -item[1]), high=1.0) if found else "None."


def _statistics(columns: tuple[ColumnProfile, ...]) -> Table:
    names = list(Numbers.model_fields)
    rows = [(Name(column.name), *column.numbers.model_dump().values()) for column in columns if column.numbers and column.kind == "numeric"]
    return Table(("column", *(name.replace("_", " ") for name in names)), rows)


def _correlations(profile: Profile) -> Iterator[Part]:
    if len(profile.numeric) < 2:
        yield "Fewer than two numeric columns vary."
        return
    # The columns that go with any other one most closely, in the table's own order.
    strength = [
        max((abs(value) for j, value in enumerate(line) if value is not None and j != i), default=0.0)
        for i, line in enumerate(profile.spearman)
    ]
    kept = sorted(sorted(range(len(strength)), key=lambda i: -strength[i])[:HEAT_MAP_COLUMNS])
    if left_out := len(profile.numeric) - len(kept):
        yield f"The {len(kept)} most correlated columns; {left_out} more are in the stored numbers."
    names, groups = [profile.numeric[i] for i in kept], []
    for title, matrix in (("Pearson", profile.pearson), ("Spearman", profile.spearman)):
        chosen = [[matrix[i][j] for j in kept] for i in kept]
        groups.append((Text(Strong(title)), heat_map(names, chosen, f"{title} correlations of the numeric columns")))
    yield Beside(tuple(groups))
