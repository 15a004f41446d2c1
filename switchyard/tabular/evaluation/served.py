"""Predictions of exported bundles: what is scored is what will be served."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from switchyard.bundle import BadInput, Scorer, Signature
from switchyard.tabular.evaluation.predictions import Predictions


def predict_served(scorer: Scorer, frame: pd.DataFrame) -> Predictions:
    """What a bundle answers for the rows of a canonical frame, which may have more columns than the model reads.

    Raises
    ------
    BadInput
        When a column of the model is missing.
    """
    columns = {column.name: frame[column.name].to_numpy() for column in scorer.signature.columns if column.name in frame.columns}
    answer = scorer.score(columns)
    if answer.probabilities is not None:
        return Predictions(probabilities=answer.probabilities.astype("float64"), labels=answer.label_index)
    return Predictions.of_values(answer.prediction, answer.lower, answer.upper)


def predict_champion(
    files: Mapping[str, bytes] | None, frame: pd.DataFrame, challenger: Signature, first_held_out: str | None
) -> tuple[Predictions | None, str]:
    """A champion's answers for the challenger's holdout, or None and why it cannot be compared on these rows.

    Parameters
    ----------
    files : mapping of file name to content, or None
        The champion's bundle; None where there is no champion.
    frame : DataFrame
        The holdout in canonical types.
    challenger : Signature
        Whose classes the answers must have.
    first_held_out : str or None
        Time splits: the first moment of the holdout. A champion trained beyond it has seen these rows.
    """
    if files is None:
        return None, "no champion"
    try:
        signature = Signature.from_json(files["signature.json"].decode("utf-8"))
    except ValueError as error:
        return None, f"the champion's bundle cannot be read: {error}"
    if signature.task != challenger.task or signature.classes != challenger.classes:
        return None, "the champion answers another question (its task or classes differ)"
    if first_held_out and signature.trained_until and pd.Timestamp(signature.trained_until) > pd.Timestamp(first_held_out):
        return None, f"the champion was trained on rows up to {signature.trained_until}, which are in this holdout"
    try:
        return predict_served(Scorer.of(files["model.onnx"], signature), frame), ""
    except BadInput as error:
        return None, f"the champion cannot score these rows: {error}"
