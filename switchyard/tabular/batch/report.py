"""`Scored`: what a batch inference counted; `ScoringReport`: the same with what is worth a look."""

from __future__ import annotations

from html import escape

from switchyard.tabular.batch.counts import ColumnCount
from switchyard.tabular.report import html
from switchyard.tabular.storable import Fact, Record

_NOTABLE = 0.05
"""Share of the rows from which a difference to training is worth a line."""


class Scored(Record):
    """A table that was scored."""

    model: str
    version: str
    digest: str
    source: str
    content: str
    """Digest of the table."""
    request_id: str
    """Prediction ids begin with it."""
    rows: int
    logged: int
    """Rows given to the prediction log."""
    columns: tuple[ColumnCount, ...]
    distribution: dict[str, dict[str, int | float]]
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    """Of the rows, in the score's bins between `edges`."""
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Fact]:
        return {"rows": self.rows, "logged": self.logged, "version": self.version, "digest": self.digest}


class ScoringReport(Record):
    """What a person should know of a scored table."""

    scored: Scored
    findings: tuple[str, ...]
    """Differences from training, one sentence each."""

    def html(self) -> str:
        return _page(self)

    def facts(self) -> dict[str, Fact]:
        return {**self.scored.facts(), "findings": len(self.findings)}


def report_on(scored: Scored) -> ScoringReport:
    """Set the counts beside what training saw."""
    findings = []
    for column in scored.columns:
        missing, unknown, outside = (count / scored.rows for count in (column.missing, column.unknown, column.outside))
        if abs(missing - column.trained_missing) >= _NOTABLE:
            findings.append(f"{column.name}: {missing:.1%} missing, in training {column.trained_missing:.1%}")
        if unknown >= _NOTABLE:
            findings.append(f"{column.name}: {unknown:.1%} of the rows have a category that training did not see")
        if outside >= _NOTABLE:
            findings.append(f"{column.name}: {outside:.1%} of the rows are outside the range of training")
    labels = scored.distribution.get("labels", {})
    findings += [f"no row was answered {name!r}" for name, count in labels.items() if not count and scored.rows >= 100]
    return ScoringReport(scored=scored, findings=tuple(findings))


def _page(report: ScoringReport) -> str:
    scored = report.scored
    about = [["model", f"{scored.model} version {scored.version}"], ["digest", scored.digest], ["table", scored.source],
             ["content", scored.content], ["prediction ids", f"{scored.request_id}, {scored.request_id}/1, ..."],
             ["in the prediction log", scored.logged]]  # fmt: skip
    sections = [("What was scored", html.table(["", ""], about))]
    found = "".join(f"<p>{html.badge('look', 'warn')} {escape(line)}</p>" for line in report.findings)
    sections.append(("Against training", found or "<p>Nothing stands out.</p>"))
    if scored.notes:
        sections.append(("Reading", "".join(f"<p>{escape(note)}</p>" for note in scored.notes)))
    if labels := scored.distribution.get("labels"):
        rows = [[name, int(count), count / scored.rows, scored.distribution["probabilities"][name]] for name, count in labels.items()]
        sections.append(("Answers", html.table(["label", "rows", "share", "mean probability"], rows)))
    score = scored.distribution["score"]
    bins = [
        (f"{low:.4g} to {high:.4g}", share) for low, high, share in zip(scored.edges[:-1], scored.edges[1:], scored.shares, strict=True)
    ]
    sections.append(("Score", html.table(list(score), [list(score.values())]) + html.bars(bins)))
    columns = [
        [one.name, one.kind, one.missing, one.missing / scored.rows, one.trained_missing, one.unknown, one.outside]
        for one in scored.columns
    ]
    headers = ["column", "kind", "missing", "share", "share in training", "unknown category", "outside the range"]
    sections.append(("Columns", html.table(headers, columns)))
    return html.page(f"Batch inference: {scored.model}", sections, f"{scored.rows:,} rows by version {scored.version}")
