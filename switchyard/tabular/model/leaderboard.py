"""The `Leaderboard`: every single model and combination that was compared, and the rule that chose."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report.report import Badge, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record


class Row(BaseModel):
    """One line of the leaderboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: str
    family: str
    score: float
    """The metric on out-of-fold predictions: mean over folds, or of all rows at once for time folds. What learns weights is
    scored on folds they were not learnt from."""
    std: float
    """Standard deviation over folds."""
    seconds: float
    """Wall time of the family's tuning, or of a combination's members together; 0 in a search by number of trials."""
    chosen: bool
    note: str = ""


class Leaderboard(Record):
    """Every option, best first."""

    metric: str
    entries: tuple[Row, ...]
    rule: str
    """Why the chosen one was chosen."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    left_s: float | None = None
    """Seconds of the budget that were left when the winner had been fitted; None without a budget."""

    @property
    def winner(self) -> Row:
        return next(row for row in self.entries if row.chosen)

    @property
    def family(self) -> str:
        """Of the winner: a family's name, or "ensemble"."""
        return self.winner.family

    @property
    def score(self) -> dict[str, float]:
        """The winner's cross-validated score, by metric."""
        return {self.metric: self.winner.score}

    def table(self) -> Table:
        """One line per option."""
        score = f"cv {self.metric}"
        rows = [
            (Badge("chosen", "good") if row.chosen else "", Name(row.name), row.kind, row.score, row.std, row.seconds, row.note)
            for row in self.entries
        ]
        headers = ("", "model", "kind", score, "\u00b1 over folds", "seconds", "note")
        return Table(headers, rows, {score: ".5g", "\u00b1 over folds": ".2g", "seconds": ".1f"})

    def report(self) -> Report:
        sections = [Section("Options, best first", self.table()), Section("Choice", self.rule)]
        if self.notes:
            sections.append(Section("Left out", *self.notes))
        return Report("Leaderboard", f"{self.winner.name}: cross-validated {self.metric} {self.winner.score:.5f}", sections)

    def facts(self) -> dict[str, Fact]:
        winner = self.winner
        return {"chosen": winner.name, "kind": winner.kind, f"cv_{self.metric}": winner.score, "options": len(self.entries)}
