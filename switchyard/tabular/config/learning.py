"""The sections of a config about what is learnt: the search, what the served model learns from, and how scores become answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from switchyard.tabular.config.names import FamilyName, our_families
from switchyard.tabular.config.section import Section, Share

MAX_SEEDS = 5


class Tuning(Section):
    """How long and how widely to search."""

    families: tuple[FamilyName, ...] = Field(default_factory=our_families, description="Model families that are searched.")
    budget_s: PositiveFloat = Field(
        120.0, le=7 * 86_400, description="Wall seconds of tuning, ensembling, export and the fit on all rows together."
    )
    trials: PositiveInt | None = Field(None, le=100_000, description="Trials per family instead of a budget: deterministic for a seed.")
    folds: Annotated[int, Field(ge=2, le=20)] = Field(5, description="Of the cross-validation that scores each trial.")
    ensemble: bool = Field(True, description="Whether models may be blended.")
    seed: NonNegativeInt = Field(0, le=2**32 - 1, description="Of everything random.")

    @field_validator("families")
    @classmethod
    def _some_and_distinct(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        if not families or len(set(families)) != len(families):
            raise ValueError("name at least one family, each once")
        return families


class Training(Section):
    """What the served model learns from."""

    refit: Literal["all", "none"] = Field(
        "all",
        description="all: what was scored on the holdout is fitted once more, to all rows, and that is served; none: it is served itself.",
    )
    seeds: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_SEEDS)] = Field(
        "auto",
        description="How often each chosen model that varies with its seed is fitted, with other seeds, to answer with the mean; "
        "auto: as often as the rest of the budget allows, once with tuning.trials. No more than twelve members in all.",
    )
    in_memory: Literal["auto"] | Annotated[int, Field(ge=100)] = Field(
        "auto",
        description="Rows up to which a table is held in memory; of a larger file a sample (so many rows; auto: at most 300,000) is "
        "searched and scored on, and the last fit learns from all. auto: by rows, columns and free memory.",
    )
    workers: NonNegativeInt = Field(
        0,
        le=1000,
        description="Processes that the last fit on a table larger than memory is spread over, on Dask; 0: it is made in this process, or "
        "by all workers of `engine`.",
    )
    engine: Annotated[str, Field(pattern=r"^(tcp|tls)://[^/\s]+:\d+$")] | None = Field(
        None, description="A Dask scheduler of one's own whose workers make that fit, as tls://HOST:8786; without it they are started here."
    )
    shared: str | None = Field(
        None,
        description="A folder that this machine and the workers of `engine` see by the same name; the table's parts lie there for the fit.",
    )

    @model_validator(mode="after")
    def _shared_with_an_engine(self) -> Self:
        if self.shared is not None and self.engine is None:
            raise ValueError("shared is for the workers of an engine: give engine, or leave shared out")
        return self

    @property
    def by_workers(self) -> bool:
        """Whether the last fit on a table larger than memory is other processes' work."""
        return bool(self.workers or self.engine)


class Costs(Section):
    """What each kind of error costs, in any one unit; right answers cost nothing. The two errors of two classes, or a matrix of more."""

    false_positive: PositiveFloat | None = Field(None, description="Two classes: of answering the positive one where it is the other.")
    false_negative: PositiveFloat | None = Field(None, description="Two classes: of answering the other one where it is the positive one.")
    matrix: dict[str, dict[str, NonNegativeFloat]] = Field(
        {}, description="More classes: by true class what each other class costs as the answer, as in {ill: {well: 50, unsure: 5}, ...}."
    )
    unit: str = Field("", max_length=20, description="Of all costs, as EUR or hours; reports say it.")

    @field_validator("matrix", mode="before")
    @classmethod
    def _named(cls, matrix: Any) -> Any:
        # YAML reads classes that are called 1, 2 and 3 as numbers.
        if not isinstance(matrix, dict):
            return matrix
        return {str(true): {str(key): cost for key, cost in row.items()} if isinstance(row, dict) else row for true, row in matrix.items()}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        pair = (self.false_positive, self.false_negative)
        if self.matrix and any(cost is not None for cost in pair):
            raise ValueError("false_positive and false_negative are of two classes, matrix is of more; remove one of them")
        if not self.matrix and None in pair:
            raise ValueError("say false_positive and false_negative (two classes), or matrix (more)")
        return self

    @property
    def break_even(self) -> float:
        """Two classes: the probability of the positive one at which both errors are expected to cost the same (Elkan, IJCAI 2001)."""
        called, missed = self.false_positive or 0.0, self.false_negative or 0.0
        return called / (called + missed)

    def by_class(self, classes: tuple[str, ...]) -> np.ndarray:
        """What each answer costs by true class: float64 of shape (n_classes, n_classes), both in the order of `classes`."""
        if not self.matrix:
            return np.array([[0.0, self.false_positive], [self.false_negative, 0.0]], dtype="float64")
        return np.array([[self.matrix[true].get(answer, 0.0) for answer in classes] for true in classes], dtype="float64")


class Clustering(Section):
    """Which groups a clustering looks for, and what they are called."""

    clusters: Literal["auto"] | Annotated[int, Field(ge=2, le=50)] | tuple[PositiveInt, PositiveInt] = Field(
        "auto", description="How many groups: a number fixes it, [2, 8] is a range; auto is [2, 8]."
    )
    names: tuple[str, ...] = Field((), description="What the groups are called, the largest first; without it 1, 2, ...")
    unlike: Share = Field(
        0.01, le=0.5, description="Share of each group's rows, the farthest from its centre, beyond which a row is unlike all groups."
    )
    answer: str = Field("group", min_length=1, description="What the answer is called; no column of the table may be called so.")

    @field_validator("clusters")
    @classmethod
    def _a_range(cls, clusters: Any) -> Any:
        if isinstance(clusters, tuple) and not 2 <= clusters[0] <= clusters[1] <= 50:
            raise ValueError("a range of clusters goes from 2 at least to 50 at most, the smaller first")
        return clusters

    @field_validator("names")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names) or not all(name.strip() for name in names):
            raise ValueError("give each group a name of its own")
        return names


class Decision(Section):
    """From scores to the served answer."""

    threshold: Literal["auto", "f1", "balanced_accuracy", "accuracy"] | Share = Field(
        "auto",
        description="Binary: what the out-of-fold threshold maximises, or a fixed value; "
        "auto: by `costs`, else f1 below 40 % of positives and accuracy above.",
    )
    calibration: Literal["auto", "none", "temperature", "sigmoid", "beta", "matrix"] = Field(
        "auto",
        description="From said to true probabilities; auto: none unless another is clearly better on out-of-fold answers, nested.",
    )
    coverage: Share = Field(0.9, description="Share of outcomes that a regression's interval, or a classification's set, must hold.")
    sets: Literal["none", "overall", "each_class"] = Field(
        "none",
        description="Classification: whether answers have a set of classes that holds the true one with decision.coverage; overall: "
        "over all rows; each_class: in every class by itself.",
    )
    review_above: PositiveInt | None = Field(
        None, description="Classification: an empty set, or one of more classes than this, makes the answer's decision review."
    )

    @model_validator(mode="after")
    def _sets_to_review(self) -> Self:
        if self.review_above is not None and self.sets == "none":
            raise ValueError("review_above needs sets: give decision.sets overall or each_class")
        return self
