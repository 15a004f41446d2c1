"""How scores, gaps and baselines are called for people."""

from __future__ import annotations

from switchyard.tabular.evaluation.baselines import CONSTANT, LIGHTGBM

NAMES = {
    "roc_auc": "ROC-AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "f1_weighted": "F1, weighted",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "r2": "R2",
    "bias": "Bias",
    "coverage": "Interval coverage",
    "width": "Interval width",
    CONSTANT: "constant",
    LIGHTGBM: "LightGBM defaults",
    "demographic_parity": "Demographic parity difference",
    "equal_opportunity": "Equal opportunity difference (false negative rate gap)",
    "false_positive_rate_gap": "False positive rate gap",
    "score": "Score gap",
    "positive_rate": "Positive rate",
    "predicted_rate": "Predicted rate",
    "false_negative_rate": "False negative rate",
    "false_positive_rate": "False positive rate",
}
"""How scores, gaps and baselines are called for people."""


def name_of(score: str) -> str:
    """For people; what has no name of its own is called as it is."""
    return NAMES.get(score, score)
