"""The `Leaderboard`: every single model and combination that was compared, and the rule that chose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report.curves import Curve, line_of
from switchyard.tabular.report.report import Badge, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tuning.study import Study


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
    folds: tuple[float, ...] = ()
    """The metric on each fold."""
    settings: dict[str, str] = {}
    """Hyperparameters and choices of the preprocessing; empty for a combination, whose members have them."""


class Leaderboard(Record):
    """Every option, best first."""

    metric: str
    entries: tuple[Row, ...]
    rule: str
    """Why the chosen one was chosen."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    missed: str = ""
    """Which family has a better score than the winner and could not be fitted in time, and the way out; among the notes, too."""
    tried: int = 1
    """Trials of all families that the winner is the best of."""
    search: Curve | None = None
    """The best score of each family while it was tuned."""
    left_s: float | None = None
    """Seconds of the budget that were left when the winner had been fitted; None without a budget."""

    @property
    def winner(self) -> Row:
        return next(row for row in self.entries if row.chosen)

    @property
    def family(self) -> str:
        """The winner: a family's name, or "ensemble"."""
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

    def fold_table(self) -> Table:
        """The score of each option on each fold."""
        headers = ("model", *(f"fold {number + 1}" for number in range(max(len(row.folds) for row in self.entries))))
        return Table(headers, [(Name(row.name), *row.folds) for row in self.entries], dict.fromkeys(headers, ".5g"))

    def settings_table(self) -> Table:
        """The hyperparameters of each single model."""
        rows = [(Name(row.name), Name(setting), value) for row in self.entries for setting, value in row.settings.items()]
        return Table(("model", "hyperparameter", "value"), rows)

    def report(self) -> Report:
        sections = [Section("Options, best first", self.table()), Section("Choice", self.rule)]
        # A leaderboard of before has neither.
        if any(row.folds for row in self.entries):
            sections.append(Section(f"Cross-validated {self.metric} by fold", self.fold_table()))
        if self.search is not None and self.search.lines:
            sections.append(Section("The best of each family while it was tuned", self.search.draw()))
        if settings := self.settings_table():
            sections.append(Section("Hyperparameters", settings))
        if self.notes:
            sections.append(Section("Left out", *self.notes))
        return Report("Leaderboard", f"{self.winner.name}: cross-validated {self.metric} {self.winner.score:.5f}", sections)

    def metadata(self) -> dict[str, Fact]:
        winner = self.winner
        return {"chosen": winner.name, "kind": winner.kind, f"cv_{self.metric}": winner.score, "options": len(self.entries)}


def best_so_far(studies: Sequence[Study], metric: str) -> Curve:
    """The best score so far of each family that has one, as steps."""
    lines = []
    for study in studies:
        at, best = study.progress()
        if len(at):
            # A score holds until the next one is known.
            lines.append(line_of(study.family, np.repeat(at, 2)[1:], np.repeat(best, 2)[:-1]))
    timed = any(study.timed for study in studies)
    x = "seconds of the family's trials" if timed else "trials of the family"
    return Curve(title="Best score so far", x=x, y=f"cross-validated {metric}", lines=tuple(lines))
