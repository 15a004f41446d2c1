"""Step: what later windows of predictions are held against."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.monitoring import reference as library
from switchyard.monitoring.reference import Reference
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.tables.split import Split
from switchyard.tabular.validation import Suite


@step(cache_policy=depends_on(__file__))
def describe_reference(
    evaluated: ExportedBundle,
    bundle: ExportedBundle,
    split: Split,
    evaluation: Evaluation,
    explanation: Explanation,
    suite: Suite,
    problem: Problem,
) -> Annotated[Reference, "reference"]:
    """Rows, answers on the holdout of the model that has not seen it, scores, weights of the columns and expectations."""
    scorer = evaluated.scorer()
    predictions = predict_served(scorer, split.holdout)
    return library.describe_reference(split, predictions, scorer.signature, bundle.digest, evaluation, explanation, suite, problem)
