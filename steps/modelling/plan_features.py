"""Step: decide what becomes of every column."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from steps.data.open_gate import Admission
from tabular.features import plan as library
from tabular.features.plan import FeaturePlan
from tabular.problem import Problem
from tabular.split import Split


@step(cache_policy=depends_on(__file__))
def plan_features(split: Split, admission: Admission, problem: Problem) -> Annotated[FeaturePlan, "plan"]:
    """Imputing, encoding, scaling, derived features, columns left out and why; nothing is fitted here."""
    return library.plan_features(split, admission.dropped, problem)
