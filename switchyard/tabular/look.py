"""`look_at`: what a training would make of a table, found in seconds and without training; `config_of` is a config that says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import yaml

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.quality import QualityReport, check_quality
from switchyard.tabular.report.report import Badge, Level, Name, Part, Report, Section, Table, Text
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.large.load import read_some
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.split import LARGEST_SHARE, split_table
from switchyard.tabular.tasks import kind_of

_MOST_COLUMNS, _MOST_NOTES, _MOST_SCORES = 100, 20, 10
"""Of what is shown; a table of thousands of columns has a line for the first of them."""
_LONGEST_NAME = 20
NO_TARGET = "(nothing is predicted)"
"""The target of a problem of which nobody said what to predict: the columns are read all the same."""


@dataclass(frozen=True)
class Look:
    """What a training would make of a table."""

    problem: Problem
    """With nothing left at "auto", where a target is known."""
    schema: Schema
    source: str
    rows: int
    notes: tuple[str, ...]
    quality: QualityReport | None = None
    """None without a target, or where there can be no training."""
    trouble: str = ""
    """Why there can be no training, in one line."""

    @property
    def has_target(self) -> bool:
        return self.problem.data.target != NO_TARGET

    @property
    def dropped(self) -> Mapping[str, str]:
        """Columns that quality leaves out, and why."""
        return {} if self.quality is None else self.quality.dropped

    def report(self) -> Report:
        """Columns, oddities, leaks, and what would be trained; tables fit 80 columns."""
        sections = [Section("Columns", self.column_table(), *_left_out(len(self.schema.columns), _MOST_COLUMNS))]
        odd = [*self.notes[:_MOST_NOTES], *_left_out(len(self.notes), _MOST_NOTES)]
        if odd:
            sections.append(Section("What was understood, and what is odd", *odd))
        if self.quality is not None:
            found = self.quality.findings
            messages: list[Part] = [
                Text(Badge(finding.action, _LEVELS[finding.action]), f" {finding.message}") for finding in found[:_MOST_NOTES]
            ]
            sections.append(Section("Quality", *(messages or ["Nothing was found."]), *_left_out(len(found), _MOST_NOTES)))
            if self.quality.scores:
                sections.append(Section("What one column alone says about the target", self.score_table(), _SCORES))
        if self.trouble:
            sections.append(Section("There can be no training", self.trouble))
        elif self.has_target:
            sections.append(Section("What would be trained", self.task_table()))
        rows = count_of(self.rows, "row") if self.schema.of is None else f"looked at {self.rows:,} of {self.schema.of:,} rows"
        return Report(f"{self.source}", f"{rows}, {count_of(len(self.schema.columns), 'column')}", sections)

    def column_table(self) -> Table:
        """What each column was taken for, and why."""
        rows = [
            (
                Name(_short(column.name)),
                f"{column.kind if column.role in ('feature', 'target') else ''} {'' if column.role == 'feature' else column.role}".strip(),
                column.missing,
                column.unique,
                "left out (see Quality)" if column.name in self.dropped else column.reason,
            )
            for column in self.schema.columns[:_MOST_COLUMNS]
        ]
        return Table(("column", "taken for", "missing", "distinct", "why"), rows, {"missing": ".0%"})

    def score_table(self) -> Table:
        """The columns that say most about the target by themselves, the strongest first."""
        scores = {} if self.quality is None else self.quality.scores
        strongest = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:_MOST_SCORES]
        measure = "R2" if self.problem.task == "regression" else "AUC"
        return Table(("column", measure), [(Name(_short(name)), score) for name, score in strongest], {measure: ".3f"})

    def task_table(self) -> Table:
        """Task, metric and split."""
        problem = self.problem
        positive = [("positive class", problem.positive_class)] if problem.positive_class else []
        share = problem.split.holdout
        split = f"{problem.split.kind}, holdout {f'auto, at most {LARGEST_SHARE:.0%}' if share == 'auto' else f'{share:.0%}'}"
        what = "target" if kind_of(problem.task).target else "answer"
        rows = [(what, problem.data.target), ("task", problem.task), *positive, ("metric", problem.metric), ("split", split)]
        return Table(("", "decided"), [(key, Name(value)) for key, value in rows])


_LEVELS: dict[str, Level] = {"note": "note", "warn": "warn", "drop": "warn", "stop": "bad"}
_SCORES = "Cross-validated, of a small model of that column; near 1 it gives the target away, AUC 0.5 or R2 0 is nothing."


def look_at(problem: Problem) -> Look:
    """Read the table of `problem` and decide what a training would decide before it learns.

    Parameters
    ----------
    problem : Problem
        Its target may be `NO_TARGET`: then the columns are read and nothing is said of a task.

    Raises
    ------
    InputError
        When the table can't be read, or a column is named that is not there.
    """
    raw, of = read_some(problem)
    if of is not None:
        some = f"looked at {len(raw.frame):,} of {of:,} rows, drawn uniformly (seed {problem.tuning.seed}); a training reads all"
        raw = replace(raw, notes=(some, *raw.notes))
    if problem.data.target == NO_TARGET:
        made = pd.Series([("a", "b")[row % 2] for row in range(len(raw.frame))], index=raw.frame.index, dtype=object)
        raw = replace(raw, frame=raw.frame.assign(**{NO_TARGET: made}))
    table, resolved, notes = resolve(raw, problem)
    made_up = {NO_TARGET} if kind_of(resolved.task).target else {resolved.data.target}
    columns = tuple(column for column in table.schema.columns if column.name not in made_up)
    said = tuple(note for note in notes if NO_TARGET not in note)
    table = replace(table, schema=table.schema.model_copy(update={"of": of}))
    seen = Look(resolved, Schema(columns=columns, of=of), table.source, len(table.frame), said)
    if not seen.has_target:
        return seen
    try:
        split = split_table(table, resolved)
        seen = replace(seen, quality=check_quality(split, resolved))
        # Refuses what leaves no column to learn from.
        plan_features(split, seen.dropped, resolved)
    except InputError as error:
        return replace(seen, trouble=str(error))
    return seen


def config_of(look: Look) -> str:
    """A config, as YAML, by which a training does what it would do without one; each line that was found says why."""
    problem, data = look.problem, look.problem.data
    asked = {"name": problem.name, **({"goal": problem.goal} if problem.goal else {})}
    aim = ("target",) if kind_of(problem.task).target else ()
    keys = ("source", *aim, "query", "time_column", "group_column", "entity_column", "weight")
    placed = {key: getattr(data, key) for key in keys if getattr(data, key) is not None}
    decided = {"task": problem.task, "metric": problem.metric, "positive_class": problem.positive_class}
    some = "" if look.schema.of is None else f" ({look.rows:,} of its {look.schema.of:,} rows)"
    lines = [
        f"# What `run.py look` made of {_one_line(look.source)}{some}: change what is wrong, delete what should be found anew.",
        *_yaml(asked),
    ]
    lines += ["", "data:", *_yaml(placed, "  "), "  columns:"]
    for column in look.schema.columns:
        if column.role != "target":
            said = {"kind": column.kind, **({} if column.role == "feature" else {"role": column.role})}
            why = f"left out: {look.dropped[column.name]}" if column.name in look.dropped else column.reason
            lines += [f"{line}  # {_one_line(why)}" for line in _yaml({column.name: said}, "    ")]
    lines += ["", *_yaml({key: value for key, value in decided.items() if value is not None})]
    lines += ["", "split:", f"  kind: {problem.split.kind}"]
    return "\n".join(lines) + "\n"


def _yaml(values: dict[str, Any], indent: str = "") -> list[str]:
    """A line of YAML for each key."""
    return [f"{indent}{_scalar(key)}: {_value(value)}" for key, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_value(inner)}" for key, inner in value.items()) + "}"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """A plain word as it is; anything that YAML could take for something else between quotes, as in JSON, which YAML reads too."""
    return (
        text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text) and yaml.safe_load(text) == text else json.dumps(text, ensure_ascii=False)
    )


def _left_out(count: int, most: int) -> list[str]:
    return [f"and {count - most:,} more"] if count > most else []


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
