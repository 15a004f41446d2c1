"""The config's sections `constraints`, `evaluation` and `gates`: what is asked of a model, and how closely it is looked at."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from switchyard.tabular.config.section import Section, Share


class Constraints(Section):
    """Limits that the search respects and the gates enforce."""

    metric_floor: float | None = Field(None, description="The metric on the holdout must reach this (for errors: must not exceed it).")
    max_latency_ms: PositiveFloat | None = Field(None, description="Median time of one row through the bundle, in process.")
    max_bundle_mb: PositiveFloat | None = Field(None, description="Size of what is served.")
    max_cost: PositiveFloat | None = Field(None, description="What errors may cost per 1,000 rows of the holdout, in the unit of `costs`.")
    explainable_only: bool = Field(False, description="One tree model, no ensembles, no net.")


class EvaluationConfig(Section):
    """How closely the holdout is looked at."""

    bootstrap: PositiveInt = Field(200, le=100_000, description="Resamples behind each interval.")
    confidence: Share = Field(0.95, description="Of the intervals of scores.")
    explained_rows: PositiveInt = Field(200, le=1_000_000, description="Holdout rows that SHAP explains.")
    lime_rows: NonNegativeInt = Field(3, le=1000, description="Holdout rows that LIME explains.")


class Gates(Section):
    """When a new model may become challenger."""

    champion: Literal["not_worse", "better", "ignore"] = Field("not_worse", description="Against the champion, on the same holdout.")
    contract: Literal["keep", "ignore"] = Field(
        "keep", description="keep: what is sent to the champion is answered by its successor; ignore: breaking changes are accepted."
    )
    moved: float = Field(
        0.1, ge=0, le=1, description="Clustering: share of the rows that may be in another group than with the champion; 1 accepts any."
    )
    baseline: Literal["not_worse", "ignore"] = Field("ignore", description="Against a library's defaults on the same split.")
