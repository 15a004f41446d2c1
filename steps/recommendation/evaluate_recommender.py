"""Step: the evaluated twin, and what its answers are worth."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.fitting import evaluate_recipe
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe
from switchyard.tabular.recommendation.settling import holdout_of


@step(cache_policy=depends_on(__file__))
def evaluate_recommender(
    interactions: Interactions, recipe: Recipe, problem: Problem
) -> tuple[Annotated[ExportedBundle, "evaluated"], Annotated[RecommendationEvaluation, "evaluation"]]:
    """Fitted to what was before the split, asked for who came after."""
    config, item = problem.evaluation, problem.data.target
    evaluated, evaluation = evaluate_recipe(
        recipe, interactions, holdout_of(problem), problem.name, item, config.bootstrap, config.confidence
    )
    return evaluated, evaluation
