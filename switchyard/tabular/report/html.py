"""A `Report` as a static page for the dashboard: it shows HTML in a frame without scripts, so charts are inline SVG."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from switchyard.tabular.report.report import (
    Badge,
    Bars,
    Beside,
    Cell,
    Chart,
    Inline,
    Key,
    Link,
    Markdown,
    Name,
    Part,
    Report,
    Section,
    Strong,
    Table,
    Text,
    is_number,
)
from switchyard.tabular.report.words import shown

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1d2433;margin:16px;max-width:1100px}
h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:22px 0 6px;border-bottom:1px solid #e3e6ee;padding-bottom:3px}
table{border-collapse:collapse;margin:6px 0}th,td{padding:3px 10px;border-bottom:1px solid #eceef4;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}th{background:#f6f7fb}p{margin:4px 0}
.b{border-radius:9px;padding:1px 8px;font-size:12px;color:#fff;white-space:nowrap}
.good{background:#19743f}.warn{background:#8a5a10}.bad{background:#c0362c}.note{background:#5a6478}
svg{max-width:100%;height:auto}.row svg{display:block}.row{display:flex;flex-wrap:wrap;gap:12px}
svg.c{font:11px system-ui,sans-serif;fill:#3a4356}.c .f{fill:#5673d8}.c .g{fill:#e8ebf4}.c .k{stroke:#c0362c;stroke-width:1.5;fill:none}
.card{border:1px solid #e3e6ee;border-radius:8px;padding:8px 10px;width:310px}.card p+p{font-size:12px;color:#5a6478}
.card .chart~p,.card svg~p{font-size:12px;color:#5a6478}.wide{overflow-x:auto;font-size:12px}
@media print{body{margin:0;max-width:none;font-size:10pt}h2{break-after:avoid}tr,svg,.chart,.card{break-inside:avoid}
.wide{overflow:visible;font-size:7pt}.b,th,svg{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
# Printed, nothing is cut by a frame or by the end of a page, and what colours mean stays.
_WIDE = 12
"""Columns from which on a table scrolls by itself."""
_MOST_ROWS, _MOST_BARS = 3000, 100
"""Of one table and one chart: a page stays small however many columns or classes there are. What is left out is told, and stored."""


def page(report: Report) -> str:
    """The whole page."""
    body = f"<h1>{escape(report.title)}</h1><p>{escape(report.lead)}</p>{''.join(map(_section, report.sections))}"
    head = f"<meta charset=utf-8><title>{escape(report.title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}<body><main>{body}</main></body></html>"


def _section(section: Section) -> str:
    return f"<h2>{escape(section.heading)}</h2>{''.join(map(_part, section.parts))}"


def _part(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Bars():
            return _bars(part)
        case Chart():
            return f'<div class=chart role=img aria-label="{escape(part.title)}">{part.svg}</div>'
        case Beside():
            return f"<div class=row>{''.join(_group(group, part.framed) for group in part.groups)}</div>"
        case Markdown():
            from markdown_it import MarkdownIt

            return MarkdownIt("commonmark", {"html": False}).enable("table").render(part.source)
        case _:
            return f"<p>{_words(part)}</p>"


def _group(group: tuple[Part, ...], framed: bool) -> str:
    inside = "".join(map(_part, group))
    return f"<div{' class=card' if framed else ''}>{inside}</div>"


def _words(text: Text | Inline) -> str:
    match text:
        case Text():
            return "".join(map(_words, text.pieces))
        case Badge():
            return f'<span class="b {text.level}">{escape(text.text)}</span>'
        case Strong():
            return f"<b>{escape(text.text)}</b>"
        case Key():
            return f'<span style="color:{escape(text.colour)}">&#9473;</span> {escape(text.text)}'
        case Link():
            return f'<a href="{escape(quote(text.path))}">{escape(text.text)}</a>'
        case Name():
            return escape(text.text)
        case _:
            return escape(str(text))


def _table(table: Table) -> str:
    head = "".join(f"<th>{_words(header)}</th>" if header else "<td></td>" for header in table.headers)
    formats = [table.format_of(place) for place in range(len(table.headers))]
    body = "".join("<tr>" + "".join(map(_cell, row, formats)) + "</tr>" for row in table.rows[:_MOST_ROWS])
    made = f"<table><tr>{head}</tr>{body}</table>{_more(len(table.rows) - _MOST_ROWS)}"
    # What scrolls can be reached by the keyboard.
    return f"<div class=wide tabindex=0 role=region aria-label=table>{made}</div>" if len(formats) > _WIDE else made


def _cell(value: Cell, form: str) -> str:
    if value is None or is_number(value):
        return f"<td class=n>{'' if value is None else escape(shown(value, form=form))}</td>"
    return f"<td>{_words(value)}</td>"


def _more(left_out: int) -> str:
    return f"<p>{left_out:,} more are in the stored object.</p>" if left_out > 0 else ""


def _bars(bars: Bars) -> str:
    # Written directly as SVG, so many are cheap.
    low, top, left, width, step = bars.low, bars.top, 210, 380, 19
    parts = []
    rows = bars.rows[:_MOST_BARS]
    for place, (label, value) in enumerate(rows):
        y = place * step
        length = width * min(max((value - low) / (top - low), 0.0), 1.0)
        short = label if len(label) <= 30 else label[:29] + "\u2026"
        parts.append(
            f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{escape(short)}<title>{escape(label)}</title></text>'
            f'<rect class=g x="{left}" y="{y + 3}" width="{width}" height="13"/>'
            f'<rect class=f x="{left}" y="{y + 3}" width="{length:.1f}" height="13"/>'
            f'<text x="{left + width + 6}" y="{y + 13}">{shown(value)}</text>'
        )
    height = len(rows) * step + 4
    if bars.limit is not None:
        at = left + width * min(max((bars.limit - low) / (top - low), 0.0), 1.0)
        parts.append(f'<path class=k d="M{at:.1f} 0V{height}"/>')
    whole = left + width + 70
    drawn = f'<svg class=c viewBox="0 0 {whole} {height}" width="{whole}" height="{height}">{"".join(parts)}</svg>'
    return drawn + _more(len(bars.rows) - _MOST_BARS)
