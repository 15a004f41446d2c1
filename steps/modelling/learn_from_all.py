"""Step: what was evaluated, fitted once more to all rows, as the bundle that serving gets."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.bundle import ExportedBundle, Parity
from switchyard.tabular.export.served import Served, make_served
from switchyard.tabular.export.terms import Terms
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.tables.large.rest import Rest
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def learn_from_all(
    model: Model,
    evaluated: ExportedBundle,
    parity: Parity,
    leaderboard: Leaderboard,
    split: Split,
    rest: Rest,
    plan: FeaturePlan,
    terms: Terms,
    problem: Problem,
) -> tuple[Annotated[ExportedBundle, "bundle"], Annotated[Served, "served"]]:
    """The same recipe on training rows and holdout, within what is left of the budget; the evaluated model itself where that fails."""
    _, bundle, served = make_served(model, evaluated, parity, split, plan, problem, leaderboard.left_s, terms, rest)
    return bundle, served
