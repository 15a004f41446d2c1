"""What the documents are written from: the run's artifacts and a few measured values, gathered by the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation import Evaluation
from switchyard.tabular.evaluation.comparison import Comparison, Verdict
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.export.served import Served
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.profile import Profile
from switchyard.tabular.quality import QualityReport
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.validation import ValidationReport


@dataclass(frozen=True)
class SplitFacts:
    """The split without its rows."""

    kind: str
    train_rows: int
    holdout_rows: int
    boundary: str | None = None


@dataclass(frozen=True)
class Measured:
    """What was measured on the exported bundle; None where it was not."""

    latency_ms: float | None = None
    """Median of one row, in process."""
    bundle_mb: float | None = None
    parity_rows: int | None = None
    parity_difference: float | None = None
    """Largest difference to the native model over those rows: of a probability, or in standard deviations of the target."""


@dataclass(frozen=True)
class ModelFacts:
    """What the model is made of."""

    members: Mapping[str, int]
    """Family -> number of fitted models."""
    combination: str = ""
    """How members become one answer, in words; empty for a single model."""
    calibration: str = "none"
    half_width: float | None = None
    """Regression: of the conformal interval, in units of the target."""
    quantiles: str = ""
    """Regression: which quantiles it answers, in words; empty where it has none."""
    sets: str = ""
    """Classification: what its conformal sets are made to hold, in words; empty where it has none."""


@dataclass(frozen=True)
class Versions:
    """What this run can be traced and repeated by; None where it is not known."""

    data_source: str
    data_revision: str
    model_digest: str
    code_commit: str | None = None
    lock_digest: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    command: str = "python run.py --pipeline training"
    """What repeats the run."""


@dataclass(frozen=True)
class RunRecord:
    """Everything the documents may say."""

    problem: Problem
    schema: Schema
    split: SplitFacts
    profile: Profile
    quality: QualityReport
    validation: ValidationReport
    plan: FeaturePlan
    leaderboard: Leaderboard
    model: ModelFacts
    evaluation: Evaluation
    explanation: Explanation
    verdict: Verdict
    measured: Measured
    versions: Versions
    comparison: Comparison | None = None
    served: Served | None = None
    """Which model is served, and which one was scored; None where that is one and nobody asks."""
    optional: tuple[str, ...] = ()
    """Columns of the model that requests may come without."""
