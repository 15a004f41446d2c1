"""A table with every kind of column and every kind of trouble, and the two ways to its features."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.export.features import Inputs, emit_preprocessor
from switchyard.tabular.export.graph import Graph
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.features.preprocess import Preprocessor
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame

KINDS = {
    "income": "numeric",
    "loan": "numeric",
    "1st Flr SF": "numeric",
    "rooms": "numeric",
    "owner": "boolean",
    "applied": "datetime",
    "born": "datetime",
    "purpose": "categorical",
    "größe": "categorical",
    "city": "categorical",
    "note": "text",
}


def names_of(fitted: Preprocessor) -> list[str]:
    """Names of the fitted features, in their order; a name that comes up twice is numbered."""
    blocks = fitted["blocks"].transformers_
    names = [name for _, block, columns in blocks if block != "drop" for name in block.get_feature_names_out(columns)]
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[position] = f"{name} ({seen[name]})"
    for _, step in fitted.steps[1:]:
        names = step.get_feature_names_out(names).tolist()
    return names


def make_notes(rng: np.random.Generator, rows: int, seed: int) -> np.ndarray:
    """Texts of any length, some without a word, of words in several scripts; later seeds bring words unseen before."""
    words = [
        "The",
        "loan",
        "was",
        "PAID",
        "late;",
        "again",
        "straße",
        "İstanbul",
        "客户满意",
        "हिन्दी",
        "don't",
        "x_y",
        "e-mail",
        "12",
        "...",
        "\n",
    ]
    words += [f"word{number}" for number in range(seed * 10, 30 + seed * 10)]
    return np.array([" ".join(rng.choice(words, rng.integers(0, 40))) or "!" for _ in range(rows)], dtype=object)


def make_frame(rows: int, seed: int) -> pd.DataFrame:
    """Rows with gaps in every column, in canonical types; later seeds bring categories unseen before."""
    rng = np.random.default_rng(seed)

    def gaps(values: np.ndarray, share: float) -> np.ndarray:
        values = values.astype("float64" if values.dtype.kind != "O" else object)
        values[rng.random(rows) < share] = np.nan if values.dtype.kind == "f" else None
        return values

    income, loan = rng.lognormal(10, 1, rows), rng.lognormal(9, 1.5, rows)
    loan[rng.random(rows) < 0.05] = 0.0
    cities = np.array([f"city {i}" for i in range(seed * 10, 60 + seed * 10)], dtype=object)
    seconds = rng.integers(-3_000_000_000, 4_000_000_000, rows)
    frame = pd.DataFrame(
        {
            "income": gaps(income, 0.1),
            "loan": loan,
            "1st Flr SF": gaps(rng.normal(1000, 300, rows), 0.3),
            "rooms": gaps(rng.poisson(3, rows).astype("float64"), 0.05),
            "owner": gaps((rng.random(rows) < 0.4).astype("float64"), 0.1),
            "applied": pd.to_datetime(seconds, unit="s"),
            "born": pd.Series(pd.to_datetime(seconds // 86400 - 9000, unit="D")).where(rng.random(rows) > 0.2),
            "purpose": gaps(rng.choice(np.array(["car", "house", "", "boat"], dtype=object), rows), 0.1),
            "größe": gaps(rng.choice(np.array(["klein", "groß", "x" * 300], dtype=object), rows), 0.05),
            "city": gaps(rng.choice(cities, rows, p=np.arange(1, 61) / 1830), 0.02),
            "note": gaps(make_notes(rng, rows, seed), 0.1),
        }
    )
    score = np.log(np.maximum(loan, 1) / income) + 0.5 * (frame["purpose"] == "car") + rng.normal(0, 1, rows)
    frame["y"] = np.nan_to_num(score)
    return frame


def make_problem(task: str, features: dict[str, Any] | None = None, columns: dict[str, Any] | None = None) -> Problem:
    data = {"source": "x.csv", "target": "y", "columns": columns or {}}
    return problem_from({"name": "test", "task": task, "data": data, "features": features or {}}, "test")


def make_split(task: str, rows: int = 400) -> Split:
    train, holdout = make_frame(rows, 0), make_frame(rows // 2, 1)
    if task != "regression":
        cuts = np.quantile(train["y"], [0.5] if task == "binary" else [0.3, 0.7])
        for frame in (train, holdout):
            frame["y"] = np.array(["a", "b", "c"], dtype=object)[np.searchsorted(cuts, frame["y"])]
    columns = [
        Column(name=name, kind=kind, role="feature", missing=float(train[name].isna().mean()), unique=train[name].nunique())
        for name, kind in KINDS.items()
    ]
    columns.append(Column(name="y", kind="numeric" if task == "regression" else "categorical", role="target"))
    return Split(train, holdout, Schema(columns=tuple(columns)), "random", None)


def target_of(frame: pd.DataFrame, task: str) -> np.ndarray:
    return frame["y"].to_numpy() if task == "regression" else np.searchsorted(["a", "b", "c"], frame["y"].to_numpy(str))


@pytest.fixture
def plan_for() -> Callable[..., tuple[Split, FeaturePlan]]:
    def build(task: str, features: dict[str, Any] | None = None, columns: dict[str, Any] | None = None) -> tuple[Split, FeaturePlan]:
        split = make_split(task)
        return split, plan_features(split, {}, make_problem(task, features, columns))

    return build


class Exported:
    """A fitted preprocessor as an ONNX session on one thread."""

    def __init__(self, fitted: Preprocessor, plan: FeaturePlan) -> None:
        graph = Graph()
        self.inputs = Inputs(graph, plan.used)
        features = emit_preprocessor(graph, fitted, self.inputs)
        graph.output(features, "features", "double", ("n", len(names_of(fitted))))
        self.model = graph.finish()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.plan = plan

    def feeds(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        raw = model_frame(frame, self.plan.used)
        types = {"numeric": "float64", "categorical": object}
        names = {kind: [name for name, (place, _) in self.inputs.places.items() if place == kind] for kind in types}
        return {kind: raw[names[kind]].to_numpy(dtype) for kind, dtype in types.items() if names[kind]}

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        return self.session.run(None, self.feeds(frame))[0]
