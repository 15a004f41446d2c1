"""`compare_versions`: two registered versions of a model side by side: scores, the rows that they answer differently, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from switchyard.bundle import BadInput, Scorer, Signature
from switchyard.monitoring.reference import Reference
from switchyard.tabular.evaluation.changes import change_table, changes_between
from switchyard.tabular.evaluation.names import name_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.report.curves import Curve, line_of
from switchyard.tabular.report.report import Cell, Name, Part, Report, Section, Table, Text
from switchyard.tabular.report.words import count_of, shown

_ROWS = 5_000
"""That both answer."""
_MOVED, _COLUMNS, _WEIGHTS = 20, 5, 30
"""Rows that moved most, columns of theirs that are shown, and columns whose weights are."""


@dataclass(frozen=True)
class Side:
    """A version as it is compared.

    Attributes
    ----------
    version : str
    scorer : Scorer
        Of what is served.
    reference : Reference
        What it was registered with: rows, scores and weights of columns.
    facts : mapping of str
        Where it comes from, in words.
    """

    version: str
    scorer: Scorer
    reference: Reference
    facts: Mapping[str, str]

    @property
    def signature(self) -> Signature:
        return self.scorer.signature

    @property
    def title(self) -> str:
        return f"version {self.version}"


@dataclass(frozen=True)
class Answered:
    """Rows that both versions answered."""

    rows: pd.DataFrame
    of: str
    """Title of the version whose rows they are."""
    before: Predictions
    after: Predictions


def compare_versions(name: str, before: Side, after: Side) -> Report:
    """What became otherwise from `before` to `after`, two versions of model `name`."""
    answered, note = _answered(before, after)
    sections = [Section("Scores, each on its own holdout", _scores(before, after), _holdouts(before, after))]
    if answered is None:
        sections.append(Section("Rows that are answered differently", note))
    elif after.signature.classes:
        sections += _classes(answered, before, after)
    else:
        sections += _values(answered, before, after)
    changes = changes_between(before.signature, after.signature)
    contract: Part = change_table(changes, f"against {before.title}") if changes else "Clients send and get the same."
    sections += [
        Section("Columns and classes", contract),
        Section("Weight of the columns (share of the mean absolute SHAP values)", _weights(before, after)),
        Section("Where they come from", _origins(before, after)),
    ]
    return Report(f"{name}: {before.title} and {after.title}", _lead(answered, before, after), sections)


def _answered(before: Side, after: Side) -> tuple[Answered | None, str]:
    """The same rows answered by both, or None and why there are none."""
    ours, theirs = after.signature, before.signature
    if ours.task != theirs.task or set(ours.classes) != set(theirs.classes):
        return None, "They answer different questions (task or classes differ), so their answers can't be held against each other."
    note = ""
    for side in (after, before):
        whole = side.reference.rows
        rows = whole.iloc[np.unique(np.linspace(0, len(whole) - 1, min(_ROWS, len(whole))).astype(int))]
        try:
            return Answered(rows, side.title, predict_served(before.scorer, rows), predict_served(after.scorer, rows)), ""
        except BadInput as error:
            note = str(error)
    return None, f"There are no rows with the columns of both: {note}."


def _lead(answered: Answered | None, before: Side, after: Side) -> str:
    metric = after.reference.facts.metric
    ours, theirs = after.reference.facts.scores[metric], before.reference.facts.scores.get(metric)
    said = f"{name_of(metric)} {ours} after {theirs or 'another metric'}."
    if answered is None:
        return said
    moved = _moved(answered, before, after)
    if not after.signature.classes:
        spread = float(np.median(np.abs(moved)))
        return (
            f"{said} Of {count_of(len(moved), 'row')} half are predicted otherwise by more than {shown(spread)} ({after.signature.target})."
        )
    return f"{said} {int(moved.sum()):,} of {count_of(len(moved), 'row')} ({moved.mean():.1%}) are answered with another class."


def _moved(answered: Answered, before: Side, after: Side) -> np.ndarray:
    """Of classes, which rows got another label; of a regression, by how much each prediction rose."""
    if not after.signature.classes:
        return np.asarray(answered.after.values) - np.asarray(answered.before.values)
    return _labels(answered.before, before) != _labels(answered.after, after)


def _labels(predictions: Predictions, side: Side) -> np.ndarray:
    return np.array(side.signature.classes, dtype=object)[predictions.labels]


def _scores(before: Side, after: Side) -> Table:
    ours, theirs = after.reference.facts, before.reference.facts
    names = dict.fromkeys((ours.metric, *ours.scores, *theirs.scores))
    rows = [(name_of(name), str(theirs.scores.get(name, "-")), str(ours.scores.get(name, "-"))) for name in names]
    return Table(("score", before.title, after.title), rows)


def _holdouts(before: Side, after: Side) -> str:
    sizes = " and ".join(f"{count_of(side.reference.facts.holdout_rows, 'row')} of {side.title}" for side in (before, after))
    return f"The holdouts: {sizes}. Only where they are the same rows is a difference of the scores one of the models."


def _classes(answered: Answered, before: Side, after: Side) -> list[Section]:
    classes, target = after.signature.classes, after.signature.target
    was, now = _labels(answered.before, before), _labels(answered.after, after)
    counts: list[tuple[Cell, ...]] = [(Name(old), *(int(((was == old) & (now == new)).sum()) for new in classes)) for old in classes]
    crossed = Table((f"by {before.title}", *(Text(f"by {after.title} ", Name(label)) for label in classes)), counts)
    told: list[Part] = [crossed, _whose(answered)]
    if target in answered.rows:
        truth = answered.rows[target].to_numpy()
        better, worse = int(((was != truth) & (now == truth)).sum()), int(((was == truth) & (now != truth)).sum())
        told.append(f"Of the rows that changed side {better:,} became right and {worse:,} became wrong.")
    sections = [Section("Rows that changed side", *told)]
    places = [before.signature.classes.index(label) for label in classes]
    was_sure, sure = np.asarray(answered.before.probabilities)[:, places], np.asarray(answered.after.probabilities)
    shift = np.abs(sure - was_sure).max(axis=1)
    if len(classes) == 2:
        sections.append(
            Section(
                "Probabilities",
                _cloud(was_sure[:, 1], sure[:, 1], f"probability of {classes[1]}", before, after),
            )
        )
    sections.append(
        Section("Rows whose probabilities moved most", _rows(answered, after, shift, was, now, "largest change of a probability"))
    )
    return sections


def _values(answered: Answered, before: Side, after: Side) -> list[Section]:
    was, now, target = np.asarray(answered.before.values), np.asarray(answered.after.values), after.signature.target
    moved = now - was
    quantiles = np.quantile(moved, [0.05, 0.25, 0.5, 0.75, 0.95])
    spread = Table(
        ("quantile of the rows", f"change of the prediction, in units of {target}"),
        zip(("5 %", "25 %", "50 %", "75 %", "95 %"), map(float, quantiles)),
    )
    told: list[Part] = [spread, _whose(answered)]
    if answered.before.lower is not None and answered.before.upper is not None:
        outside = (now < answered.before.lower) | (now > answered.before.upper)
        told.append(f"{int(outside.sum()):,} predictions ({outside.mean():.1%}) left the interval of {before.title}.")
    return [
        Section("Rows that are predicted otherwise", *told),
        Section("Predictions", _cloud(was, now, f"predicted {target}", before, after)),
        Section("Rows whose predictions moved most", _rows(answered, after, moved, was, now, f"change, in units of {target}")),
    ]


def _whose(answered: Answered) -> str:
    return (
        f"{count_of(len(answered.rows), 'row')} that {answered.of} keeps of its table, answered by what is served of both. They were "
        "learnt from, so they show what changed and not which version is better."
    )


def _cloud(was: np.ndarray, now: np.ndarray, what: str, before: Side, after: Side) -> Part:
    line = line_of("row", was, now)
    return Curve(
        title=f"{what}, row by row", x=f"{what} by {before.title}", y=f"by {after.title}", lines=(line,), points=True, diagonal=True
    ).draw()


def _rows(answered: Answered, after: Side, shift: np.ndarray, was: np.ndarray, now: np.ndarray, change: str) -> Table:
    """The rows with the largest `shift`, with the columns that matter most."""
    order = np.argsort(-np.abs(shift), kind="stable")[:_MOVED]
    weights = after.reference.facts.importance
    columns = sorted((name for name in weights if name in answered.rows), key=lambda name: -weights[name])[:_COLUMNS]
    target = after.signature.target if after.signature.target in answered.rows else None
    rows: list[tuple[Cell, ...]] = []
    for place in order:
        row = answered.rows.iloc[place]
        rows.append(
            (
                *map(_said, (was[place], now[place])),
                float(shift[place]),
                _said(row[target]) if target else "-",
                *(_said(row[name]) for name in columns),
            )
        )
    return Table(("before", "after", change, "true", *map(Name, columns)), rows)


def _said(value: object) -> str:
    if isinstance(value, (float, int, np.number)):
        return "missing" if np.isnan(value) else shown(float(value))
    return "missing" if value is None or value is pd.NaT else str(value)[:40]


def _weights(before: Side, after: Side) -> Table:
    ours, theirs = after.reference.facts.importance, before.reference.facts.importance
    names = sorted({*ours, *theirs}, key=lambda name: (-max(ours.get(name, 0.0), theirs.get(name, 0.0)), name))
    rows = [(Name(name), theirs.get(name), ours.get(name)) for name in names[:_WEIGHTS]]
    return Table(("column", before.title, after.title), rows, {before.title: ".1%", after.title: ".1%"})


def _origins(before: Side, after: Side) -> Table:
    def of(side: Side) -> dict[str, str]:
        facts = side.reference.facts
        return {"rows it learnt from": f"{facts.train_rows + facts.holdout_rows:,}", "digest": facts.digest, **side.facts}

    ours, theirs = of(after), of(before)
    rows = [(what, theirs.get(what, "-"), ours.get(what, "-")) for what in dict.fromkeys((*theirs, *ours))]
    return Table(("", before.title, after.title), rows)
