"""Cross-validation folds that respect classes, groups and time: `make_folds`.

Which kind is taken follows from the split: a time split gives an expanding window (the past trains, the next
stretch validates), a group or entity column keeps its rows together, anything else is a shuffled k-fold,
stratified for classifications.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, overload

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.split import Split

logger = logging.getLogger(__name__)

Fold = tuple[np.ndarray, np.ndarray]

_FIRST_WINDOW = 1 / 3
"""Share of the rows that only ever trains in expanding windows, so that the first model sees enough of the past."""


@dataclass(frozen=True)
class Folds(Sequence[Fold]):
    """The folds in order; each is (training positions, validation positions) into `Split.train`."""

    pairs: tuple[Fold, ...]
    kind: Literal["stratified", "k-fold", "stratified group", "group", "time"]
    note: str = ""
    """Why there are fewer folds than asked for; empty when there are as many."""

    @overload
    def __getitem__(self, index: int) -> Fold: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Fold]: ...
    def __getitem__(self, index: int | slice) -> Fold | Sequence[Fold]:
        return self.pairs[index]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.pairs)


def make_folds(split: Split, problem: Problem, folds: int | None = None) -> Folds:
    """Cut the training rows into folds, the same for the same rows and seed.

    Parameters
    ----------
    split : Split
        Only `split.train` is used.
    problem : Problem
        With task and target resolved; `tuning.seed` shuffles.
    folds : int, optional
        How many; `tuning.folds` when absent. Fewer are made, with a note, where the rows do not allow as many.

    Returns
    -------
    Folds
        At least two. No two validation parts share a row; in time folds every validation row is later than
        every training row (rows of one moment stay together) and the earliest rows are in no validation part, as is
        the only row of a class in stratified folds.

    Raises
    ------
    InputError
        When not even two folds can be made: a class with a single row, a single group, too few rows or moments.
    """
    wanted = folds or problem.tuning.folds
    labels = split.train[problem.data.target].to_numpy() if problem.task != "regression" else None
    if len(split.train) < 4:
        raise InputError(f"{len(split.train)} training rows are too few to cross-validate; at least 4 are needed")
    if split.kind == "time":
        made = _time_folds(split, problem, wanted, labels)
    elif (owner := _owner(split, problem)) is not None:
        made = _group_folds(split, problem, owner, wanted, labels)
    else:
        made = _shuffled_folds(problem, len(split.train), wanted, labels)
    if made.note:
        _say(made.note)
    return made


@cache
def _say(note: str) -> None:
    # Every family and the ensemble make the folds anew; a process says it once.
    logger.warning("cross-validation: %s", note)


def _owner(split: Split, problem: Problem) -> str | None:
    group = split.schema.group
    owner = group.name if group else problem.data.entity_column
    return owner if owner in split.train.columns else None


def _shuffled_folds(problem: Problem, rows: int, wanted: int, labels: np.ndarray | None) -> Folds:
    from sklearn.model_selection import KFold, StratifiedKFold

    if labels is None:
        count = min(wanted, rows // 2)
        note = f"{count} instead of {wanted} folds, because there are only {rows} rows" if count < wanted else ""
        splitter = KFold(count, shuffle=True, random_state=problem.tuning.seed)
        return Folds(tuple(splitter.split(np.zeros(rows))), "k-fold", note)
    classes, counts = np.unique(labels, return_counts=True)
    # Two classes have to meet in each validation part. A third that is rare costs the other rows no folds: it is missing in some.
    rarest = np.argsort(counts)[-2] if len(classes) > 2 else counts.argmin()
    name, fewest = str(classes[rarest]), int(counts[rarest])
    if fewest < 2:
        raise InputError(
            f"class {name!r} of target {problem.data.target!r} has a single training row, so it cannot be in both sides of a fold; "
            "drop its rows, merge it with another class or give more data"
        )
    count = min(wanted, fewest)
    note = f"{count} instead of {wanted} folds, because class {name!r} has only {fewest} training rows" if count < wanted else ""
    splitter = StratifiedKFold(count, shuffle=True, random_state=problem.tuning.seed)
    alone = np.isin(labels, classes[counts == 1])  # The only row of its class always trains, or that fold's model would not know it.
    always, others = np.flatnonzero(alone), np.flatnonzero(~alone)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        pairs = tuple(splitter.split(others, labels[others]))
    return Folds(tuple((np.sort(np.concatenate([others[train], always])), others[valid]) for train, valid in pairs), "stratified", note)


def _group_folds(split: Split, problem: Problem, owner: str, wanted: int, labels: np.ndarray | None) -> Folds:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    groups, known = pd.factorize(split.train[owner])
    alone = groups < 0  # A row without an owner is its own group.
    groups[alone] = len(known) + np.arange(int(alone.sum()))
    distinct = len(np.unique(groups))
    if distinct < 2:
        raise InputError(f"all training rows share one value of {owner!r}, so no fold can keep its rows together; name another column")
    for count in range(min(wanted, distinct), 1, -1):
        if labels is None:
            splitter = GroupKFold(count, shuffle=True, random_state=problem.tuning.seed)
        else:
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=problem.tuning.seed)
        try:
            pairs = tuple(splitter.split(np.zeros(len(groups)), labels, groups))
        except ValueError:  # scikit-learn's word for: a class has fewer rows than there are folds.
            continue
        if labels is None or all(_teaches(pair, labels) for pair in pairs):
            note = f"{count} instead of {wanted} folds, because {owner!r} has {distinct} values to keep together" if count < wanted else ""
            return Folds(pairs, "group" if labels is None else "stratified group", note)
    raise InputError(
        f"rows that share a value of {owner!r} must stay together, and then some fold misses a class of {problem.data.target!r}; "
        "give more groups of every class or name another column"
    )


def _time_folds(split: Split, problem: Problem, wanted: int, labels: np.ndarray | None) -> Folds:
    rows = len(split.train)
    moments = split.train[split.schema.time.name].to_numpy() if split.schema.time else np.arange(rows)
    order = np.argsort(moments, kind="stable")
    ordered = moments[order]
    cuts = [round(rows * (_FIRST_WINDOW + (1 - _FIRST_WINDOW) * part / wanted)) for part in range(wanted)]
    # A cut moves forward to the first row of its moment, so that one moment is never on both sides.
    starts = sorted({int(np.searchsorted(ordered, ordered[cut], side="left")) for cut in cuts if cut < rows} - {0})
    ends = [*starts[1:], rows]
    pairs = tuple((order[:start], order[start:end]) for start, end in zip(starts, ends) if end - start >= 2)
    if labels is not None:
        pairs = tuple(pair for pair in pairs if _teaches(pair, labels))
    if len(pairs) < 2:
        raise InputError(
            f"the {rows} training rows in time order allow only {len(pairs)} of {wanted} folds (too few distinct moments, or classes of "
            f"{problem.data.target!r} that never meet on both sides); give a longer history or set split.kind to random"
        )
    note = f"{len(pairs)} instead of {wanted} expanding windows have enough rows of every class" if len(pairs) < wanted else ""
    return Folds(pairs, "time", note)


def _teaches(pair: Fold, labels: np.ndarray) -> bool:
    """Whether the training part has every class and the validation part more than one."""
    train, valid = pair
    return len(np.unique(labels[train])) == len(np.unique(labels)) and len(np.unique(labels[valid])) > 1
