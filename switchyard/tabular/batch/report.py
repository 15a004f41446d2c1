"""`Scored`: what a batch inference counted; `ScoringReport`: the same with what is worth a look."""

from __future__ import annotations

from switchyard.tabular.batch.counts import ColumnCount
from switchyard.tabular.report.report import Badge, Bars, Cell, Name, Report, Section, Table, Text
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record

_NOTABLE = 0.05
"""Share of the rows from which a difference to training is worth a line."""


class Parts(Record):
    """How the parts of a table fared that is scored file by file."""

    all: int
    before: int
    """Done by an earlier run, and not counted again."""
    rows: int
    """Of all parts."""
    manifest: str
    """Where it is written what became of each."""

    @property
    def sentence(self) -> str:
        """How many parts and rows there are, and which of them the counts are of."""
        whole = f"{count_of(self.all, 'part')}, {count_of(self.rows, 'row')} in all"
        return f"{whole}; {self.before:,} done before, of which nothing is counted here" if self.before else whole


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
    parts: Parts | None = None

    def metadata(self) -> dict[str, Fact]:
        return {"rows": self.rows, "logged": self.logged, "version": self.version, "digest": self.digest}


class ScoringReport(Record):
    """What a person should know of a scored table."""

    scored: Scored
    findings: tuple[str, ...]
    """Differences from training, one sentence each."""

    def report(self) -> Report:
        scored = self.scored
        title, what = f"Batch inference: {scored.model}", f"{scored.rows:,} rows by version {scored.version}"
        if not scored.rows:
            return Report(title, what, [Section("What was scored", _about(scored), "Nothing was left to score.")])
        found = [Text(Badge("look", "warn"), f" {line}") for line in self.findings] or [Text("Nothing stands out.")]
        sections = [Section("What was scored", _about(scored)), Section("Against training", *found)]
        if scored.notes:
            sections.append(Section("Reading", *scored.notes))
        if labels := scored.distribution.get("labels"):
            means = scored.distribution["probabilities"]
            rows = [(Name(name), int(count), count / scored.rows, means[name]) for name, count in labels.items()]
            sections.append(Section("Answers", Table(("label", "rows", "share", "mean probability"), rows, {"share": ".1%"})))
        score = scored.distribution["score"]
        ends = zip(scored.edges[:-1], scored.edges[1:], scored.shares, strict=True)
        bins = [(f"{low:.4g} to {high:.4g}", share) for low, high, share in ends]
        sections += [Section("Score", Table(list(score), [list(score.values())]), Bars(bins)), Section("Columns", _columns(scored))]
        return Report(title, what, sections)

    def metadata(self) -> dict[str, Fact]:
        return {**self.scored.metadata(), "findings": len(self.findings)}


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


def _about(scored: Scored) -> Table:
    ids = f"{scored.request_id}, {scored.request_id}/1, ..." if scored.parts is None else "of each part in the manifest"
    parts: list[tuple[str, Cell]] = (
        [] if scored.parts is None else [("parts", scored.parts.sentence), ("manifest", Name(scored.parts.manifest))]
    )
    rows: list[tuple[str, Cell]] = [
        ("model", f"{scored.model} version {scored.version}"),
        ("digest", Name(scored.digest)),
        ("table", Name(scored.source)),
        ("content", Name(scored.content)),
        *parts,
        ("prediction ids", ids),
        ("in the prediction log", scored.logged),
    ]
    return Table(("", ""), rows)


def _columns(scored: Scored) -> Table:
    rows = [
        (Name(one.name), one.kind, one.missing, one.missing / scored.rows, one.trained_missing, one.unknown, one.outside)
        for one in scored.columns
    ]
    headers = ("column", "kind", "missing", "share", "share in training", "unknown category", "outside the range")
    return Table(headers, rows, {"share": ".1%", "share in training": ".1%"})
