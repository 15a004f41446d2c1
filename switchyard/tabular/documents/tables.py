"""What only the documents show; the other tables are those of the artifacts' own reports."""

from __future__ import annotations

from datetime import UTC, datetime

from switchyard.tabular.documents.inputs import RunRecord
from switchyard.tabular.evaluation import Evaluation
from switchyard.tabular.profile import ColumnProfile
from switchyard.tabular.report.markdown import Marked
from switchyard.tabular.report.report import Name, Table
from switchyard.tabular.tables.schema import Column

MOST_ROWS = 15
"""Lines of a ranking; the full ones are in the reports."""
_MOST_CLASSES = 12
_SHOWN_ARGUMENTS = 12


def confusion(evaluation: Evaluation) -> Table:
    """Rows of each true class by answered class; of many classes, the most frequent mistakes."""
    if len(evaluation.classes) > _MOST_CLASSES:
        return evaluation.mistakes_table().first(MOST_ROWS)
    return evaluation.confusion_table()


def columns(run: RunRecord) -> Table:
    """What is in each column of the table."""
    rows = []
    for column in run.schema.columns:
        profile = run.profile[column.name]
        # Where the profile is of a sample, the schema knows more: it counted all rows.
        counted = column if run.schema.of is not None else None
        missing = counted.missing if counted else run.profile.missing_share(profile)
        rows.append((Name(column.name), column.kind, column.role, missing, profile.unique, _content(profile, counted)))
    return Table(("column", "kind", "role", "missing", "distinct", "content"), rows, {"missing": ".1%"})


def _content(profile: ColumnProfile, counted: Column | None) -> str:
    numbers = profile.numbers
    if numbers is not None and numbers.median is not None:
        ends = (counted.minimum, counted.maximum) if counted else (numbers.minimum, numbers.maximum)
        low, middle, high = (_value(value, profile.kind) for value in (ends[0], numbers.median, ends[1]))
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


def inputs(run: RunRecord) -> Table:
    """The columns of a request: what the model was trained on."""
    rows = []
    for column in run.plan.used:
        known = f"{_value(column.minimum, column.kind)} to {_value(column.maximum, column.kind)}" if column.minimum is not None else ""
        if column.categories:
            more = len(column.categories) - 6
            known = ", ".join(column.categories[:6]) + (f" and {more} more" if more > 0 else "")
        asked = "may be absent" if column.name in run.optional else "must come"
        rows.append((Name(column.name), column.kind, asked, "seen missing" if column.missing else "always there", known))
    return Table(("column", "kind", "in requests", "in training", "values seen in training"), rows)


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
