"""Step: decide what becomes of every column."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from steps.data.open_gate import Admission
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features import plan as library
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def plan_features(split: Split, admission: Admission, problem: Problem) -> Annotated[FeaturePlan, "plan"]:
    """Imputing, encoding, scaling, derived features, columns left out and why; nothing is fitted here."""
    return library.plan_features(split, admission.dropped, problem)
