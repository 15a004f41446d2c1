"""`look_at_interactions`: what a training would make of a table of interactions, found in seconds and without training."""

from __future__ import annotations

from dataclasses import dataclass

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.protocol import Questions, split_by_time
from switchyard.tabular.recommendation.settling import holdout_of, settle
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.reading.sources import read_source

_FEW_ASKED = 100
"""Below so many users a score says little."""


@dataclass(frozen=True)
class InteractionLook:
    """What a training would make of a table of interactions.

    Attributes
    ----------
    problem : Problem
        Settled.
    log : Interactions
    source : str
    notes : tuple of str
    questions : Questions or None
        Of the holdout; None where it can't be split, which `trouble` says.
    trouble : str
        Why there can be no training, in one line.
    """

    problem: Problem
    log: Interactions
    source: str
    notes: tuple[str, ...]
    questions: Questions | None
    trouble: str = ""

    def report(self) -> Report:
        """Roles, counts, what is odd, and who would be asked for."""
        data = self.problem.data
        roles: list[tuple[Cell, ...]] = [
            ("user", Name(data.user or "")),
            ("item", Name(data.item or "")),
            ("time", "the order of the rows" if data.time_column == "@row" else Name(data.time_column or "")),
            ("weight", Name(data.weight) if data.weight else "none"),
        ]
        sections = [Section("Roles", Table(("role", "column"), roles)), *self.log.report().sections]
        if self.notes:
            sections.append(Section("What was understood, and what is odd", *self.notes))
        if self.questions is None:
            sections.append(Section("There can be no training", self.trouble))
        else:
            sections.append(Section("What would be trained", *self._asked(self.questions)))
        return Report(self.source, self.log.report().lead, sections)

    def _asked(self, questions: Questions) -> list[str]:
        asked = questions.part(questions.answerable)
        unknown, within = int(questions.unknown.sum()), int(questions.truth.lengths.sum())
        lines = [
            f"Scored on {count_of(len(asked), 'user')} who come in the last {holdout_of(self.problem):.0%} of the interactions, "
            f"{int((~asked.warm).sum()):,} of them new, by nDCG@10 over all items.",
            f"{unknown / (unknown + within):.1%} of what they took then nobody had taken before: no model of interactions can answer it.",
            f"Tried: {', '.join(name for name in self.problem.tuning.families if RECOMMENDERS[name].suits(self.log))}.",
        ]
        if len(asked) < _FEW_ASKED:
            lines.append(
                f"{count_of(len(asked), 'user')} are few: an interval of the score will be wide. A larger split.holdout asks more."
            )
        return lines


def look_at_interactions(problem: Problem) -> InteractionLook:
    """Read the tables of `problem` and decide what a training would decide before it learns.

    Raises
    ------
    InputError
        When a table can't be read or learnt from, or a column is named that is not there.
    """
    items, users = (
        read_source(problem.data.model_copy(update={"source": source})) if source else None
        for source in (problem.data.items, problem.data.users)
    )
    table = read_source(problem.data)
    log, settled, notes = settle(table, items, problem, users)
    try:
        questions = split_by_time(log, holdout_of(settled))[1]
    except InputError as error:
        return InteractionLook(settled, log, table.source, notes, None, str(error))
    return InteractionLook(settled, log, table.source, notes, questions)
