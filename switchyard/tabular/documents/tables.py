"""The tables of the documents, each from one artifact."""

from __future__ import annotations

from datetime import UTC, datetime

from switchyard.tabular.documents.inputs import RunRecord
from switchyard.tabular.documents.markdown import Marked, code, number, percent, table
from switchyard.tabular.evaluation import Evaluation
from switchyard.tabular.evaluation.comparison import Gate
from switchyard.tabular.evaluation.report import NAMES
from switchyard.tabular.evaluation.resampling import shown
from switchyard.tabular.evaluation.slices import SliceColumn
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.profile import ColumnProfile
from switchyard.tabular.tables.schema import Column

_MOST_ROWS = 15
"""Lines of a ranking; the full ones are in the reports."""
_MOST_CLASSES = 12
_SHOWN_ARGUMENTS = 12


def gates(run: RunRecord) -> Marked:
    """Each limit of the config beside what was measured."""
    rows = [(code(gate.name), gate.limit, gate.measured, _result(gate)) for gate in run.verdict.gates]
    return table(("limit", "needs", "measured", "result"), rows)


def _result(gate: Gate) -> Marked:
    if gate.limit == "none":
        return Marked("no limit")
    return Marked("passed" if gate.passed else "**closed**")


def scores(evaluation: Evaluation) -> Marked:
    """The model's scores with intervals, beside the baselines."""
    headers = ("score", "model", f"{evaluation.confidence:.0%} interval", *(NAMES.get(name, name) for name in evaluation.baselines))
    rows = []
    for name, estimate in evaluation.scores.items():
        label = Marked(f"**{NAMES[name]}**") if name == evaluation.metric else NAMES[name]
        interval = "" if estimate.low is None else f"{shown(estimate.low)} to {shown(estimate.high)}"
        others = [baseline[name].value if name in baseline else None for baseline in evaluation.baselines.values()]
        rows.append((label, number(estimate.value), interval, *map(number, others)))
    return table(headers, rows)


def classes(evaluation: Evaluation) -> Marked:
    """Precision, recall and F1 of each class."""
    rows = [(code(part.label), part.rows, str(part.precision), str(part.recall), str(part.f1)) for part in evaluation.per_class]
    return table(("class", "rows", "precision", "recall", "F1"), rows)


def confusion(evaluation: Evaluation) -> Marked:
    """Rows of each true class by answered class; of many classes, the most frequent mistakes."""
    if len(evaluation.classes) > _MOST_CLASSES:
        counted = [
            (code(true), code(answered), count)
            for true, counts in zip(evaluation.classes, evaluation.confusion)
            for answered, count in zip(evaluation.classes, counts)
            if true != answered and count
        ]
        return table(("true class", "answered", "rows"), sorted(counted, key=lambda row: -row[2])[:_MOST_ROWS])
    rows = [(code(label), *counts) for label, counts in zip(evaluation.classes, evaluation.confusion)]
    return table(("true class", *(Marked(f"answered {code(label)}") for label in evaluation.classes)), rows)


def slices(column: SliceColumn, evaluation: Evaluation) -> Marked:
    """The scores and rates of each slice."""
    rates = list(column.slices[0].rates) if column.slices else []
    rows = [
        (code(part.value), part.rows, str(part.score), *(number(part.rates[name]) for name in rates), "few rows" if part.small else "")
        for part in column.slices
    ]
    return table((code(column.column), "rows", NAMES[evaluation.metric], *(NAMES.get(name, name) for name in rates), "note"), rows)


def gaps(column: SliceColumn) -> Marked:
    """The largest differences between the slices of a column."""
    return table(("gap between slices", "value"), [(NAMES[name], number(gap)) for name, gap in column.gaps.items()])


def importance(explanation: Explanation) -> Marked:
    """The most important columns."""
    rows = [
        (
            part.rank,
            code(part.column),
            number(part.mean_abs),
            f"{shown(part.low, 3)} to {shown(part.high, 3)}",
            f"{part.rank_low} to {part.rank_high}",
            part.direction,
        )
        for part in explanation.summary.importance[:_MOST_ROWS]
    ]
    return table(
        ("rank", "column", "mean absolute SHAP", f"{explanation.summary.confidence:.0%} interval", "rank in it", "the answer"), rows
    )


def leaderboard(run: RunRecord) -> Marked:
    """The contenders, best first, as the leaderboard shows them."""
    entries = run.leaderboard.entries[:_MOST_ROWS]
    rows = [
        ("chosen" if row.chosen else "", code(row.name), row.kind, number(row.score, 5), number(row.std, 2), row.note) for row in entries
    ]
    return table(("", "model", "kind", f"{NAMES[run.leaderboard.metric]}", "std over folds", "note"), rows)


def columns(run: RunRecord) -> Marked:
    """What is in each column of the table."""
    rows = []
    for column in run.schema.columns:
        profile = run.profile[column.name]
        missing = profile.missing / run.profile.rows if run.profile.rows else 0.0
        rows.append((code(column.name), column.kind, column.role, percent(missing), profile.unique, _content(profile)))
    return table(("column", "kind", "role", "missing", "distinct", "content"), rows)


def _content(profile: ColumnProfile) -> str:
    if profile.numbers is not None and profile.numbers.median is not None:
        low, middle, high = (
            _value(value, profile.kind) for value in (profile.numbers.minimum, profile.numbers.median, profile.numbers.maximum)
        )
        return f"{low} to {high}, median {middle}"
    labels = profile.distribution.labels[:4]
    counts = profile.distribution.counts[:4]
    total = sum(profile.distribution.counts) + profile.distribution.others
    return ", ".join(f"{label} {count / total:.0%}" for label, count in zip(labels, counts)) if total else ""


def _value(value: float | None, kind: str) -> str:
    if value is None:
        return "-"
    if kind == "datetime":
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    return f"{value:,.6g}"


def associations(run: RunRecord) -> Marked:
    """The columns that go most closely with the target."""
    rows = [(code(part.column), code(part.measure), number(part.value, 3)) for part in run.profile.associations[:_MOST_ROWS]]
    return table(("column", "measure", "value"), rows)


def pairs(run: RunRecord) -> Marked:
    """Columns that say much the same."""
    rows = [(code(part.first), code(part.second), code(part.measure), number(part.value, 3)) for part in run.profile.pairs[:_MOST_ROWS]]
    return table(("column", "and", "measure", "value"), rows)


def moving(run: RunRecord) -> Marked:
    """The columns that change most over time."""
    rows = (
        [(code(part.column), code(part.measure), number(part.value, 3)) for part in run.profile.timeline.moving[:_MOST_ROWS]]
        if run.profile.timeline
        else []
    )
    return table(("column", "measure", "value"), rows)


def findings(run: RunRecord) -> Marked:
    """What the quality checks found."""
    rows = [
        (finding.action, code(finding.check), code(finding.column) if finding.column else "", finding.message)
        for finding in run.quality.findings
    ]
    return table(("action", "check", "column", "finding"), rows)


def failures(run: RunRecord) -> Marked:
    """Expectations that did not hold."""
    rows = [(code(part.column) if part.column else "", part.severity, part.expected, part.observed) for part in run.validation.failed]
    return table(("column", "severity", "expected", "observed"), rows)


def plan(run: RunRecord) -> Marked:
    """What becomes of each column, and why."""
    rows = [(code(column.name), "used" if column.use else "not used", column.reason) for column in run.plan.columns]
    rows += [(code(derived.name), "derived" if derived.use else "not used", derived.reason) for derived in run.plan.derived]
    return table(("column", "use", "why"), rows)


def inputs(run: RunRecord) -> Marked:
    """The columns a request must have: what the model was trained on."""
    rows = []
    for column in run.plan.used:
        known = f"{_value(column.minimum, column.kind)} to {_value(column.maximum, column.kind)}" if column.minimum is not None else ""
        if column.categories:
            more = len(column.categories) - 6
            known = ", ".join(column.categories[:6]) + (f" and {more} more" if more > 0 else "")
        rows.append((code(column.name), column.kind, "seen missing" if column.missing else "always there", known))
    return table(("column", "kind", "in training", "values seen in training"), rows)


def request(run: RunRecord) -> Marked:
    """A made-up row of medians and most frequent categories, as the keyword part of a Python call; nobody's data."""
    named = run.plan.used[:_SHOWN_ARGUMENTS]
    lines = [f"    {column.name!r}: [{_typical(column, run)}]," for column in named]
    more = len(run.plan.used) - len(named)
    if more > 0:
        lines.append(f"    # and {more} more columns, listed in ml_requirements.md")
    return Marked("{\n" + "\n".join(lines) + "\n}")


def _typical(column: Column, run: RunRecord) -> str:
    if column.kind in ("categorical", "text"):
        return repr(column.categories[0]) if column.categories else "None"
    numbers = run.profile[column.name].numbers
    if numbers is None or numbers.median is None:
        return "None" if column.kind != "boolean" else "True"
    if column.kind == "datetime":
        return repr(_value(numbers.median, column.kind))
    return repr(int(numbers.median)) if column.integer or numbers.median.is_integer() else repr(numbers.median)
