"""Step: how good the exported model is on the holdout, beside two baselines."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from tabular.evaluation import evaluation as library
from tabular.evaluation.baselines import fit_baselines
from tabular.evaluation.evaluation import Evaluation
from tabular.evaluation.served import predict_served
from tabular.export.bundle import Bundle
from tabular.features.plan import FeaturePlan
from tabular.problem import Problem
from tabular.split import Split


@step(cache_policy=depends_on(__file__))
def evaluate_model(bundle: Bundle, split: Split, plan: FeaturePlan, problem: Problem) -> Annotated[Evaluation, "evaluation"]:
    """Score what the bundle answers; the baselines see the same columns and rows."""
    scorer = bundle.scorer()
    signature = scorer.signature
    baselines = fit_baselines(split, plan.used, problem, signature.classes)
    predictions = predict_served(scorer, split.holdout)
    return library.evaluate(predictions, split, problem, signature.classes, signature.threshold, baselines)
