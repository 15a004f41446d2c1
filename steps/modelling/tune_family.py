"""Step: search the hyperparameters of one model family, or take a share in it."""

from typing import Annotated

from zenml import step

from stacks.active import studies
from steps.caching import code_digest, depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.leaderboard import LiveLeaderboard
from switchyard.tabular.tuning.store import StudyStore, study_key
from switchyard.tabular.tuning.study import Study
from switchyard.tabular.tuning.tuner import tune_family as tune


@step(cache_policy=depends_on(__file__))
def tune_family(
    split: Split, plan: FeaturePlan, problem: Problem, family: str, fresh: str, parallel: int = 1, workers: int = 1, worker: int = 1
) -> Annotated[Study, "study"]:
    """Cross-validated trials of `family`, taken up where an earlier run of the same search was stopped.

    With several `workers` each invocation, told from the others by `worker`, claims trials of one study in the database and
    returns what it saw at its end.
    """
    with LiveLeaderboard() as leaderboard:
        return tune(split, plan, problem, family, store_of(split, plan, problem, fresh, workers), leaderboard, parallel=parallel)


def store_of(split: Split, plan: FeaturePlan, problem: Problem, fresh: str, workers: int) -> StudyStore:
    """Where the active stack keeps the studies of this search."""
    key = study_key(split, plan, problem, code_digest(__file__), shared=workers > 1)
    return studies(key, fresh=fresh, shared=workers > 1)
