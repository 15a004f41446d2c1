"""`build_preprocessor`: the plan as one unfitted scikit-learn pipeline, for trees or for the net.

The numbers of the table go through one chain of steps as one block; the categories of each encoder are one block more.
Columns of equal treatment are treated together, which is what keeps fitting, and one row through the graph, fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer

from switchyard.tabular.features.base import Take
from switchyard.tabular.features.categories import ONEHOT_UP_TO, TARGET_CLASSES, Ordinal
from switchyard.tabular.features.dates import DateParts
from switchyard.tabular.features.derived import Derive
from switchyard.tabular.features.encoders import ENCODERS
from switchyard.tabular.features.numeric import Bound, Impute, Products, Scale
from switchyard.tabular.features.outliers import ClipOutliers, FlagOutliers, IsolationFlag
from switchyard.tabular.features.pairs import Pairs
from switchyard.tabular.features.record import NUMBERS, ColumnPlan, FeaturePlan
from switchyard.tabular.features.selection import Select
from switchyard.tabular.features.texts import TextScores

Style = Literal["tree", "net", "distances"]
CHOICES = ("encoder", "numeric_imputer", "categorical_imputer", "scaler", "order", "texts", "pairs")
"""What a tuner may choose where the config says auto; `order` is that of ordinal codes (frequency, lexicographic), `texts` whether
free texts are learnt from (learn, leave), `pairs` whether trees get arithmetic pairs of numbers (make, leave)."""

ONEHOT_WIDTH = 64
"""Widest one-hot block of one column; the rarer categories are treated as unseen."""
CODED = ("embedding", "native")
"""Encoders that a config cannot name: codes for what has its own way with categories, a net's table or sets that a tree splits."""
MOST_CODES = 1000


class Preprocessor(Pipeline):
    """The fitted features: `model_frame(frame, plan.used)` in, float64 of shape (n, m) out."""

    @property
    def categorical_sizes_(self) -> list[tuple[int, int]]:
        """(position, number of codes) of the columns that hold codes which are no quantity, for embeddings or sets."""
        blocks = self["blocks"]
        sizes = {
            blocks.output_indices_[name].start + number: size
            for name, block, _ in blocks.transformers_
            if name.startswith(CODED)
            for number, size in enumerate(block.sizes_)
        }
        if "select" not in self.named_steps:
            return sorted(sizes.items())
        return [(position, sizes[source]) for position, source in enumerate(self["select"].support_.tolist()) if source in sizes]


def build_preprocessor(plan: FeaturePlan, style: Style, choices: Mapping[str, Any] | None = None) -> Preprocessor:
    """The unfitted preprocessor of `plan`.

    Parameters
    ----------
    plan : FeaturePlan
    style : {"tree", "net", "distances"}
        Trees take gaps as they are and need no scaling; the net gets the median with an indicator, standard scaling
        and category codes for embeddings; distances get the median without an indicator, standard scaling and one column for each
        category. The config wins over both, but for one thing: a net cannot take gaps, so
        `numeric_imputer: none` is the median there.
    choices : mapping, optional
        The tuner's, by the names in `CHOICES`; the config wins over them.

    Returns
    -------
    Preprocessor
        Fit it with `fit_transform(model_frame(train, plan.used), y)`, `y` being class codes or floats: only that way
        are target encodings cross-fitted, so that no training row sees its own target.
    """
    choices = dict(choices or {})
    unknown = set(choices) - set(CHOICES)
    if unknown:
        raise ValueError(f"no such choice: {sorted(unknown)}; there are {', '.join(CHOICES)}")
    blocks = [*_numeric_block(plan, style, choices), *_category_blocks(plan, style, choices)]
    if choices.get("texts") != "leave" or not blocks:
        blocks += _text_blocks(plan, style, choices)
    steps: list[tuple[str, Any]] = [("blocks", ColumnTransformer(blocks, sparse_threshold=0.0, verbose_feature_names_out=False))]
    steps += _pairs(plan, style, choices)
    if plan.selection.method != "none":
        steps.append(("select", Select(plan.selection.method, plan.selection.keep, plan.task != "regression", plan.seed)))
    return Preprocessor(steps)


def _pairs(plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> list[tuple[str, Pairs]]:
    """After all blocks, since numbers are ranked beside what categories became; those of the table are the first columns there."""
    positions = paired(plan)
    if style != "tree" or len(positions) < 2 or _decide("auto", plan.pairs, choices.get("pairs"), "leave") == "leave":
        return []
    return [("pairs", Pairs(positions, plan.task != "regression", plan.seed))]


def paired(plan: FeaturePlan) -> tuple[int, ...]:
    """Positions, among the encoded features, of the quantities that `Pairs` may pair."""
    return tuple(np.flatnonzero(_numbers(plan).measured).tolist())


def _decide(column: str, config: str, choice: str | None, default: str) -> str:
    """The first that decides: the column's own setting, the config for all, the tuner, the style."""
    return next(value for value in (column, config, choice or "auto", default) if value != "auto")


@dataclass
class _Numbers:
    """The numeric block as it is put together: what each column is, before statistics append more."""

    names: list[str]
    steps: list[tuple[str, Any]]
    kept: list[int]
    plans: list[ColumnPlan | None]
    """Of the kept columns; None for derived ones."""
    measured: list[bool]
    """Whether a kept column is a quantity: no flag, no calendar part."""
    width: int
    """Columns of the block so far, those that will not be kept included."""

    def append(self, name: str, step: Any, width: int, measured: bool) -> None:
        self.steps.append((name, step))
        self.kept += range(self.width, self.width + width)
        self.width += width
        self.plans += [None] * width
        self.measured += [measured] * width


def _numeric_block(plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> list[tuple[str, Pipeline, list[str]]]:
    numbers = _numbers(plan)
    if not numbers.kept:
        return []
    steps = [*numbers.steps, ("take", Take(tuple(numbers.kept))), ("bound", Bound())]
    positions = tuple(np.flatnonzero(numbers.measured).tolist())
    if positions:
        steps += _outlier_steps(plan, positions)
    scaler = _scaler(plan, style, choices)
    complete = style != "tree" or scaler == "normalizer"
    imputers = tuple(_imputer(column, plan, choices, complete) for column in numbers.plans)
    if set(imputers) != {"none"}:
        # A rare gap, scaled, would lie further out than any value, and be a group of its own.
        steps.append(("impute", Impute(imputers, indicator=style != "distances")))
    if positions and (plan.interactions or plan.polynomial > 1):
        steps.append(("products", Products(positions, plan.task != "regression", plan.interactions, plan.polynomial)))
    scalers = tuple(column.scaler if column and column.scaler != "auto" else scaler for column in numbers.plans)
    if scaler == "normalizer":
        steps.append(("normalise", Normalizer()))
    elif {*scalers, scaler} != {"none"}:
        steps.append(("scale", Scale(scalers, scaler)))
    if steps[-1][0] in ("products", "scale"):
        steps.append(("bound again", Bound()))
    return [("numeric", Pipeline(steps), numbers.names)]


def _numbers(plan: FeaturePlan) -> _Numbers:
    """The numbers of the table that are features, then what expressions and dates make of any of them."""
    names = [column.name for column in plan.used if column.kind in NUMBERS]
    kept = [i for i, name in enumerate(names) if plan[name].use and plan[name].kind != "datetime"]
    plans: list[ColumnPlan | None] = [plan[names[i]] for i in kept]
    numbers = _Numbers(names, [], kept, plans, [plan[names[i]].kind == "numeric" for i in kept], len(names))
    derived = tuple((item.name, item.expression) for item in plan.derived if item.use)
    if derived:
        numbers.append("derive", Derive(tuple(names), derived), len(derived), measured=True)
    dates = tuple((i, plan[name].parts) for i, name in enumerate(names) if plan[name].use and plan[name].kind == "datetime")
    if dates:
        step = DateParts(dates)
        numbers.append("dates", step, step.width, measured=False)
    return numbers


def _scaler(plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> str:
    return _decide("auto", plan.scaler, choices.get("scaler"), "none" if style == "tree" else "standard")


def _outlier_steps(plan: FeaturePlan, positions: tuple[int, ...]) -> list[tuple[str, Any]]:
    outliers = plan.outliers
    if outliers.method == "none" or outliers.action == "drop":
        return []
    if outliers.method == "isolation_forest":
        return [("outliers", IsolationFlag(positions, outliers.threshold, plan.seed))]
    treat = ClipOutliers if outliers.action == "clip" else FlagOutliers
    return [("outliers", treat(positions, outliers.method, outliers.threshold))]


def _imputer(column: ColumnPlan | None, plan: FeaturePlan, choices: Mapping[str, Any], complete: bool) -> str:
    default = "median" if complete else "none"
    decided = _decide(column.imputer if column else "auto", plan.numeric_imputer, choices.get("numeric_imputer"), default)
    return default if decided == "none" else decided


def _category_blocks(plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> list[tuple[str, Any, list[str]]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for column in plan.columns:
        if column.use and column.kind == "categorical":
            encoder = _decide(column.encoder, plan.encoder, choices.get("encoder"), _default_encoder(column, plan, style))
            imputer = _decide(column.imputer, plan.categorical_imputer, choices.get("categorical_imputer"), "own_category")
            groups.setdefault((encoder, imputer), []).append(column.name)
    blocks = []
    for (encoder, missing), names in sorted(groups.items()):
        name = encoder if missing == "own_category" else f"{encoder} of {missing}"
        blocks.append((name, _encoder(encoder, missing, plan, style, choices), names))
    return blocks


def _text_blocks(plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> list[tuple[str, Any, list[str]]]:
    scaler = _scaler(plan, style, choices)
    scale = [] if style == "tree" else [("scale", Scale((), "standard" if scaler == "normalizer" else scaler))]
    return [
        (f"text {column.name}", Pipeline([("scores", TextScores(plan.task != "regression", plan.seed)), *scale]), [column.name])
        for column in plan.columns
        if column.use and column.kind == "text"
    ]


def _default_encoder(column: ColumnPlan, plan: FeaturePlan, style: Style) -> str:
    if style == "net":
        return "embedding"
    if style == "distances" or column.categories <= ONEHOT_UP_TO:
        return "onehot"
    return "target" if plan.n_classes <= TARGET_CLASSES else "ordinal"


def _encoder(encoder: str, missing: str, plan: FeaturePlan, style: Style, choices: Mapping[str, Any]) -> Any:
    if encoder in CODED:
        return Ordinal(missing=missing, max_categories=MOST_CODES, min_count=2)
    chosen = ENCODERS[encoder]
    steps = chosen.steps(missing, plan, choices.get("order", "frequency"))
    if not chosen.quantity:
        return steps[0][1] if len(steps) == 1 else Pipeline(steps)
    scaler = _scaler(plan, style, choices)
    if style != "tree":
        # Codes and means are quantities of any size, which a net needs scaled like the numbers of the table.
        steps.append(("scale", Scale((), "standard" if scaler == "normalizer" else scaler)))
    return Pipeline(steps)
