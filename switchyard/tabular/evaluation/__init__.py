"""How good a model is on the holdout: scores with intervals, per class and slice, beside two baselines."""

from switchyard.tabular.evaluation.baselines import CONSTANT, DEFAULTS, Baselines, fit_baselines
from switchyard.tabular.evaluation.evaluation import Evaluation, evaluate
from switchyard.tabular.evaluation.predictions import Predictions, encode_truth
from switchyard.tabular.evaluation.resampling import Estimate

__all__ = ["CONSTANT", "DEFAULTS", "Baselines", "Estimate", "Evaluation", "Predictions", "encode_truth", "evaluate", "fit_baselines"]
