"""The charts of the profile, written directly as SVG: a page of 80 columns costs milliseconds and some hundred kilobytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from switchyard.tabular.profile.records import Distribution
from switchyard.tabular.report.report import Chart, Key, Text
from switchyard.tabular.report.words import shown

_LINES = ("#d1495b", "#2e8b57", "#e6a23c", "#7b4fa6", "#17849c", "#5a6478")
Line = Sequence[float | None]


def column_chart(distribution: Distribution, kind: str, name: str) -> Chart | None:
    """Bars of a distribution with the target's level in each bin as a line; None where there is nothing to draw."""
    if not distribution.counts:
        return None
    title = f"rows by {name}, with the target" if distribution.target else f"rows by {name}"
    if distribution.labels and kind == "categorical":
        return _levels(distribution, title)
    width, height, base = 300, 118, 96
    parts = _columns(distribution.counts, width, base)
    parts += [_line(line, width, base, _reach(distribution.target), place) for place, line in enumerate(distribution.target)]
    if distribution.edges:
        low, high = distribution.edges[0], distribution.edges[-1]
        parts += [_text(0, 111, axis_label(low, kind)), _text(width, 111, axis_label(high, kind), "end")]
    else:
        step = width / len(distribution.labels)
        parts += [_text((place + 0.5) * step, 111, label, "middle") for place, label in enumerate(distribution.labels)]
    return _svg(width, height, parts, title)


def time_chart(starts: Sequence[str], rows: Sequence[int], lines: Sequence[Line], width: int = 640) -> Chart:
    """Rows per period as bars, with lines over them."""
    base, height = 120, 142
    parts = _columns(rows, width, base)
    parts += [_line(line, width, base, _reach(lines), place) for place, line in enumerate(lines)]
    parts += [_text(0, 136, starts[0]), _text(width, 136, starts[-1], "end")]
    return _svg(width, height, parts, "rows per period, with the target")


def sparkline(values: Line, title: str, width: int = 260, height: int = 46) -> Chart | None:
    """One line from its own lowest to its own highest value; None where there is no value."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return _svg(width, height, [_line(values, width, height - 4, (min(known), max(known)), 0)], title)


def heat_map(names: Sequence[str], values: Sequence[Line], title: str, cell: int = 15) -> Chart:
    """A lower triangle of correlations, red below 0 and blue above."""
    left = 150
    parts = []
    for i, name in enumerate(names):
        parts.append(_text(left - 5, i * cell + 11, _short(name, 22), "end"))
        for j in range(i + 1):
            value = values[i][j]
            if value is not None and i != j:
                parts.append(
                    f'<rect x="{left + j * cell}" y="{i * cell}" width="{cell - 1}" height="{cell - 1}" fill="{_colour(value)}">'
                    f"<title>{escape(names[j])}, {escape(name)}: {value:.2f}</title></rect>"
                )
    size = len(names) * cell
    return _svg(left + size, size + 2, parts, title)


def legend(series: Sequence[str]) -> Text:
    """Which line is which."""
    keys = [Key(name, _LINES[place % len(_LINES)]) for place, name in enumerate(series)]
    return Text(*(piece for key in keys for piece in (key, " \u00a0 ")))


def axis_label(value: float, kind: str) -> str:
    """A number, or the day of an epoch second."""
    if kind != "datetime":
        return shown(value)
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)).date())


def _levels(distribution: Distribution, title: str) -> Chart:
    step, left, width = 15, 120, 180
    rows = [*zip(distribution.labels, distribution.counts, strict=True)]
    if distribution.others:
        rows.append(("all others", distribution.others))
    most, reach, parts = max(count for _, count in rows), _reach(distribution.target), []
    for place, (label, count) in enumerate(rows):
        y, kind = place * step, "f" if place < len(distribution.labels) else "g"
        parts.append(
            f'{_text(left - 5, y + 11, _short(label, 18), "end", label)}<rect class={kind} x="{left}" y="{y + 2}"'
            f' width="{width * count / most:.1f}" height="11"/>'
        )
        for series, line in enumerate(distribution.target):
            value = line[place] if place < len(line) else None
            if value is not None:
                parts.append(
                    f'<circle cx="{left + width * _at(value, reach):.1f}" cy="{y + 7.5}" r="3"'
                    f' fill="{_LINES[series % len(_LINES)]}"><title>{value:.4g}</title></circle>'
                )
    return _svg(left + width + 5, len(rows) * step + 2, parts, title)


def _columns(counts: Sequence[int], width: float, base: float) -> list[str]:
    most, step = max(counts) or 1, width / len(counts)
    gap = min(1.0, step / 8)
    return [
        f'<rect class=f x="{place * step:.1f}" y="{base - (base - 6) * count / most:.1f}" width="{step - gap:.1f}"'
        f' height="{(base - 6) * count / most:.1f}"><title>{count:,}</title></rect>'
        for place, count in enumerate(counts)
        if count
    ]


def _line(values: Line, width: float, base: float, reach: tuple[float, float], place: int) -> str:
    step, path, pen_up = width / len(values), [], True
    for position, value in enumerate(values):
        if value is None:
            pen_up = True
            continue
        path.append(f"{'M' if pen_up else 'L'}{(position + 0.5) * step:.1f} {base - (base - 6) * _at(value, reach):.1f}")
        pen_up = False
    return (
        f'<path d="{"".join(path)}" fill="none" stroke="{_LINES[place % len(_LINES)]}" stroke-width="1.8"'
        f' stroke-linecap="round"><title>{reach[0]:.4g} to {reach[1]:.4g}</title></path>'
        if path
        else ""
    )


def _reach(lines: Sequence[Line]) -> tuple[float, float]:
    """The scale of the lines; shares and other non-negative levels start at 0."""
    known = [value for line in lines for value in line if value is not None]
    return (min(0.0, *known), max(0.0, *known)) if len(known) > 1 else (0.0, 1.0)


def _at(value: float, reach: tuple[float, float]) -> float:
    low, high = reach
    return (value - low) / (high - low) if high > low else 0.5


def _colour(value: float) -> str:
    strength = round(235 * (1 - min(abs(value), 1.0)))
    return f"rgb({strength},{min(235, strength + 40)},235)" if value >= 0 else f"rgb(235,{strength},{strength})"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "\u2026"


def _text(x: float, y: float, text: str, anchor: str = "start", title: str = "") -> str:
    hint = f"<title>{escape(title)}</title>" if title and title != text else ""
    return f'<text x="{x:.4g}" y="{y:.4g}" text-anchor="{anchor}">{escape(text)}{hint}</text>'


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> Chart:
    size = f'viewBox="0 0 {width:.4g} {height:.4g}" width="{width:.4g}" height="{height:.4g}"'
    return Chart(f"<svg class=c {size}>{''.join(parts)}</svg>", title)
