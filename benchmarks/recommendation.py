"""Recommendation beside implicit's own models, tuned for the same time and asked for the same users; and what it takes.

    python -m benchmarks.recommendation --data interactions.csv --items items.csv --budget 90 --json recommendation.json
    python -m benchmarks.recommendation --generated 1000000 --budget 200
    python -m benchmarks.recommendation --data interactions.csv --ask FOLDER       (for benchmarks/rectools_peers.py)
    python -m benchmarks.recommendation --data interactions.csv --answers FOLDER

What is in the last fifth of the interactions is asked for, all items ranked, what was taken before left out; a new user's history
is the first half of what it took. Each of implicit's models (ALS, BPR, item-kNN by cosine, TF-IDF or BM25) is tuned by Optuna for
the whole budget, on the questions that ours is tuned on, and answers as its documentation says: ALS folds a history in
(`recalculate_user`), item-kNN multiplies it, BPR knows its users and takes the mean of the items' factors for others. Ours has the
same budget for all families together, the fit to all rows and the proof of the graph. `--generated` makes a table of so many
interactions of 50,000 users with 10,000 items, whose users like a few of fifty kinds of items.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from scipy import sparse
from threadpoolctl import threadpool_limits

from switchyard.bundle.requests import Request
from switchyard.tabular.recommendation.evaluation import standing
from switchyard.tabular.recommendation.fitting import FittedRecommender, recommend
from switchyard.tabular.recommendation.interactions import Interactions, read_interactions
from switchyard.tabular.recommendation.measures import K, per_user
from switchyard.tabular.recommendation.protocol import Questions, split_by_time
from switchyard.tabular.recommendation.roles import roles_of
from switchyard.tabular.recommendation.search import cuts_of

HOLDOUT, SEED, CALLS = 0.2, 0, 500
Suggest = Callable[[optuna.Trial], Any]


def main() -> None:
    """Print a line for each model; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--items", type=Path)
    parser.add_argument("--generated", type=int)
    parser.add_argument("--budget", type=float, default=90.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--ask", type=Path, help="Write the questions for a rival in an environment of its own, and end.")
    parser.add_argument("--answers", type=Path, help="Score what the rival answered, and end.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    frame = generated(options.generated) if options.generated else pd.read_csv(options.data)
    if options.ask or options.answers:
        ask(frame, options.ask) if options.ask else score_answers(frame, options.answers)
        return
    items = pd.read_csv(options.items) if options.items else None
    started = time.perf_counter()
    ours = recommend(frame, options.budget, items=items)
    took = time.perf_counter() - started
    print(f"ours: {took:.0f} s, {ours.bundle.megabytes:.1f} MB, graph off by {ours.parity.largest_difference:.1e}", flush=True)
    print("blend: " + ", ".join(f"{one.family} {one.weight:.2f}" for one in ours.recipe.candidates))
    print(f"one request: {latency(ours, frame):.2f} ms (median of {CALLS}, {ours.evaluation.items:,} items)")
    rows = [(f"switchyard {one.name}", one) for one in ours.evaluation.standings]
    if not options.generated:
        rows += [(f"implicit {name}", one) for name, one in peers(frame, options.budget).items()]
    for name, one in rows:
        ndcg = one.measures["ndcg_at_10"]
        print(f"{name:24s} nDCG@10 {ndcg.value:.4f} ({ndcg.low:.4f} to {ndcg.high:.4f}), coverage {one.coverage:.1%}", flush=True)
    if options.json:
        found = {"seconds": took, "request_ms": latency(ours, frame), "scores": {name: one.model_dump() for name, one in rows}}
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def latency(ours: FittedRecommender, frame: pd.DataFrame) -> float:
    """Median milliseconds of one request with a history of 30 items, in this process."""
    rng = np.random.default_rng(SEED)
    ids = frame[roles_of(list(frame.columns), "the table")[0].item].astype(str).unique()
    requests = [Request(history=tuple(rng.choice(ids, min(30, len(ids)), replace=False))) for _ in range(CALLS)]
    seconds = []
    for request in requests:
        start = time.perf_counter()
        ours.scorer.recommend([request])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)


def peers(frame: pd.DataFrame, budget_s: float) -> dict[str, Any]:
    """What implicit's models are worth, each tuned for `budget_s` seconds."""
    known, asked = split_of(frame)
    cuts = [(cut.known, cut.questions) for cut in cuts_of(known, HOLDOUT, SEED)]
    found = {}
    for name, suggest in (("ALS", als), ("BPR", bpr), ("item-kNN", knn)):
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=SEED))

        def objective(trial: optuna.Trial, suggest: Suggest = suggest) -> float:
            values = [per_user(answers(suggest, trial, *cut), cut[1].truth)["ndcg_at_10"] for cut in cuts]
            return float(np.concatenate(values).mean())

        study.optimize(objective, timeout=budget_s)
        top = answers(suggest, optuna.trial.FixedTrial(study.best_params), known, asked)
        found[name] = standing(name, name, top, known, asked, 1000, SEED)
        print(f"implicit {name}: {len(study.trials)} trials, {study.best_value:.4f} in tuning, {study.best_params}", flush=True)
    return found


def ask(frame: pd.DataFrame, folder: Path) -> None:
    """What was known and who is asked, at the last moment of the tuning and at the holdout's, by places in the catalogue."""
    folder.mkdir(parents=True, exist_ok=True)
    known, questions = split_of(frame)
    cut = cuts_of(known, HOLDOUT, SEED)[0]
    for name, log, asked in (("tuning", cut.known, cut.questions), ("holdout", known, questions)):
        rows = {"user_id": log.users, "item_id": log.items, "weight": 1.0, "datetime": pd.to_datetime(log.times, unit="D")}
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
        lists = {"histories": asked.history, "truths": asked.truth}
        told = {what: [found[row].tolist() for row in range(len(asked))] for what, found in lists.items()}
        (folder / f"{name}.json").write_text(json.dumps(told))


def score_answers(frame: pd.DataFrame, folder: Path) -> None:
    """The same measures for what a rival answered."""
    known, asked = split_of(frame)
    for name, lists in json.loads((folder / "rectools.json").read_text()).items():
        top = np.array([[*items, *[-1] * (K - len(items))] for items in lists])
        one = standing(name, name, top, known, asked, 1000, SEED)
        ndcg = one.measures["ndcg_at_10"]
        print(f"RecTools {name:15s} nDCG@10 {ndcg.value:.4f} ({ndcg.low:.4f} to {ndcg.high:.4f}), coverage {one.coverage:.1%}")


def split_of(frame: pd.DataFrame) -> tuple[Interactions, Questions]:
    """What was before the holdout, and who is asked for."""
    roles, _ = roles_of(list(frame.columns), "the table")
    known, questions = split_by_time(read_interactions(frame, roles, "the table")[0], HOLDOUT)
    return known, questions.part(questions.answerable)


def als(trial: optuna.Trial) -> Any:
    return AlternatingLeastSquares(
        factors=trial.suggest_categorical("factors", [16, 32, 64, 96, 128]),
        regularization=trial.suggest_float("regularization", 0.01, 100.0, log=True),
        alpha=trial.suggest_float("alpha", 1.0, 100.0, log=True),
        iterations=trial.suggest_int("iterations", 5, 30),
        random_state=SEED,
    )


def bpr(trial: optuna.Trial) -> Any:
    return BayesianPersonalizedRanking(
        factors=trial.suggest_categorical("factors", [16, 32, 64, 96, 128]),
        learning_rate=trial.suggest_float("learning_rate", 0.005, 0.2, log=True),
        regularization=trial.suggest_float("regularization", 0.001, 0.2, log=True),
        iterations=trial.suggest_int("iterations", 30, 300, log=True),
        random_state=SEED,
    )


def knn(trial: optuna.Trial) -> Any:
    size = trial.suggest_int("K", 10, 500, log=True)
    kind = trial.suggest_categorical("kind", ["cosine", "tfidf", "bm25"])
    if kind == "bm25":
        return BM25Recommender(K=size, K1=trial.suggest_float("K1", 0.1, 3.0), B=trial.suggest_float("B", 0.0, 1.0))
    return CosineRecommender(K=size) if kind == "cosine" else TFIDFRecommender(K=size)


def answers(suggest: Suggest, trial: Any, known: Interactions, asked: Questions) -> np.ndarray:
    """What a model of implicit answers, as places (n, K)."""
    pairs = known.pairs
    ones = np.ones(len(pairs.users), np.float32)
    matrix = sparse.csr_matrix((ones, (pairs.users, pairs.items)), shape=(known.n_users, known.n_items))
    history = asked.history.weighted(None, known.n_items)
    model = suggest(trial)
    with threadpool_limits(1, "blas"):
        model.fit(matrix, show_progress=False)
        if isinstance(model, BayesianPersonalizedRanking):
            scores = users_of(model, known, asked, history) @ model.item_factors.T
            top = np.argsort(-np.where(asked.history.mask(known.n_items), -np.inf, scores), axis=1)[:, :K]
        else:
            # It looks users up in the rows of the matrix that it is given.
            extra = {"recalculate_user": True} if isinstance(model, AlternatingLeastSquares) else {}
            top, scores = model.recommend(np.arange(len(asked)), history, N=K, filter_already_liked_items=True, **extra)
            top = np.where(np.isfinite(scores) & (scores > np.finfo(np.float32).min), top, -1)
    return top


def users_of(model: Any, known: Interactions, asked: Questions, history: sparse.csr_matrix) -> np.ndarray:
    """BPR's factors of its users, and for others the mean of their items'."""
    means = (history @ model.item_factors) / np.maximum(history.sum(axis=1), 1)
    means = np.asarray(means)
    means[:, -1] = 1.0
    places = {name: place for place, name in enumerate(known.user_ids)}
    rows = [places.get(name, -1) for name in asked.users]
    return np.array([model.user_factors[row] if row >= 0 else mean for row, mean in zip(rows, means)])


def generated(rows: int, users: int = 50_000, items: int = 10_000, kinds: int = 50) -> pd.DataFrame:
    """Interactions made up: an item is of one kind, a user likes three, and some items are liked by more than others."""
    rng = np.random.default_rng(SEED)
    kind, fame = rng.integers(0, kinds, items), rng.pareto(1.2, items) + 0.05
    by_kind = [np.flatnonzero(kind == one) for one in range(kinds)]
    likes = rng.integers(0, kinds, (users, 3))
    user = rng.choice(users, rows, p=(lambda weights: weights / weights.sum())(rng.pareto(1.5, users) + 0.2))
    wanted = np.where(rng.random(rows) < 0.85, likes[user, rng.integers(0, 3, rows)], rng.integers(0, kinds, rows))
    item = np.empty(rows, dtype=np.int64)
    for one, members in enumerate(by_kind):
        there = wanted == one
        item[there] = rng.choice(members, int(there.sum()), p=fame[members] / fame[members].sum())
    moments = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 365 * 86_400, rows)).round(), unit="s")
    return pd.DataFrame({"user": user, "item": item, "time": moments})


if __name__ == "__main__":
    main()
