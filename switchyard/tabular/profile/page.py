"""The profile as a static page."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from switchyard.tabular.profile.charts import axis_label, column_chart, heat_map, legend, sparkline, time_chart
from switchyard.tabular.profile.records import ColumnProfile, Profile
from switchyard.tabular.report.html import Raw, badge, bars, number, page, row, table

HEAT_MAP_COLUMNS = 30
_SKEWED = 5.0
_MUCH_MISSING = 0.3
_MANY_OUTLIERS = 0.05
_MANY_CATEGORIES = 100


def render(profile: Profile) -> str:
    """The whole page, without scripts."""
    sections = [("Overview", _overview(profile)), ("Worth a look", _remarks(profile)), (f"Target: {profile.target}", _target(profile))]
    if profile.timeline:
        sections.append((f"Over time: {profile.timeline.column}", _timeline(profile)))
    if profile.associations:
        strongest = [(item.column, item.value) for item in profile.associations[:25]]
        measures = "; ".join(sorted({item.measure.replace("_", " ") for item in profile.associations}))
        sections.append(
            (
                "Association with the target",
                f"<p>One column at a time, 0 is none and 1 complete ({escape(measures)}).</p>{bars(strongest, high=1.0)}",
            )
        )
    sections += [
        ("Columns", _legend(profile) + row(_card(column, profile) for column in profile.columns)),
        ("Missing values", _missing(profile)),
        ("Statistics and outliers", _statistics(profile)),
        ("Correlations", _correlations(profile)),
    ]
    lead = f"{profile.source}: {profile.rows:,} rows, {len(profile.columns)} columns, {profile.revision}"
    return page("Data profile", sections, lead)


def _overview(profile: Profile) -> str:
    kinds: dict[str, int] = {}
    for column in profile.columns:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    cells = profile.rows * len(profile.columns)
    missing = sum(column.missing for column in profile.columns)
    drawn = "all rows" if profile.sampled == profile.rows else f"{profile.sampled:,} rows drawn with a fixed seed"
    return table(
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


def _remarks(profile: Profile) -> str:
    rows = [(badge(what, level), column, text) for column in profile.columns for what, level, text in _remarks_on(column, profile)]
    rows = [(mark, column.name, text) for mark, column, text in rows]
    rows += [
        (badge("alike", "note"), f"{pair.first}, {pair.second}", f"{pair.measure.replace('_', ' ')} {pair.value:.2f}")
        for pair in profile.pairs
    ]
    return table(("remark", "column", "seen"), rows) if rows else "<p>Nothing stands out.</p>"


def _remarks_on(column: ColumnProfile, profile: Profile) -> Iterator[tuple[str, str, str]]:
    share = column.missing / profile.rows if profile.rows else 0.0
    if share > _MUCH_MISSING:
        yield "missing", "warn", f"{share:.1%} of the rows have no value"
    if column.unique <= 1:
        yield "constant", "warn", "one value, or none"
    if column.kind == "categorical" and column.unique > _MANY_CATEGORIES and column.role == "feature":
        yield "many categories", "note", f"{column.unique:,} of them"
    if column.numbers and column.kind == "numeric" and column.role in ("feature", "target"):
        if abs(column.numbers.skewness or 0) > _SKEWED:
            yield "skewed", "note", f"skewness {column.numbers.skewness:.1f}"
        outliers = column.numbers.iqr_outliers / max(profile.rows - column.missing, 1)
        if outliers > _MANY_OUTLIERS:
            yield "outliers", "note", f"{outliers:.1%} of the values are beyond 1.5 interquartile ranges"


def _target(profile: Profile) -> str:
    target = profile[profile.target]
    if profile.task == "regression":
        return column_chart(target.distribution.model_copy(update={"target": ()}), target.kind) + _numbers(target)
    known = sum(target.distribution.counts) + target.distribution.others
    return bars(
        [(label, count / known) for label, count in zip(target.distribution.labels, target.distribution.counts, strict=True)], high=1.0
    )


def _timeline(profile: Profile) -> str:
    timeline = profile.timeline
    parts = [
        "<p>Rows per period (bars) and the target (lines).</p>",
        legend(profile.series),
        time_chart(timeline.starts, timeline.rows, timeline.target),
    ]
    moving = {item.column: item for item in timeline.moving}
    cells = [f"<div><b>{escape(name)}</b> {moving[name].value:.2f}<br>{sparkline(means)}</div>" for name, means in timeline.means.items()]
    if cells:
        parts.append("<p>Means of the features that move most, with their association to the period:</p>" + row(cells))
    others = [(item.column, item.value) for item in timeline.moving if item.column not in timeline.means]
    if others:
        parts.append("<p>Categories whose mix moves most (Cramer's V with the period):</p>" + bars(others, high=1.0))
    return "".join(parts)


def _legend(profile: Profile) -> str:
    return "<p>Bars count rows; lines and dots show the target within a bin, on their own scale.</p>" + legend(profile.series)


def _card(column: ColumnProfile, profile: Profile) -> str:
    share = column.missing / profile.rows if profile.rows else 0.0
    facts = f"{column.unique:,} distinct, {share:.1%} missing"
    if column.name == profile.target:
        chart = column_chart(column.distribution.model_copy(update={"target": ()}), column.kind)
    else:
        chart = column_chart(column.distribution, column.kind)
    role = badge(column.role, "note" if column.role == "feature" else "warn")
    return f"<div class=card><b>{escape(column.name)}</b> {role} {escape(column.kind)}<p>{facts}</p>{chart}{_numbers(column)}</div>"


def _numbers(column: ColumnProfile) -> str:
    numbers = column.numbers
    if numbers is None:
        return ""
    if column.kind == "datetime":
        return f"<p>{axis_label(numbers.minimum, 'datetime')} to {axis_label(numbers.maximum, 'datetime')}</p>"
    return (
        f"<p>mean {_plain(numbers.mean)}, sd {_plain(numbers.std)}, median {_plain(numbers.median)}, {_plain(numbers.minimum)} to"
        f" {_plain(numbers.maximum)}</p>"
    )


def _missing(profile: Profile) -> str:
    found = sorted(
        ((column.name, column.missing / profile.rows) for column in profile.columns if column.missing), key=lambda item: -item[1]
    )
    return bars(found, high=1.0) if found else "<p>None.</p>"


def _statistics(profile: Profile) -> str:
    names = (
        "mean",
        "std",
        "minimum",
        "q05",
        "q25",
        "median",
        "q75",
        "q95",
        "maximum",
        "skewness",
        "kurtosis",
        "zeros",
        "negatives",
        "iqr_outliers",
        "z_outliers",
    )
    rows = []
    for column in profile.columns:
        if column.numbers and column.kind == "numeric":
            values = column.numbers.model_dump()
            rows.append((column.name, *("" if values[name] is None else values[name] for name in names)))
    return (
        Raw(f"<div class=wide>{table(('column', *(name.replace('_', ' ') for name in names)), rows)}</div>")
        if rows
        else "<p>No numeric columns.</p>"
    )


def _correlations(profile: Profile) -> str:
    if len(profile.numeric) < 2:
        return "<p>Fewer than two numeric columns vary.</p>"
    # The columns that go with any other one most closely, in the table's own order.
    strength = [
        max((abs(value) for j, value in enumerate(line) if value is not None and j != i), default=0.0)
        for i, line in enumerate(profile.spearman)
    ]
    kept = sorted(sorted(range(len(strength)), key=lambda i: -strength[i])[:HEAT_MAP_COLUMNS])
    maps = []
    for title, matrix in (("Pearson", profile.pearson), ("Spearman", profile.spearman)):
        chosen = [[matrix[i][j] for j in kept] for i in kept]
        maps.append(f"<div><b>{title}</b><br>{heat_map([profile.numeric[i] for i in kept], chosen)}</div>")
    left_out = len(profile.numeric) - len(kept)
    note = f"<p>The {len(kept)} most correlated columns; {left_out} more are in the stored numbers.</p>" if left_out else ""
    return note + row(maps)


def _plain(value: float | None) -> str:
    return "" if value is None else number(value)
