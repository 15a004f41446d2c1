"""The config's section `features`: what becomes of the columns before a model sees them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from switchyard.tabular.config.names import EncoderChoice
from switchyard.tabular.config.section import Count, Section, Share


class Outliers(Section):
    """How outliers of numeric columns are found and treated."""

    method: Literal["none", "iqr", "zscore", "isolation_forest"] = Field("none", description="What finds them.")
    action: Literal["clip", "flag", "drop"] = Field("clip", description="clip and flag are in the model; drop acts on training rows only.")
    threshold: PositiveFloat | None = Field(None, description="IQR multiples (1.5), standard deviations (3) or contamination (0.01).")


class Lag(Section):
    """A lag or rolling feature from the table's own history; at serving the caller sends it as a column."""

    column: str = Field(description="Whose history is taken.")
    by: str | None = Field(None, description="Entity column within which history is taken.")
    lags: tuple[Count, ...] = Field((), description="The value so many rows before.")
    windows: tuple[Count, ...] = Field((), description="The statistic of so many rows before.")
    statistic: Literal["mean", "sum", "min", "max", "std", "count"] = Field("mean", description="Of each window.")


class Selection(Section):
    """Which features stay after encoding."""

    method: Literal["none", "chi2", "anova", "lasso", "forest", "sequential", "importance"] = Field(
        "none", description="What ranks the features."
    )
    keep: Share | PositiveInt = Field(0.5, description="Share or number of encoded features to keep.")


class Features(Section):
    """What becomes of the columns; "auto" is decided for each column and model family, with the reason in the plan."""

    numeric_imputer: Literal["auto", "mean", "median", "none"] = Field("auto", description="What stands in for missing numbers.")
    categorical_imputer: Literal["auto", "most_frequent", "own_category"] = Field(
        "auto", description="What stands in for missing categories."
    )
    interpolate: bool = Field(False, description="Fill gaps of time tables by interpolation, in training rows only.")
    outliers: Outliers = Outliers()
    derived: dict[str, str] = Field(default_factory=dict, description="Named expressions over columns: debt_ratio: loan / income")
    dates: bool = Field(True, description="Derive calendar parts from datetime columns.")
    time_column: bool = Field(True, description="The time column's calendar parts are features; false: it only orders the rows.")
    interactions: NonNegativeInt = Field(0, le=1000, description="Products of the N strongest pairs of numeric columns.")
    polynomial: Literal[1, 2, 3] = Field(1, description="Powers of numeric columns up to this one.")
    pairs: Literal["auto", "make", "leave"] = Field(
        "auto", description="Products, ratios, differences and sums of the strongest numbers, for trees; auto: each trial chooses."
    )
    lags: tuple[Lag, ...] = Field((), description="Features from the table's own history.")
    encoder: EncoderChoice = Field("auto", description="How categories become numbers.")
    scaler: Literal["auto", "standard", "minmax", "robust", "normalizer", "none"] = Field(
        "auto", description="How numbers are brought to one scale."
    )
    selection: Selection = Selection()
