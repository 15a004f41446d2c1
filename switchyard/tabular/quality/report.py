"""What the quality checks found, what becomes of it, and the gate."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import GateClosed
from switchyard.tabular.report.report import Badge, Bars, Level, Name, Report, Section, Table
from switchyard.tabular.report.words import of_sample
from switchyard.tabular.storable import Fact, Record

FindingAction = Literal["note", "warn", "drop", "stop"]
_LEVELS: dict[FindingAction, Level] = {"note": "note", "warn": "warn", "drop": "warn", "stop": "bad"}
_TITLES = {
    "missing_column": "Columns with too few values",
    "constant_column": "Columns with one value",
    "duplicate_rows": "Repeated rows",
    "imbalance": "Label imbalance",
    "extreme_target": "Stray values of the target",
    "target_leakage": "Columns that give the target away",
    "future_column": "Columns from the future",
    "id_column": "Columns that only name the row",
    "split_overlap": "Rows on both sides of the split",
    "temporal": "Time that does not add up",
}
CHECKS = tuple(_TITLES)
"""Names of the checks, which are also their keys under `quality` in the config."""


class Finding(BaseModel):
    """One thing that is wrong, or worth knowing, with the way out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    """One of `CHECKS`; `quality.<check>` in the config is its action."""
    column: str | None = None
    action: FindingAction
    """`note` informs and is not configurable; the rest as in the config."""
    measured: float
    limit: float | None = None
    message: str

    @property
    def key(self) -> str:
        """The config key that changes the action."""
        return f"quality.{self.check}"


def action_for(problem: Problem, check: str, column: str | None = None) -> FindingAction:
    """The action of `check`; a column that the config itself calls a feature is at most warned about."""
    override = problem.data.columns.get(column) if column is not None else None
    if override is not None and override.role == "feature":
        return "warn"
    return getattr(problem.quality, check)


class QualityReport(Record):
    """Findings, gravest first."""

    findings: tuple[Finding, ...]
    train_rows: int
    holdout_rows: int
    task: str
    leakage_score: float
    scores: dict[str, float] = Field(default_factory=dict)
    """What each feature alone says about the target: cross-validated AUC (0.5 is nothing) or R2 (0 is nothing)."""
    of_rows: int | None = None
    """Rows of the table that these are a sample of; None where they are all."""

    @property
    def dropped(self) -> dict[str, str]:
        """Columns to leave out, each with the reason."""
        reasons: dict[str, str] = {}
        for finding in self.findings:
            if finding.action == "drop" and finding.column is not None:
                reasons.setdefault(finding.column, finding.message)
        return reasons

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that end the run."""
        return tuple(finding for finding in self.findings if finding.action == "stop")

    def raise_if_stopped(self) -> None:
        """The gate.

        Raises
        ------
        GateClosed
            With one line that names each stopping finding and the config key that changes it.
        """
        if self.stops:
            said = "; ".join(f"{finding.message} [{finding.key}: stop]" for finding in self.stops)
            raise GateClosed(f"quality gate: {said}")

    def metadata(self) -> dict[str, Fact]:
        counts = {f"{action}": sum(finding.action == action for finding in self.findings) for action in _LEVELS}
        return {"findings": len(self.findings), **counts}

    def report(self) -> Report:
        found = {check: sum(finding.check == check for finding in self.findings) for check in CHECKS}
        checks = [
            (title, Badge(f"{found[check]} found", "warn") if found[check] else Badge("clean", "good")) for check, title in _TITLES.items()
        ]
        sections = [
            Section("Findings", self.finding_table() if self.findings else "Nothing was found."),
            Section("Checks", Table(("check", "result"), checks)),
        ]
        if self.scores:
            measure = "R2" if self.task == "regression" else "AUC"
            strongest = sorted(self.scores.items(), key=lambda item: (-item[1], item[0]))[:25]
            said = f"Cross-validated {measure} of a small model of one column, training part; beyond the line it gives the target away."
            bars = Bars(strongest, limit=self.leakage_score, low=0.0 if self.task == "regression" else 0.5, high=1.0)
            sections.append(Section("What one column alone says about the target", said, bars))
        lead = (
            f"{self.train_rows:,} training and {self.holdout_rows:,} holdout rows; stopping findings: {len(self.stops)},"
            f" dropped columns: {len(self.dropped)}."
        )
        if self.of_rows is not None:
            lead = f"{self.train_rows + self.holdout_rows:,} rows were checked.{of_sample(self.of_rows)} {lead}"
        return Report("Data quality", lead, sections)

    def finding_table(self) -> Table:
        """What was found, gravest first."""
        headers = ("action", "check", "column", "what was found and the way out", "measured", "limit", "config key")
        rows = [
            (
                Badge(finding.action, _LEVELS[finding.action]),
                Name(finding.check),
                Name(finding.column or ""),
                finding.message,
                finding.measured,
                finding.limit,
                Name(finding.key),
            )
            for finding in self.findings
        ]
        return Table(headers, rows)
