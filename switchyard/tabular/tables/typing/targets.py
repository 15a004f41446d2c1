"""`read_target`: the column to predict, the task it stands for, and the rows that lack it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from switchyard.bundle import ColumnReading
from switchyard.bundle.plain import unpointed
from switchyard.tabular.config.problem import Kind
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.readings import Reading
from switchyard.tabular.tables.typing.surroundings import NOTHING, Surroundings
from switchyard.tabular.tables.typing.words import MOSTLY

FEW_CLASSES = 20
"""Whole numbers with at most this many different values are classes, with more an amount."""
ROWS_PER_CLASS = 5
"""With fewer rows for each different whole number they are an amount too."""
_MOST_CODES, _FILLED = 10, 0.5
"""More whole numbers than this that fill this share of their range are amounts, unless they are counted from 0 or 1."""
MAX_CLASSES = 500
FEWEST_ROWS = 20
"""Below this no split, folds or scores mean anything."""
_DIGITS = re.compile(r"([0-9]+)")
_AFFIRMATIVE = frozenset(
    ("yes", "y", "true", "t", "positive", "pos", "ja", "j", "oui", "si", "s\u00ed", "s\u00ec", "sim", "tak", "wahr", "vrai", "positiv")
)


@dataclass(frozen=True)
class Target:
    """The target of the rows that have one."""

    values: np.ndarray
    """Labels, object of str, or float64; shape (n_labelled,)."""
    how: ColumnReading
    """What makes labels of the column's values."""
    labelled: np.ndarray
    """bool, shape (n_rows,): the rows to keep."""
    task: str
    reason: str
    notes: tuple[str, ...]


def read_target(
    values: pd.Series, name: str, task: str, kind: Kind | None = None, fewest: int = FEWEST_ROWS, around: Surroundings = NOTHING
) -> Target:
    """Read the target and find out the task.

    Two different values make a binary task. Text makes a multiclass one, as do up to `FEW_CLASSES` different
    whole numbers with `ROWS_PER_CLASS` rows each that are no stretch of scores; other numbers make a regression.
    Rows without a label are left out.

    Parameters
    ----------
    values : Series of shape (n_rows,)
    name : str
    task : str
        "auto", or what the config says.
    kind : str or None
        From `data.columns`: numeric or categorical settles an "auto" task where numbers could be classes.
    fewest : int
        Rows with a label that there must be.
    around : Surroundings
        What the other columns and the config say of how it is written.

    Raises
    ------
    InputError
        When it has no label, one class, too many classes, too few rows, or does not fit the task.
    """
    wanted: Kind | None = "numeric" if task == "regression" else "categorical" if kind == "categorical" else None
    reading = read_column(values, name, wanted, around=around)
    if reading.kind == "datetime":
        raise InputError(f"target {name!r} holds dates; predict a number or a class, for example the days until that date")
    if not reading.usable:
        raise InputError(f"target {name!r} holds {reading.reason.split(':')[0]} values; predict a number or a class")
    notes = list(reading.notes)
    labelled = ~pd.isna(reading.values)
    _refuse_few(int(labelled.sum()), len(labelled), name, fewest)
    task, reason = (task, "set in the config") if task != "auto" else _task(reading, labelled, name, kind)
    if task == "regression":
        numbers = _amounts(reading, values, labelled, name)
        how = replace(reading.how, kind="numeric")
        return Target(numbers, how, labelled, task, reason, (*notes, *_without_label(labelled, name)))
    named = as_labels(reading)
    labels, trimmed = named.values[labelled], _label_notes(reading, named, labelled, name)
    classes = in_natural_order(set(labels))
    _check_classes(classes, labels, task, name)
    return Target(labels, named.how, labelled, task, reason, (*notes, *trimmed, *_without_label(labelled, name)))


def target_to_find(rows: int, task: str, fewest: int = FEWEST_ROWS) -> Target:
    """The target of a table that has none: one class until groups have been found.

    Raises
    ------
    InputError
        Where there are too few rows.
    """
    if rows < fewest:
        raise InputError(f"the table has {count_of(rows, 'row')}; at least {fewest} are needed")
    values = np.full(rows, "1", dtype=object)
    return Target(values, ColumnReading("categorical", strip=True), np.ones(rows, dtype=bool), task, "found in the other columns", ())


def _refuse_few(labelled: int, rows: int, name: str, fewest: int) -> None:
    if labelled == 0:
        raise InputError(f"target {name!r} is empty in all {rows} rows; give rows with a label")
    if labelled < fewest:
        unlabelled = f" ({rows - labelled} more have no label)" if rows > labelled else ""
        raise InputError(
            f"the table has {count_of(labelled, 'row')} with a value of target {name!r}{unlabelled}; at least {fewest} are needed"
        )


def _task(reading: Reading, labelled: np.ndarray, name: str, kind: Kind | None) -> tuple[str, str]:
    given = reading.values[labelled]
    # Blanks around a name make no class of its own.
    distinct = pd.unique(as_labels(reading).values[labelled] if given.dtype == object else given)
    if len(distinct) == 2 and kind != "numeric":
        return "binary", "two different values"
    if reading.kind in ("categorical", "text"):
        return "multiclass", f"{len(distinct)} classes"
    few = 1 < len(distinct) <= min(FEW_CLASSES, labelled.sum() / ROWS_PER_CLASS)
    if few and reading.integer and kind != "numeric" and not _a_range(reading.values[labelled]):
        return "multiclass", f"{len(distinct)} different whole numbers; task: regression to predict an amount"
    return "regression", f"{len(distinct)} different numbers"


def _a_range(numbers: np.ndarray) -> bool:
    """Whether whole numbers fill a stretch that starts neither at 0 nor at 1, as scores from 80 to 100 do: amounts, not classes."""
    distinct = np.unique(numbers)
    filled = len(distinct) / (distinct[-1] - distinct[0] + 1)
    return len(distinct) > _MOST_CODES and filled >= _FILLED and distinct[0] not in (0, 1)


def _amounts(reading: Reading, values: pd.Series, labelled: np.ndarray, name: str) -> np.ndarray:
    numbers = reading.values[labelled].astype("float64")
    given = int((~pd.isna(values)).sum())
    if given - len(numbers) > (1 - MOSTLY) * given:
        bad = f"{given - len(numbers)} of {given} values are no finite numbers"
        raise InputError(f"target {name!r}: {bad}, too many for a regression; mend them or predict classes")
    if np.ptp(numbers) == 0:
        raise InputError(f"target {name!r} is {numbers[0]:g} in every row; there is nothing to predict")
    return numbers


def read_labels(values: pd.Series, name: str) -> np.ndarray:
    """Labels of a classification as str, the same from any source and in any later table: "1" for 1.0 and "1.0",
    "True" for true, no blanks around; object of shape (n_rows,), None where missing."""
    return as_labels(read_column(values, name)).values


def as_labels(reading: Reading) -> Reading:
    """The column as names of classes, without blanks around them."""
    # "10%" stays the class "10%".
    numbers = reading.kind in ("numeric", "boolean") and not reading.words and not reading.how.style.units
    return reading.read_as("categorical", reading.reason, codes=numbers, strip=True)


def _label_notes(reading: Reading, named: Reading, labelled: np.ndarray, name: str) -> tuple[str, ...]:
    notes = []
    if reading.values.dtype == object:
        given = pd.unique(reading.values[labelled])
        changed = [repr(label) for label in given if label.strip() != label]
        notes = [f"target {name!r}: blanks around {', '.join(changed[:5])} removed"] if changed else []
    folded: dict[str, str] = {}
    for label in pd.unique(named.values[labelled]):
        if (other := folded.setdefault(label.casefold(), label)) != label:
            notes.append(f"target {name!r}: {other!r} and {label!r} are different classes; mend the data if they are one")
    return tuple(notes)


def in_natural_order(classes: Iterable[str]) -> list[str]:
    """Classes in the order of people: 1, 2, 10, 100 and A 2, A 10; others by the alphabet."""
    given = sorted(classes)
    try:
        return sorted(given, key=float)
    except ValueError:
        parts = {
            label: [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in _DIGITS.split(label)] for label in given
        }
        return sorted(given, key=lambda label: parts[label])


def _check_classes(classes: list[str], labels: np.ndarray, task: str, name: str) -> None:
    if len(classes) == 1:
        raise InputError(f"target {name!r} has one class, {classes[0]!r}, in all {len(labels)} labelled rows; a classification needs two")
    if task == "binary" and len(classes) > 2:
        listed = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
        raise InputError(f"task is binary, but target {name!r} has {len(classes)} classes ({listed}); use multiclass")
    if task == "multiclass" and len(classes) == 2:
        raise InputError(f"task is multiclass, but target {name!r} has two classes ({classes[0]}, {classes[1]}); use binary")
    if len(classes) > MAX_CLASSES or len(classes) > len(labels) / 2:
        values = f"{len(classes)} different values such as {classes[0][:40]!r} in {len(labels)} rows"
        raise InputError(f"target {name!r} has {values}: too many for classes, and no amounts; is it an id or a text?")


def _without_label(labelled: np.ndarray, name: str) -> tuple[str, ...]:
    missing = int((~labelled).sum())
    return (f"{missing} of {len(labelled)} rows have no value of target {name!r} and are set aside",) if missing else ()


def positive_class(labels: np.ndarray, wanted: str | None, name: str) -> tuple[str, str]:
    """The class whose probability a binary model gives, and why.

    What the config says; else, of two numbers, the larger; else the one that says yes (yes, true, positive and
    the like); else the one that begins with ">"; else the rarer; else the last in alphabetical order.

    Raises
    ------
    InputError
        When the wanted one is no class.
    """
    classes, counts = np.unique(labels.astype(str), return_counts=True)
    classes = classes.tolist()
    if wanted is not None:
        for candidate in (wanted, unpointed(wanted.strip()), wanted.strip().capitalize()):
            if candidate in classes:
                return candidate, "set in the config"
        raise InputError(f"positive_class: {wanted!r} is no class of target {name!r}{did_you_mean(wanted, classes)}")
    numbers = pd.to_numeric(pd.Series(classes), errors="coerce")
    if numbers.notna().all():
        return classes[int(numbers.argmax())], "it is the larger number"
    yes = [label for label in classes if label.casefold() in _AFFIRMATIVE]
    if len(yes) == 1:
        return yes[0], "it says yes"
    above = [label for label in classes if label.startswith(">")]
    if len(above) == 1:
        return above[0], "it is the upper one"
    if counts[0] != counts[1]:
        return classes[int(np.argmin(counts))], "it is the rarer class"
    return classes[1], "both are equally frequent, it is the last by name"
