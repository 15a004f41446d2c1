"""Step: what later windows of recommendations are held against."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.monitoring.recommending import reference as library
from switchyard.monitoring.reference import Reference
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.interactions import Interactions


@step(cache_policy=depends_on(__file__))
def describe_recommender(
    interactions: Interactions, evaluated: ExportedBundle, bundle: ExportedBundle, problem: Problem
) -> Annotated[Reference, "reference"]:
    """What was taken last, the catalogue, and what the evaluated twin shows to the holdout's users."""
    return library.describe_recommender(interactions, evaluated, bundle.digest, problem)
