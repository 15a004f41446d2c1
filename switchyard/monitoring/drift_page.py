"""The page of a `DriftReport`."""

from __future__ import annotations

from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.drift import DriftReport
from switchyard.tabular.report.html import Raw, badge, bars, page, table

_HEADERS = (
    "column",
    "verdict",
    "weight",
    "moves the mean answer by",
    "how far",
    "error",
    "within training",
    "limit",
    "method",
    "p, adjusted",
)


def drift_page(report: DriftReport) -> str:
    """A static page: what matters first."""
    counted = [column for column in report.columns if column.unusual]
    sections = []
    if report.columns:
        sections.append(("What drifts, by its weight in the model", _weights(report, counted)))
        sections.append(("Columns, what matters for the score first", _table(report.columns)))
    outputs = [part for part in (report.prediction, report.target) if part is not None]
    if outputs:
        sections.append(("Answers and labels", _table(outputs)))
    findings = [part for part in report.quality if part.findings]
    rows = [(part.column, "; ".join(part.findings)) for part in findings]
    if report.quality:
        sections.append(("Data quality", table(("column", "finding"), rows) if rows else "<p>As in training.</p>"))
        sections.append(("Missing, unseen, outside", _quality(report)))
    sections.append(("How to read this", _legend(report)))
    return page(
        "Drift", sections, " ".join((f"{report.window}; {report.looked_at:,} rows against {report.reference_rows:,}.", *report.notes))
    )


def _weights(report: DriftReport, counted: list[ColumnDrift]) -> str:
    shares = f"<p>{report.share or 0:.1%} of the columns, {report.weighted_share or 0:.1%} of the weight.</p>"
    return shares + (
        bars([(column.column, column.weight or 0.0) for column in counted]) if counted else "<p>Nothing beyond the training period.</p>"
    )


def _table(columns: list[ColumnDrift] | tuple[ColumnDrift, ...]) -> str:
    return table(_HEADERS, [_row(column) for column in columns])


def _row(column: ColumnDrift) -> tuple[object, ...]:
    verdict = (
        badge("drift", "bad") if column.unusual else badge("as within training", "warn") if column.drifted else badge("stable", "good")
    )
    return (
        column.column,
        verdict,
        _percent(column.weight),
        "" if column.effect is None else f"{column.effect:+.4f}",
        _number(column.distance),
        _number(column.error),
        _number(column.usual),
        column.threshold,
        Raw(column.method if column.method == column.distance_method else f"{column.method}, {column.distance_method}"),
        _number(column.adjusted),
    )


def _quality(report: DriftReport) -> str:
    headers = ("column", "missing", "in training", "in unseen categories", "outside training's range")
    return table(
        headers,
        [(q.column, _percent(q.missing), _percent(q.missing_before), _percent(q.unseen), _percent(q.outside)) for q in report.quality],
    )


def _legend(report: DriftReport) -> str:
    return (
        "<p>Verdict: <b>drift</b> is beyond its limit and farther away than any stretch of the training period was; "
        "<b>as within training</b> is beyond its limit, but the training period changed as much by itself.</p>"
        f"<p>Weight: share in the model's answers ({report.weighing}).</p>"
        "<p>Moves the mean answer by: the mean answer on this window, less that with the column's values drawn from the reference.</p>"
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
