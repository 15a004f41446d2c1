"""RecTools' models on a question that `benchmarks.recommendation --ask FOLDER` wrote; in an environment of its own, for it wants numpy 1.

    python -m venv /tmp/rectools && /tmp/rectools/bin/pip install rectools
    /tmp/rectools/bin/python benchmarks/rectools_peers.py FOLDER --budget 90

Each model is tuned by a random search for the whole budget, on the questions that ours is tuned on, and its answers to the
holdout are written to FOLDER/rectools.json, which `benchmarks.recommendation --answers FOLDER` scores.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from rectools.dataset import Dataset, IdMap, Interactions
from rectools.models import EASEModel, ImplicitItemKNNWrapperModel, PopularModel, PureSVDModel

K = 10


def popular(rng: np.random.Generator) -> Any:
    days = int(rng.choice([7, 14, 30, 60, 120, 365, 3650]))
    return PopularModel(popularity=str(rng.choice(["n_users", "n_interactions"])), period=timedelta(days=days))


def knn(rng: np.random.Generator) -> Any:
    kind, size = rng.choice([CosineRecommender, TFIDFRecommender, BM25Recommender]), int(np.exp(rng.uniform(np.log(10), np.log(500))))
    return ImplicitItemKNNWrapperModel(kind(K=size))


def ease(rng: np.random.Generator) -> Any:
    return EASEModel(regularization=float(np.exp(rng.uniform(np.log(20), np.log(5000)))))


def svd(rng: np.random.Generator) -> Any:
    return PureSVDModel(factors=int(np.exp(rng.uniform(np.log(8), np.log(256)))))


class Part:
    """What was known, and who is asked: users of the holdout are named anew, each with its history."""

    def __init__(self, folder: Path, name: str) -> None:
        known = pd.read_csv(folder / f"{name}.csv", parse_dates=["datetime"])
        asked = json.loads((folder / f"{name}.json").read_text())
        self.histories, self.truths = asked["histories"], asked["truths"]
        rows = [(f"asked {row}", item) for row, history in enumerate(self.histories) for item in history]
        added = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(weight=1.0, datetime=known["datetime"].max())
        self.users = [f"asked {row}" for row in range(len(self.histories)) if self.histories[row]]
        known["user_id"] = known["user_id"].astype(str)
        everything = pd.concat([known, added], ignore_index=True)
        maps = IdMap.from_values(everything["user_id"]), IdMap.from_values(everything["item_id"])
        self.fitted = Dataset(*maps, Interactions.from_raw(known, *maps))
        self.whole = Dataset(*maps, Interactions.from_raw(everything, *maps))

    def answer(self, model: Any) -> list[list[int]]:
        """The best items for each asked user, who is unknown to the fitted model: histories alone tell."""
        model.fit(self.fitted)
        found = model.recommend(self.users, self.whole, k=K, filter_viewed=True)
        top: list[list[int]] = [[] for _ in self.histories]
        for user, items in found.groupby("user_id", sort=False)["item_id"]:
            top[int(str(user).split()[1])] = [int(item) for item in items]
        return top

    def ndcg(self, top: list[list[int]]) -> float:
        discounts = 1 / np.log2(np.arange(2, K + 2))
        values = []
        for items, truth in zip(top, self.truths):
            gains = sum(discounts[place] for place, item in enumerate(items) if item in set(truth))
            values.append(gains / discounts[: min(K, len(truth))].sum())
        return float(np.mean(values))


def main() -> None:
    """Write the answers of each model's best."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budget", type=float, default=90.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tuned, holdout = Part(options.folder, "tuning"), Part(options.folder, "holdout")
    found = {}
    for suggest in (popular, knn, ease, svd):
        rng, started, best, trials = np.random.default_rng(0), time.perf_counter(), (-1.0, {}), 0
        while trials == 0 or time.perf_counter() - started < options.budget:
            state, trials = rng.bit_generator.state, trials + 1
            best = max(best, (tuned.ndcg(tuned.answer(suggest(rng))), state), key=lambda one: one[0])
        rng.bit_generator.state = best[1]
        found[suggest.__name__] = holdout.answer(suggest(rng))
        print(
            f"RecTools {suggest.__name__}: {trials} trials, {best[0]:.4f} in tuning, {holdout.ndcg(found[suggest.__name__]):.4f}",
            flush=True,
        )
        (options.folder / "rectools.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
