"""What free text adds: five outer folds with the texts, without them, and with texts shuffled so that they say nothing.

    python -m benchmarks.text --data ../shared/data/reviews.csv.gz --target recommended --texts review title

Every fold searches, combines and exports by itself (`SwitchyardClassifier`, `SwitchyardRegressor`) and is scored on rows that it did not
see. Beside them a linear model on scikit-learn's TF-IDF of the first text alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline

from switchyard import SwitchyardClassifier, SwitchyardRegressor
from switchyard.tabular.export.bundle import measure_latency


def linear_scores(texts: pd.Series, target: pd.Series, binary: bool) -> list[float]:
    """ROC-AUC or R2 on each fold of logistic or ridge regression on TF-IDF of `texts`."""
    found = []
    for seen, unseen in _folds(target, binary):
        model = make_pipeline(TfidfVectorizer(min_df=2, ngram_range=(1, 2)), LogisticRegression(max_iter=1000) if binary else Ridge())
        model.fit(texts.iloc[seen].fillna(""), target.iloc[seen])
        said = texts.iloc[unseen].fillna("")
        found.append(_score(target.iloc[unseen], model.predict_proba(said)[:, 1] if binary else model.predict(said), binary))
    return found


def our_scores(frame: pd.DataFrame, target: pd.Series, binary: bool, arguments: argparse.Namespace) -> tuple[list[float], int, float]:
    """The same of Switchyard, with the bytes of the last fold's bundle and milliseconds of one row through it."""
    found = []
    for seen, unseen in _folds(target, binary):
        kind = SwitchyardClassifier if binary else SwitchyardRegressor
        model = kind(families=arguments.families, trials=arguments.trials).fit(frame.iloc[seen], target.iloc[seen])
        rows = frame.iloc[unseen]
        found.append(_score(target.iloc[unseen], model.predict_proba(rows)[:, 1] if binary else model.predict(rows), binary))
    table = frame.head(50).astype(object).where(frame.head(50).notna(), None)
    return found, sum(map(len, model.bundle_.files.values())), measure_latency(model.bundle_, table)


def _folds(target: pd.Series, binary: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    folds = StratifiedKFold if binary else KFold
    return list(folds(5, shuffle=True, random_state=0).split(np.zeros(len(target)), target))


def _score(actual: pd.Series, answered: np.ndarray, binary: bool) -> float:
    return float(roc_auc_score(actual, answered) if binary else r2_score(actual, answered))


def shuffled(frame: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """`frame` with its texts in another order, so that they say nothing of the row they are in."""
    order = np.random.default_rng(0).permutation(len(frame))
    return frame.assign(**{name: frame[name].to_numpy()[order] for name in texts})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--texts", nargs="+", required=True)
    parser.add_argument("--families", nargs="+", default=["lightgbm"])
    parser.add_argument("--trials", type=int, default=4)
    arguments = parser.parse_args()
    whole = pd.read_csv(arguments.data)
    frame, target = whole.drop(columns=arguments.target), whole[arguments.target]
    binary = target.nunique() == 2
    print(f"| of | {'ROC-AUC' if binary else 'R2'} | worst and best fold | bundle | one row |\n|---|---:|---:|---:|---:|", flush=True)

    def say(name: str, scores: list[float], *rest: str) -> None:
        print(f"| {name} | {np.mean(scores):.3f} | {min(scores):.3f}, {max(scores):.3f} | {' | '.join(rest or ('', ''))} |", flush=True)

    say(f"TF-IDF of `{arguments.texts[0]}` alone, linear", linear_scores(frame[arguments.texts[0]], target, binary))
    tables = {"without texts": frame.drop(columns=arguments.texts), "texts": frame, "texts, shuffled": shuffled(frame, arguments.texts)}
    for name, columns in tables.items():
        scores, size, latency = our_scores(columns, target, binary, arguments)
        say(f"Switchyard, {name}", scores, f"{size / 2**20:.1f} MB", f"{latency:.2f} ms")


if __name__ == "__main__":
    main()
