"""Sections of the config for a trained model's later life: how it is served, tried beside another, and trained again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from switchyard.bundle.keys import is_key_id, public_from
from switchyard.tabular.config.section import Count, Days, Hours, Section, Share


class Serving(Section):
    """How the model's service treats what it is sent."""

    log_exclude: tuple[str, ...] = Field((), description="Columns that the prediction log does not keep.")
    retention_days: Days = Field(0.0, description="Predictions older than this leave the log; 0: none.")
    max_rows: PositiveInt = Field(1000, le=100_000, description="Rows that one request may hold.")
    refusal: str | None = Field(None, description="Class that refuses somebody: explained answers of it name the principal reasons.")
    actionable: tuple[str, ...] = Field(
        (), description="Columns among which principal reasons are; all of the model's where none is named."
    )
    pool: bool = Field(
        False, description="On this machine: answer in processes that all models with it share, loaded when asked for; not on a cluster."
    )


class Trust(Section):
    """Whose models are deployed. What a version was trained by has no say in it."""

    keys: tuple[str, ...] = Field(
        (), description="Ids of keys (python run.py keys), public keys or certificates in PEM; none: all that the stack's key ring trusts."
    )
    require: Literal["signed", "known", "nothing"] = Field(
        "known",
        description="signed: by one of the keys. known: or unsigned and registered before the stack's first key was made. "
        "nothing: unsigned and untrusted ones too, with a warning.",
    )

    @field_validator("keys")
    @classmethod
    def _readable(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key.strip() if is_key_id(key.strip()) else public_from(key) for key in keys)


class BusinessMetric(Section):
    """What else must not suffer from a candidate."""

    value: str = Field(description="A column of the requests, or an expression of numeric ones, label, actual, score and prediction.")
    better: Literal["higher", "lower"] = Field("higher", description="Which values are good.")
    max_loss: NonNegativeFloat = Field(0.0, description="By how much the candidate's mean may be worse, in the unit of the value.")


class Guardrails(Section):
    """What stops an experiment early, whatever the score says."""

    max_errors: Share = Field(0.01, description="Share of failed requests that the candidate may have above production's.")
    max_refused: Share = Field(
        0.01, description="Share of refused requests (400 and its kin) that the candidate may have above production's."
    )
    max_slowdown: Annotated[float, Field(ge=1)] = Field(2.0, description="Times production's 95th percentile of the answering time.")
    business: BusinessMetric | None = None
    alpha: Share = Field(0.01, description="Chance that one of them stops a candidate that is no worse; for each.")


class ExperimentConfig(Section):
    """When a canary or an A/B test is decided."""

    metric: Literal["auto", "accuracy", "log_loss", "brier", "roc_auc", "mae", "rmse", "hit_rate"] = Field(
        "auto", description="auto: the problem's metric, or the loss that comes nearest to it."
    )
    goal: Literal["auto", "better", "not_worse"] = Field(
        "auto", description="What the candidate must show: ab wants it better, canary not worse by minimum_effect."
    )
    alpha: Share = Field(0.05, description="Chance of a false winner, however often one looks.")
    power: Share = Field(0.8, description="Chance of finding minimum_effect within the planned size.")
    minimum_effect: PositiveFloat | None = Field(
        None,
        description="The smallest difference that matters; without one 0.03 of accuracy, Brier or ROC-AUC, a tenth of a hit rate,"
        " 5 % of other losses.",
    )
    min_labels: Annotated[int, Field(ge=20, le=10_000_000)] = Field(
        100, description="Entities with a label, in each arm, before the score is judged."
    )
    max_days: PositiveFloat = Field(14.0, le=36_500, description="Then it is stopped, and the champion stays.")
    ramp: tuple[Share, ...] = Field((), description="Shares that a canary is raised to, one after the other: [0.05, 0.2, 0.5].")
    ramp_hours: Hours = Field(24.0, description="At each share, at the least.")
    ramp_requests: Count = Field(100, description="That the candidate must have answered at each share, at the least.")
    guardrails: Guardrails = Guardrails()

    @field_validator("ramp")
    @classmethod
    def _rising(cls, ramp: tuple[float, ...]) -> tuple[float, ...]:
        if list(ramp) != sorted(set(ramp)):
            raise ValueError("each share must be above the one before it")
        return ramp


class Retraining(Section):
    """When, and on what, a model is trained again because monitoring says so."""

    act: bool = Field(False, description="Whether --pipeline monitoring acts on its decision where neither --act nor --no-act is given.")
    window_days: PositiveFloat | None = Field(
        None, le=36_500, description="Train on rows of the last so many days, old and new; on all where absent."
    )
    min_labels: Count = Field(200, description="Labelled predictions since retraining was first asked for that there must be.")
    cooldown_hours: Hours = Field(24.0, description="From the beginning of one retraining to that of the next.")
    per_week: PositiveInt = Field(2, le=1000, description="Retrainings that may begin within seven days.")
    strategy: Literal["canary", "ab", "all"] = Field("canary", description="How the new version is tried; all: not at all.")
    share: Share | None = Field(None, description="Of the entities that get it meanwhile; the strategy's usual one where absent.")
