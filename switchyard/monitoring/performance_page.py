"""The page of a `Performance`."""

from __future__ import annotations

from switchyard.monitoring.performance import Performance
from switchyard.tabular.report.html import page, table
from switchyard.tabular.report.words import count_of


def performance_page(performance: Performance) -> str:
    """A static page: score, estimate, slices."""
    score, measured = performance.score, performance.measured
    lead = f"{performance.window}; {count_of(performance.rows, 'prediction')}, {performance.labelled:,} with a label."
    verdict = "No score." if score is None else f"{performance.metric} {score}, {performance.basis}; on the holdout {performance.holdout}."
    sections = [(f"{performance.basis.capitalize()}: {performance.reason}", f"<p>{verdict}</p>")]
    names = dict.fromkeys([*(measured.scores if measured else ()), *performance.estimated])
    rows = [
        (name, str(measured.scores[name]) if measured and name in measured.scores else "", str(performance.estimated.get(name, "")))
        for name in names
    ]
    if rows:
        sections.append((f"Scores (estimate: {performance.method})", table(("score", "measured", "estimated"), rows)))
    for column in measured.slices if measured else ():
        values = [(part.value + (" (few rows)" if part.small else ""), part.rows, str(part.score)) for part in column.slices]
        sections.append((f"By {column.column}", table((column.column, "rows", performance.metric), values)))
    return page("Performance", sections, lead)
