"""`recommend`: from a frame of interactions to a model that answers, its evaluation and its graph, in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.requests import Recommendation, Request
from switchyard.tabular.errors import InputError
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.blending import blend
from switchyard.tabular.recommendation.bundle import recommender_bundle
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation, evaluate
from switchyard.tabular.recommendation.export import GraphParity, GraphRunner, check_graph, recommender_to_onnx
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.forms import Form
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions, read_interactions, read_titles
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.recommendation.model import Member, RecommendationModel, known_histories
from switchyard.tabular.recommendation.protocol import Questions, split_by_time
from switchyard.tabular.recommendation.roles import Roles, roles_of, roles_of_items
from switchyard.tabular.recommendation.search import Standing, Told, Trial, cuts_of, fit_forms, search
from switchyard.tabular.report.words import count_of

WHAT = "the frame"
SEARCHED = 0.7
"""Share of the budget that the search takes; the rest is for the blend, the fits to all, and the proof."""
MOST_ASKED = 10_000
"""Users of the holdout that are scored, drawn at random where there are more."""
MOST_PROVED = 300
"""Of them, those for whom the graph is held against the model."""
MOST_STORED = 5_000_000
"""Items of all known histories together: 20 MB of the bundle."""


@dataclass(frozen=True, eq=False)
class FittedRecommender:
    """A recommender and what led to it.

    Attributes
    ----------
    model : RecommendationModel
        Fitted to all interactions; it knows the histories of the users.
    bundle : ExportedBundle
        The model as serving gets it: `bundle.write(folder)`.
    evaluated : RecommendationModel
        The same recipe, fitted to what was before the split: what `evaluation` is of.
    evaluation : RecommendationEvaluation
    trials : tuple of Trial
        All of the search.
    parity : GraphParity
        How far the graph's answers are from the model's.
    notes : tuple of str
        What was decided or left aside, one sentence each.
    """

    model: RecommendationModel
    bundle: ExportedBundle
    evaluated: RecommendationModel
    evaluation: RecommendationEvaluation
    trials: tuple[Trial, ...]
    parity: GraphParity
    notes: tuple[str, ...]

    @cached_property
    def scorer(self) -> RecommendingScorer:
        """What answers requests, as a server has it."""
        return RecommendingScorer(self.bundle.files["model.onnx"])

    def recommend(self, user: Any = None, history: Sequence[Any] = (), k: int = K, exclude: Sequence[Any] = ()) -> Recommendation:
        """The best k items for a user, a history, or both: what is known of the user stands before `history`.

        Raises
        ------
        BadInput
            When k or an id can't be one.
        """
        request = Request.of({"user": user, "history": list(history), "exclude": list(exclude), "k": k})
        return self.scorer.recommend([request])[0]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What the search found: how a model is made of interactions."""

    standings: tuple[Standing, ...]
    weights: Mapping[str, float]
    seed: int

    def model(self, log: Interactions, forms: Mapping[str, Form] | None = None) -> RecommendationModel:
        """It, made of `log`; `forms` are those of families that are fitted to it already."""
        wanted = [one for one in self.standings if one.family in self.weights]
        forms = forms or fit_forms(wanted, log, self.seed)
        members = tuple(Member(one.family, one.best.params, forms[one.family], self.weights[one.family]) for one in wanted if one.best)
        return RecommendationModel(members, log.item_ids, log.titles)


def recommend(
    frame: pd.DataFrame,
    budget_s: float = 60.0,
    *,
    user: str | None = None,
    item: str | None = None,
    time_column: str | None = None,
    weight: str | None = None,
    items: pd.DataFrame | None = None,
    trials: int | None = None,
    families: Sequence[str] | None = None,
    holdout: float = 0.2,
    resamples: int = 1000,
    seed: int = 0,
    name: str = "recommender",
    told: Told | None = None,
) -> FittedRecommender:
    """Learn from `frame` what people take next.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        A row for each time that a user took an item.
    budget_s : float
        Wall seconds of the search and what follows it.
    user, item, time_column, weight : str, optional
        Columns of `frame`; found by their names where these are plain. Without a time the rows stand in the order of time. A
        weight is what a row says, zero or more: a rating, a number of pieces.
    items : DataFrame, optional
        A row for each item, with its id and a title.
    trials : int, optional
        Trials per family instead of a budget: the same model for the same seed.
    families : sequence of str, optional
        All of ours when absent.
    holdout : float
        Share of the interactions, 0..1, the last ones, that the evaluation is on.
    resamples : int
        Of the bootstrap.
    seed : int
    name : str
        What the bundle calls the model.
    told : callable, optional
        Told every trial.

    Raises
    ------
    InputError
        When the frame or a setting is wrong; one line that names the column or row and the way out.
    SwitchyardError
        When no family could be fitted.
    """
    chosen = _families(families)
    if not 0 < holdout < 1 or not budget_s > 0 or (trials is not None and trials < 1):
        raise InputError("recommend: holdout is a share between 0 and 1, budget_s above 0, trials 1 or more")
    started = time.monotonic()
    log, roles, notes = _read(frame, items, user=user, item=item, time=time_column, weight=weight)
    known, questions = split_by_time(log, holdout)
    cuts = cuts_of(known, holdout, seed)
    spent = time.monotonic() - started
    standings = search(cuts, chosen, max(0.0, SEARCHED * budget_s - spent), trials, seed, told)
    recipe = Recipe(tuple(standings), blend(standings, cuts), seed)
    forms = fit_forms(standings, known, seed)
    evaluated = recipe.model(known, forms)
    evaluation = _evaluated(evaluated, forms, known, questions, resamples, seed)
    model, more = with_histories(recipe.model(log), log)
    proof = model.histories.part(_drawn(len(model.histories), MOST_PROVED, seed))
    bundle = recommender_bundle(model, name, roles.item, None, proof)
    parity = check_graph(model, GraphRunner(bundle.files["model.onnx"], model.item_ids), proof)
    found = (*notes, *more, *(f"{one.family}: {one.trouble}" for one in standings if one.trouble))
    return FittedRecommender(model, bundle, evaluated, evaluation, _in_order(standings), parity, found)


def with_histories(model: RecommendationModel, log: Interactions) -> tuple[RecommendationModel, tuple[str, ...]]:
    """`model` with what each user of `log` took; of those who came last only, and a note, where that would be too much."""
    histories = known_histories(log)
    last = np.full(log.n_users, -np.inf)
    np.maximum.at(last, log.users, log.times)
    order = np.argsort(-last, kind="stable")
    kept = np.sort(order[np.cumsum(histories.lengths[order]) <= MOST_STORED])
    notes: tuple[str, ...] = ()
    if len(kept) < log.n_users:
        notes = (
            f"the histories of {count_of(len(kept), 'user')} of {log.n_users:,}, who came last, are in the model; "
            "others are answered by the history in the request",
        )
        histories = histories.part(kept)
    return replace(model, user_ids=log.user_ids[kept], histories=histories), notes


def _families(families: Sequence[str] | None) -> tuple[str, ...]:
    chosen = tuple(RECOMMENDERS) if families is None else tuple(families)
    if not chosen or len(set(chosen)) != len(chosen):
        raise InputError("recommend: name at least one family, each once")
    for name in chosen:
        if name not in RECOMMENDERS:
            raise InputError(f"recommend: {RECOMMENDERS.unknown(name)}")
    return chosen


def _read(frame: pd.DataFrame, items: pd.DataFrame | None, **said: str | None) -> tuple[Interactions, Roles, tuple[str, ...]]:
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        what = "an empty one" if isinstance(frame, pd.DataFrame) else type(frame).__name__
        raise InputError(f"recommend: a pandas DataFrame with rows is needed, not {what}")
    frame = frame.set_axis(list(map(str, frame.columns)), axis=1).reset_index(drop=True)
    roles, notes = roles_of(list(frame.columns), WHAT, **said)
    log, more = read_interactions(frame, roles, WHAT)
    if items is not None:
        items = items.set_axis(list(map(str, items.columns)), axis=1).reset_index(drop=True)
        log = replace(log, titles=read_titles(items, *roles_of_items(list(items.columns), roles.item, "the item table")))
    return log, roles, (*notes, *more)


def _evaluated(
    model: RecommendationModel, forms: Mapping[str, Form], known: Interactions, questions: Questions, resamples: int, seed: int
) -> RecommendationEvaluation:
    """By the graph of the evaluated twin: what is scored is what would answer."""
    questions = questions.at_most(MOST_ASKED, seed)
    runner = GraphRunner(recommender_to_onnx(model).SerializeToString(deterministic=True), model.item_ids)
    asked: Histories = questions.part(questions.answerable).history
    top, _ = runner.top(asked, K)
    check_graph(model, runner, asked.part(_drawn(len(asked), MOST_PROVED, seed)))
    return evaluate(top, forms, known, questions, resamples, seed)


def _drawn(size: int, most: int, seed: int) -> np.ndarray:
    return np.arange(size) if size <= most else np.sort(np.random.default_rng(seed).choice(size, most, replace=False))


def _in_order(standings: Sequence[Standing]) -> tuple[Trial, ...]:
    return tuple(sorted((trial for one in standings for trial in one.trials), key=lambda trial: -trial.ndcg))
