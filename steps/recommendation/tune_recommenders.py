"""Step: the families tuned side by side, and their blend."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe, tune
from switchyard.tabular.recommendation.settling import holdout_of


@step(cache_policy=depends_on(__file__))
def tune_recommenders(interactions: Interactions, problem: Problem, fresh: str) -> Annotated[Recipe, "recipe"]:
    """Tune on questions from before the holdout, within the budget; `fresh` differs where a search is wanted anew."""
    tuning = problem.tuning
    return tune(interactions, tuning.families, holdout_of(problem), tuning.budget_s, tuning.trials, tuning.seed)
