"""Step: find what is wrong with the data before a model learns it."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular import quality as library
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality import QualityReport
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def check_quality(split: Split, problem: Problem) -> Annotated[QualityReport, "quality"]:
    """Completeness, duplicates, imbalance, leakage, temporal consistency; `open_gate` acts on it."""
    return library.check_quality(split, problem)
