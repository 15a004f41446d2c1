"""Step: the same recipe on all interactions, as the bundle that serving gets."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.export import GraphParity
from switchyard.tabular.recommendation.fitting import fit_to_all
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe


@step(cache_policy=depends_on(__file__))
def fit_recommender(
    interactions: Interactions, recipe: Recipe, problem: Problem
) -> tuple[Annotated[ExportedBundle, "bundle"], Annotated[GraphParity, "parity"]]:
    """Proven equal to the model that it was made from."""
    bundle, parity, _ = fit_to_all(recipe, interactions, problem.name, problem.data.target)
    return bundle, parity
