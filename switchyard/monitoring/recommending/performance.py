"""`measure_hits`: how often what was taken had been shown, beside the holdout's users and what they took next."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.monitoring.performance import Performance, relative_drop
from switchyard.monitoring.recommending.figures import figures_of
from switchyard.monitoring.recommending.hits import METRIC, estimates
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.evaluation.slices import SMALL, Slice, SliceColumn
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.report.words import count_of

KNOWN, NEW, BARE = "known", "new", "without history"
"""Who was answered: users whom the version has learnt from; others, by the history that they sent; and those of whom it knew nothing."""


def measure_hits(window: Window, reference: Reference, settings: Monitoring) -> Performance:
    """Hit rate, nDCG and reciprocal rank of the labels among what was shown.

    A label that is an item which the version has not learnt from could not have been shown: it is in no score, as on the holdout,
    and in the share of new items. Who came without anything to go by got what is popular and is not scored, since the holdout has
    no such users. The holdout is scored as if its users had asked for as many items as those of the window did, with as many
    known and new ones among them. Nothing is estimated where labels are too few: a high score says little of what will be taken.
    """
    facts, config = reference.facts, reference.facts.problem.evaluation
    who = _who(window.answers, reference)
    labelled = _understood(window, reference)
    at = labelled[who[labelled] != BARE]
    reason = "" if len(at) >= settings.min_labels else f"{_few(len(at), window)} monitoring.min_labels = {settings.min_labels:,}"
    measured = None if reason else _evaluate(window, at, labelled, who, reference)
    holdout = facts.score if reason else _holdout(window.answers.iloc[at], who[at], reference)
    return Performance(
        window=in_words(window.facts),
        metric=METRIC,
        greater_is_better=True,
        basis="none" if measured is None else "measured",
        reason=reason or count_of(len(at), "labelled answer"),
        rows=window.facts.rows,
        labelled=window.facts.labelled,
        used=len(at),
        confidence=config.confidence,
        holdout=holdout,
        measured=measured,
        estimated={},
        method="none: only labels tell",
        drop=relative_drop(None if measured is None else measured.score, holdout, 1),
        shown=figures_of(window, reference),
    )


def _who(answers: pd.DataFrame, reference: Reference) -> np.ndarray:
    """`KNOWN`, `NEW` or `BARE` for each answer."""
    catalogue = reference.catalogue
    assert catalogue is not None
    users = pd.unique(answers["user"].dropna().astype(str)).tolist()
    strange = dict(zip(users, catalogue.strangers(users).tolist() if users else []))
    found = []
    for user, history in zip(answers["user"], answers["history"]):
        known = user is not None and user == user and not strange[str(user)]
        found.append(KNOWN if known else NEW if any(item in catalogue.ids for item in history) else BARE)
    return np.array(found, dtype=object)


def _understood(window: Window, reference: Reference) -> np.ndarray:
    """Positions of the answers whose label is an item that the version knows."""
    assert reference.catalogue is not None
    known, actual = reference.catalogue.ids, window.answers["actual"]
    return np.array([place for place in window.labelled if actual.iloc[place] in known], dtype="int64")


def _few(count: int, window: Window) -> str:
    of = f"{count:,} labels of items and users that the version knows are" if len(window.labelled) > count else f"{count:,} labels are"
    return f"{of} fewer than"


def _holdout(answers: pd.DataFrame, who: np.ndarray, reference: Reference) -> Estimate:
    """The hit rate of the holdout's users, if they were such as those of `answers`."""
    past, config = reference.answers, reference.facts.problem.evaluation
    asked = answers["k"].clip(upper=K).astype(int).value_counts(normalize=True).to_dict()
    counts = np.ones(len(past))
    for kind in (KNOWN, NEW):
        own = (past["who"] == kind).to_numpy()
        counts[own] = (who == kind).mean() / max(own.mean(), 1 / len(past))
    counts = counts if counts.any() else np.ones(len(past))
    seed = reference.facts.problem.tuning.seed
    return estimates(past, np.arange(len(past)), asked, config.bootstrap, seed, config.confidence, counts)[METRIC]


def _evaluate(window: Window, at: np.ndarray, labelled: np.ndarray, who: np.ndarray, reference: Reference) -> Evaluation:
    """Scores of the answers at `at`, and of all that are labelled by who was answered."""
    facts, config = reference.facts, reference.facts.problem.evaluation

    def scored(rows: np.ndarray) -> dict[str, Estimate]:
        return estimates(window.answers, rows, {K: 1.0}, config.bootstrap, facts.problem.tuning.seed, config.confidence)

    parts = []
    for kind in (KNOWN, NEW, BARE):
        rows = labelled[who[labelled] == kind]
        if len(rows):
            parts.append(Slice(value=kind, rows=len(rows), small=len(rows) < SMALL, score=scored(rows)[METRIC], rates={}))
    return Evaluation(
        task=facts.problem.task,
        metric=METRIC,
        greater_is_better=True,
        classes=(),
        threshold=None,
        rows=len(at),
        split_kind="time",
        resamples=config.bootstrap,
        confidence=config.confidence,
        resampling="users drawn with all their answers",
        scores=scored(at),
        slices=(SliceColumn(column="user", slices=tuple(parts), gaps={}),),
    )
