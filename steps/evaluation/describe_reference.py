"""Step: what later windows of predictions are held against."""

from typing import Annotated

from zenml import step

from monitoring import reference as library
from monitoring.reference import Reference
from steps.caching import depends_on
from tabular.evaluation.evaluation import Evaluation
from tabular.evaluation.served import predict_served
from tabular.explanation import Explanation
from tabular.export.bundle import Bundle
from tabular.problem import Problem
from tabular.split import Split
from tabular.validation import Suite


@step(cache_policy=depends_on(__file__))
def describe_reference(
    bundle: Bundle, split: Split, evaluation: Evaluation, explanation: Explanation, suite: Suite, problem: Problem
) -> Annotated[Reference, "reference"]:
    """Rows, answers on the holdout, scores, weights of the columns and expectations, in one compact object."""
    scorer = bundle.scorer()
    predictions = predict_served(scorer, split.holdout)
    return library.describe_reference(split, predictions, scorer.signature, bundle.digest, evaluation, explanation, suite, problem)
