"""Step: from studies to the model that wins by cross-validated score."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from tabular import ensemble as library
from tabular.features.plan import FeaturePlan
from tabular.leaderboard import Leaderboard
from tabular.model import Model
from tabular.problem import Problem
from tabular.split import Split
from tabular.tuning.study import Study


@step(cache_policy=depends_on(__file__))
def build_ensemble(
    studies: list[Study], split: Split, plan: FeaturePlan, problem: Problem
) -> tuple[Annotated[Model, "model"], Annotated[Leaderboard, "leaderboard"]]:
    """Singles and ensembles compared on out-of-fold predictions; the winner is fitted to all training rows."""
    # ZenML tells two outputs from one by a tuple in the return statement.
    model, leaderboard = library.build_ensemble(studies, split, plan, problem, library.budget_left(studies, problem))
    return model, leaderboard
