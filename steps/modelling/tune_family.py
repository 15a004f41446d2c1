"""Step: search the hyperparameters of one model family."""

from typing import Annotated

from zenml import step

from stacks.active import studies_root
from steps.caching import code_digest, depends_on
from tabular.features.plan import FeaturePlan
from tabular.problem import FamilyName, Problem
from tabular.split import Split
from tabular.tuning.leaderboard import LiveLeaderboard
from tabular.tuning.store import StudyStore, study_key
from tabular.tuning.study import Study
from tabular.tuning.tuner import tune_family as tune


@step(cache_policy=depends_on(__file__))
def tune_family(split: Split, plan: FeaturePlan, problem: Problem, family: FamilyName, fresh: bool) -> Annotated[Study, "study"]:
    """Cross-validated trials of `family`, taken up where an earlier run of the same search was stopped."""
    key = study_key(split, plan, problem, code_digest(__file__))
    store = StudyStore(studies_root(), key, fresh=fresh)
    with LiveLeaderboard() as leaderboard:
        return tune(split, plan, problem, family, store, leaderboard)
