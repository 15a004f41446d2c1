"""The `Leaderboard`: every single model and combination that was compared, and the rule that chose."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report import html
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

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """For a table: the headers, and one line per option."""
        headers = ("", "model", "kind", f"cv {self.metric}", "±", "seconds", "note")
        lines = [
            ("*" if row.chosen else "", row.name, row.kind, f"{row.score:.5g}", f"{row.std:.2g}", f"{row.seconds:.1f}", row.note)
            for row in self.entries
        ]
        return headers, lines

    def html(self) -> str:
        header, lines = self.rows()
        shown = [[html.badge("chosen", "good") if line[0] else "", *line[1:]] for line in lines]
        sections = [("Options, best first", html.table(header, shown)), ("Choice", html.table(["rule"], [[self.rule]]))]
        if self.notes:
            sections.append(("Left out", html.table(["what"], [[note] for note in self.notes])))
        return html.page("Leaderboard", sections, f"{self.winner.name}: cross-validated {self.metric} {self.winner.score:.5f}")

    def facts(self) -> dict[str, Fact]:
        winner = self.winner
        return {"chosen": winner.name, "kind": winner.kind, f"cv_{self.metric}": winner.score, "options": len(self.entries)}
