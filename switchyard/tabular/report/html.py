"""Static pages for the dashboard: it shows HTML in a frame without scripts, so charts are inline SVG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1d2433;margin:16px;max-width:1100px}
h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:22px 0 6px;border-bottom:1px solid #e3e6ee;padding-bottom:3px}
table{border-collapse:collapse;margin:6px 0}th,td{padding:3px 10px;border-bottom:1px solid #eceef4;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}th{background:#f6f7fb}p{margin:4px 0}
.b{border-radius:9px;padding:1px 8px;font-size:12px;color:#fff;white-space:nowrap}
.good{background:#1f8a4c}.warn{background:#b7791f}.bad{background:#c0362c}.note{background:#5a6478}
svg{max-width:100%;height:auto}.row{display:flex;flex-wrap:wrap;gap:12px}
svg.c{font:11px system-ui,sans-serif;fill:#3a4356}.c .f{fill:#5673d8}.c .g{fill:#e8ebf4}.c .k{stroke:#c0362c;stroke-width:1.5;fill:none}
.card{border:1px solid #e3e6ee;border-radius:8px;padding:8px 10px;width:310px}.card p{font-size:12px;color:#5a6478}
.wide{overflow-x:auto;font-size:12px}
"""


def page(title: str, sections: Iterable[tuple[str, str]], lead: str = "") -> str:
    """A whole page; `sections` are (heading, HTML), `lead` is plain text under the title."""
    body = "".join(f"<h2>{escape(heading)}</h2>{content}" for heading, content in sections)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>{body}</html>"
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table; floats are shown by `number`, `Raw` cells as they are."""
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def number(value: float) -> str:
    """A float for people: four significant digits, whole from a thousand on."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:,.4g}"


class Raw(str):
    """HTML that is already safe."""


def badge(text: str, level: str) -> Raw:
    """A coloured label; `level` is good, warn, bad or note."""
    return Raw(f'<span class="b {level}">{escape(text)}</span>')


def row(parts: Iterable[str]) -> str:
    """Charts side by side."""
    return f"<div class=row>{''.join(parts)}</div>"


def bars(rows: Sequence[tuple[str, float]], limit: float | None = None, low: float = 0.0, high: float | None = None) -> Raw:
    """Horizontal bars of (label, value) from `low` to `high`, with a line at `limit`; written directly as SVG, so many are cheap."""
    top = max([value for _, value in rows] + ([] if limit is None else [limit]) + [low + 1e-12]) if high is None else high
    left, width, step = 210, 380, 19
    parts = []
    for place, (label, value) in enumerate(rows):
        y = place * step
        length = width * min(max((value - low) / (top - low), 0.0), 1.0)
        shown = label if len(label) <= 30 else label[:29] + "\u2026"
        parts.append(
            f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{escape(shown)}<title>{escape(label)}</title></text>'
            f'<rect class=g x="{left}" y="{y + 3}" width="{width}" height="13"/>'
            f'<rect class=f x="{left}" y="{y + 3}" width="{length:.1f}" height="13"/>'
            f'<text x="{left + width + 6}" y="{y + 13}">{number(value)}</text>'
        )
    height = len(rows) * step + 4
    if limit is not None:
        at = left + width * min(max((limit - low) / (top - low), 0.0), 1.0)
        parts.append(f'<path class=k d="M{at:.1f} 0V{height}"/>')
    whole = left + width + 70
    return Raw(f'<svg class=c viewBox="0 0 {whole} {height}" width="{whole}" height="{height}">{"".join(parts)}</svg>')


def figure(fig: Figure) -> Raw:
    """A matplotlib figure as inline SVG, the same bytes for the same figure.

    Make figures with `matplotlib.figure.Figure(figsize=...)`, never pyplot: nothing global, nothing to close.
    """
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "switchyard", "svg.fonttype": "none", "font.size": 9}):
        fig.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    return Raw(text[text.index("<svg") :])


def _cell(value: object) -> str:
    if isinstance(value, Raw):
        return f"<td>{value}</td>"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"<td>{escape(str(value))}</td>"
    return f"<td class=n>{number(value) if isinstance(value, float) else f'{value:,}'}</td>"
