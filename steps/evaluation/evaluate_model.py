"""Step: how good the exported model is on the holdout, beside two baselines."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.served import evaluate_served
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def evaluate_model(evaluated: ExportedBundle, split: Split, plan: FeaturePlan, problem: Problem) -> Annotated[Evaluation, "evaluation"]:
    """Score what the evaluated bundle answers; the baselines see the same columns and rows."""
    return evaluate_served(evaluated, split, plan, problem)
