"""The numbers of a profile, as they are stored."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict


def rounded(value: float, digits: int = 6) -> float | None:
    """`value` to `digits` significant digits; None where it is no number, which JSON cannot hold."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


class Part(BaseModel):
    """Plain numbers of one aspect."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Numbers(Part):
    """Statistics of a numeric column, or of a datetime column in epoch seconds."""

    mean: float | None
    std: float | None
    minimum: float | None
    q05: float | None
    q25: float | None
    median: float | None
    q75: float | None
    q95: float | None
    maximum: float | None
    skewness: float | None
    kurtosis: float | None
    """Excess kurtosis: 0 for a normal distribution."""
    zeros: int
    negatives: int
    iqr_outliers: int
    """Values beyond 1.5 interquartile ranges from the quartiles (Tukey 1977)."""
    z_outliers: int
    """Values beyond 3 standard deviations from the mean."""


class Distribution(Part):
    """A histogram (`edges`) or the most frequent categories (`labels`) of the sampled rows, with the target in each bin."""

    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    """One more than `counts`; rows beyond the ends are counted in the outer bins."""
    counts: tuple[int, ...] = ()
    others: int = 0
    """Rows of the categories that are not listed."""
    target: tuple[tuple[float | None, ...], ...] = ()
    """For each of the profile's `series` its value per bin; None in bins of a few rows."""


class ColumnProfile(Part):
    """One column."""

    name: str
    kind: str
    role: str
    missing: int
    unique: int
    numbers: Numbers | None = None
    distribution: Distribution = Distribution()


class Association(Part):
    """How closely a column goes with the target."""

    column: str
    measure: str
    """|spearman| between numbers, cramers_v between categories, correlation_ratio between a category and a number."""
    value: float


class Pair(Part):
    """Two columns that say much the same."""

    first: str
    second: str
    measure: str
    value: float


class Timeline(Part):
    """The table over time, in periods of equal length (of equal rows where only the file's order is known)."""

    column: str
    starts: tuple[str, ...]
    rows: tuple[int, ...]
    target: tuple[tuple[float | None, ...], ...]
    """For each of the profile's `series` its value per period."""
    moving: tuple[Association, ...]
    """Features by the share of their spread that lies between periods (correlation ratio, or Cramer's V), most first."""
    means: dict[str, tuple[float | None, ...]]
    """Mean per period of the numeric features among `moving`."""
