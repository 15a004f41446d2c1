"""`recommend`: from a frame of interactions to a model that answers, its evaluation and its bundle, in one call; and its stages."""

from __future__ import annotations

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
from switchyard.tabular.recommendation.bundle import recommender_bundle
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation, evaluate
from switchyard.tabular.recommendation.export import GraphParity, GraphRunner, check_graph
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions, read_interactions, read_titles
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.recommendation.model import RecommendationModel, known_histories
from switchyard.tabular.recommendation.protocol import split_by_time
from switchyard.tabular.recommendation.recipe import Recipe, tune
from switchyard.tabular.recommendation.roles import Roles, ids_in, roles_of, title_in
from switchyard.tabular.recommendation.search import Told
from switchyard.tabular.recommendation.words import Described, described_by
from switchyard.tabular.report.words import count_of

WHAT, ITEMS, USERS = "the frame", "the item table", "the user table"
"""What stands in messages where a file's name would."""
MOST_ASKED = 5_000
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
    recipe : Recipe
        What the search found.
    bundle : ExportedBundle
        The model as serving gets it, fitted to all interactions: `bundle.write(folder)`.
    evaluated : ExportedBundle
        Its evaluated twin: the same recipe, fitted to what was before the split; `evaluation` is of its answers.
    evaluation : RecommendationEvaluation
    parity : GraphParity
        How far the graph's answers are from the model's.
    notes : tuple of str
        What was decided or left aside, one sentence each.
    """

    recipe: Recipe
    bundle: ExportedBundle
    evaluated: ExportedBundle
    evaluation: RecommendationEvaluation
    parity: GraphParity
    notes: tuple[str, ...]

    @cached_property
    def scorer(self) -> RecommendingScorer:
        """What answers requests, as a server has it."""
        return RecommendingScorer(self.bundle.files["model.onnx"])

    def recommend(
        self,
        user: Any = None,
        history: Sequence[Any] = (),
        k: int = K,
        exclude: Sequence[Any] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> Recommendation:
        """The best k items for a user, a history, or both: what is known of the user stands before `history`.

        `attributes` describe the user, in place of what the user table said.

        Raises
        ------
        BadInput
            When k or an id can't be one, or items are no list.
        """
        given = {name: items if isinstance(items, str) else list(items) for name, items in (("history", history), ("exclude", exclude))}
        request = Request.of({"user": user, "k": k, "attributes": attributes, **given})
        return self.scorer.recommend([request])[0]


def recommend(
    frame: pd.DataFrame,
    budget_s: float = 60.0,
    *,
    user: str | None = None,
    item: str | None = None,
    time_column: str | None = None,
    weight: str | None = None,
    items: pd.DataFrame | None = None,
    users: pd.DataFrame | None = None,
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
        A row for each item, with its id and a title; the other columns describe it.
    users : DataFrame, optional
        A row for each user, with its id; the other columns describe it.
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
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        what = "an empty one" if isinstance(frame, pd.DataFrame) else type(frame).__name__
        raise InputError(f"recommend: a pandas DataFrame with rows is needed, not {what}")
    log, roles, notes = interactions_in(frame, items, users, user=user, item=item, time=time_column, weight=weight)
    recipe = tune(log, chosen, holdout, budget_s, trials, seed, told)
    evaluated, evaluation = evaluate_recipe(recipe, log, holdout, name, roles.item, resamples)
    bundle, parity, more = fit_to_all(recipe, log, name, roles.item)
    return FittedRecommender(recipe, bundle, evaluated, evaluation, parity, (*notes, *more, *recipe.notes))


def interactions_in(
    frame: pd.DataFrame,
    items: pd.DataFrame | None,
    users: pd.DataFrame | None = None,
    names: tuple[str, str, str] = (WHAT, ITEMS, USERS),
    **said: str | None,
) -> tuple[Interactions, Roles, tuple[str, ...]]:
    """The interactions in a frame, with what an item and a user table say; the roles of its columns, where `said` leaves them open by
    their names; and notes. `names` are what the tables are called in messages.

    Raises
    ------
    InputError
        As `roles_of`, `read_interactions`, `ids_in` and `title_in`, or a table of items or users is one of others.
    """
    what, what_items, what_users = names
    frame = _named(frame)
    roles, notes = roles_of(list(frame.columns), what, **said)
    log, more = read_interactions(frame, roles, what)
    notes = (*notes, *more)
    if items is not None:
        items = _named(items)
        ids, found, more = _described(items, what_items, "item", roles.item, log.item_ids)
        words = found.words()
        titles = read_titles(items, ids, title_in(list(items.columns), what_items, ids))
        log = replace(log, titles=titles, words={name: words.get(name, ()) for name in log.item_ids})
        notes = (*notes, *more)
    if users is not None:
        _, found, more = _described(_named(users), what_users, "user", roles.user, log.user_ids)
        log = replace(log, who=found.values, traits=found.traits)
        notes = (*notes, *more)
    return log, roles, notes


def _described(frame: pd.DataFrame, what: str, role: str, called: str, wanted: np.ndarray) -> tuple[str, Described, tuple[str, ...]]:
    """The column of ids, what a table says of the items or users that are `wanted`, and notes.

    A table of others is refused: nothing would be said of anybody, and answers would have no titles.
    """
    ids = ids_in(list(frame.columns), what, role, called)
    found = described_by(frame, ids, what)
    lacking = [name for name in wanted if name not in found.values]
    if len(lacking) == len(wanted):
        such = f" such as {min(found.values)!r}" if found.values else ""
        whose = "items that were taken" if role == "item" else "users who took something"
        raise InputError(f"{what} has none of the {whose}: {ids!r} holds other ids{such}, not ones such as {wanted[0]!r}")
    notes = found.notes
    if lacking:
        notes = (*notes, f"{what}: nothing is said of {len(lacking):,} of {count_of(len(wanted), role)} (first: {lacking[0]!r})")
    return ids, found, notes


def evaluate_recipe(
    recipe: Recipe, log: Interactions, holdout: float, name: str, item: str, resamples: int, confidence: float = 0.95
) -> tuple[ExportedBundle, RecommendationEvaluation]:
    """The evaluated twin's bundle, fitted to what was before the split, and what its answers to who came after are worth.

    Raises
    ------
    DifferentGraph
        The bundle does not answer as the model.
    """
    known, questions = split_by_time(log, holdout)
    questions = questions.at_most(MOST_ASKED, recipe.seed)
    forms = recipe.forms(known, all_families=True)
    model, _ = with_histories(recipe.model(known, forms), known)
    asked = questions.part(questions.answerable).history
    proof = asked.part(_drawn(len(asked), MOST_PROVED, recipe.seed))
    bundle = recommender_bundle(model, name, item, log.first_after(known), proof)
    runner = GraphRunner(bundle.files["model.onnx"], model.item_ids)
    check_graph(model, runner, proof)
    blend = replace(model, reranking=None) if model.reranking is not None else None
    top = runner.top(asked, K)[0]
    return bundle, evaluate(top, forms, known, questions, resamples, recipe.seed, confidence, blend)


def fit_to_all(recipe: Recipe, log: Interactions, name: str, item: str) -> tuple[ExportedBundle, GraphParity, tuple[str, ...]]:
    """The bundle that is served, fitted to all interactions, how far it is from the model, and notes.

    Raises
    ------
    DifferentGraph
        It does not answer as the model.
    """
    model, notes = with_histories(recipe.model(log), log)
    proof = model.histories.part(_drawn(len(model.histories), MOST_PROVED, recipe.seed))
    bundle = recommender_bundle(model, name, item, log.last_moment, proof)
    return bundle, check_graph(model, GraphRunner(bundle.files["model.onnx"], model.item_ids), proof), notes


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
    user_ids = log.user_ids[kept]
    if model.segments is not None:
        # Who has taken nothing yet is known too, by what describes it.
        there = set(log.user_ids)
        others = np.array([name for name in sorted(log.who) if name not in there], dtype=object)
        user_ids = np.concatenate([user_ids, others])
        starts = np.concatenate([histories.starts, np.full(len(others), histories.starts[-1])])
        histories = Histories(starts, histories.items, (*histories.who, *log.attributes_of(others)))
    return replace(model, user_ids=user_ids, histories=histories), notes


def _families(families: Sequence[str] | None) -> tuple[str, ...]:
    chosen = tuple(RECOMMENDERS) if families is None else tuple(families)
    if not chosen or len(set(chosen)) != len(chosen):
        raise InputError("recommend: name at least one family, each once")
    for name in chosen:
        if name not in RECOMMENDERS:
            raise InputError(f"recommend: {RECOMMENDERS.unknown(name)}")
    return chosen


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns named by text and rows numbered from 0."""
    return frame.set_axis(list(map(str, frame.columns)), axis=1).reset_index(drop=True)


def _drawn(size: int, most: int, seed: int) -> np.ndarray:
    return np.arange(size) if size <= most else np.sort(np.random.default_rng(seed).choice(size, most, replace=False))
