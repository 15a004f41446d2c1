"""Step: which columns move the prediction, and why single rows got theirs."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular import explanation as library
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def explain_model(evaluated: ExportedBundle, split: Split, problem: Problem) -> Annotated[Explanation, "explanation"]:
    """SHAP and LIME on the exported graph, in the raw columns that a caller sends."""
    return library.explain(evaluated.scorer(), split, problem)
