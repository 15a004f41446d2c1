"""Step: go on with the family that leads, in the time that is left."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from steps.modelling.tune_family import store_of
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.leaderboard import LiveLeaderboard
from switchyard.tabular.tuning.study import Study
from switchyard.tabular.tuning.tuner import tune_further as go_on


@step(cache_policy=depends_on(__file__))
def tune_further(
    studies: list[Study], split: Split, plan: FeaturePlan, problem: Problem, fresh: str, workers: int = 1
) -> Annotated[Study, "study"]:
    """The study of the family that leads, with what it found in the time that the others left; `workers` as they had."""
    with LiveLeaderboard() as leaderboard:
        return go_on(studies, split, plan, problem, store_of(split, plan, problem, fresh, workers), leaderboard)
