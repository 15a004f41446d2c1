"""Predictions of exported bundles: what is scored is what will be served."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from switchyard.bundle import BadInput, Bundle, Scorer, Signature
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.baselines import DEFAULTS, fit_baselines
from switchyard.tabular.evaluation.evaluation import Evaluation, evaluate
from switchyard.tabular.evaluation.learning import learn_in_part
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.features.record import FeaturePlan
from switchyard.tabular.tables.split import Split


def predict_served(scorer: Scorer, frame: pd.DataFrame) -> Predictions:
    """What a bundle answers for the rows of a canonical frame, which may have more columns than the model reads.

    Raises
    ------
    BadInput
        When a column of the model is missing.
    """
    answer = scorer.score_frame(frame)
    if answer.probabilities is not None:
        proba = answer.probabilities.astype("float64")
        return Predictions(probabilities=proba, labels=answer.label_index, members=answer.members, distances=answer.distance)
    said = Predictions.of_values(answer.prediction, answer.lower, answer.upper)
    levels = scorer.signature.quantiles
    return said if levels is None else replace(said, quantiles=answer.quantiles, levels=levels.levels)


def evaluate_served(bundle: Bundle, split: Split, plan: FeaturePlan, problem: Problem) -> Evaluation:
    """Score what the bundle answers for the holdout, beside baselines that see the same columns and rows."""
    scorer = bundle.scorer()
    signature = scorer.signature
    # Plain moments that order the rows would only weaken them: every row of the holdout lies beyond.
    compared = tuple(column for column in plan.used if plan[column.name].role != "time") or plan.used
    baselines = fit_baselines(split, compared, problem, signature.classes)
    in_part = learn_in_part(split, compared, problem, signature.classes) if DEFAULTS in baselines.predictions else {}
    return evaluate(predict_served(scorer, split.holdout), split, problem, signature.classes, signature.threshold, baselines, in_part)


def predict_champion(
    champion: Bundle | None, frame: pd.DataFrame, challenger: Signature, first_held_out: str | None
) -> tuple[Predictions | None, str]:
    """A champion's answers for the challenger's holdout, or None and why it cannot be compared on these rows.

    Parameters
    ----------
    champion : Bundle or None
        The champion's, verified; None where there is no champion.
    frame : DataFrame
        The holdout in canonical types.
    challenger : Signature
        Whose classes the answers must have.
    first_held_out : str or None
        Time splits: the first moment of the holdout. A champion trained beyond it has seen these rows.
    """
    if champion is None:
        return None, "no champion"
    try:
        signature = champion.signature
    except ValueError as error:
        return None, f"the champion's bundle cannot be read: {error}"
    if signature.task != challenger.task or signature.classes != challenger.classes:
        return None, "the champion answers another question (its task or classes differ)"
    if first_held_out and signature.trained_until is None:
        return None, "the champion's rows were not split by time, so it may have been trained on rows of this holdout"
    if first_held_out and signature.trained_until and pd.Timestamp(signature.trained_until) > pd.Timestamp(first_held_out):
        return None, f"the champion was trained on rows up to {signature.trained_until}, which are in this holdout"
    try:
        return predict_served(champion.scorer(), frame), ""
    except BadInput as error:
        return None, f"the champion cannot score these rows: {error}"
