"""Step: from studies to the model that wins by cross-validated score."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model import ensemble as library
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.study import Study, latest


@step(cache_policy=depends_on(__file__))
def build_ensemble(
    studies: list[Study], split: Split, plan: FeaturePlan, problem: Problem
) -> tuple[Annotated[Model, "model"], Annotated[Leaderboard, "leaderboard"]]:
    """Singles and ensembles compared on out-of-fold predictions; the winner is fitted to all training rows."""
    # ZenML tells two outputs from one by a tuple in the return statement.
    found = latest(studies)
    model, leaderboard = library.build_ensemble(found, split, plan, problem, library.budget_left(found, split, problem))
    return model, leaderboard
