"""Predictions of bundles, and champions that can or cannot answer the challenger's rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from switchyard.bundle import BadInput, Bundle, Signature
from switchyard.tabular.evaluation.served import predict_champion, predict_served
from tests.switchyard.tabular.bundles import COLUMNS, logistic_bundle, logistic_files


def _signature() -> Signature:
    return Signature.from_json(logistic_files()["signature.json"].decode())


def _with(**changes) -> dict[str, bytes]:
    return {**logistic_files(), "signature.json": dataclasses.replace(_signature(), **changes).to_json().encode()}


def test_the_bundles_own_labels_are_kept_and_other_columns_left_aside(people):
    predictions = predict_served(logistic_bundle(), people.holdout)
    answer = logistic_bundle().score({name: people.holdout[name].to_numpy() for name in COLUMNS})
    assert (predictions.labels == answer.label_index).all()
    assert predictions.probabilities == pytest.approx(answer.probabilities)
    assert len(predictions) == len(people.holdout)


def test_a_missing_column_is_named(people):
    with pytest.raises(BadInput, match="income"):
        predict_served(logistic_bundle(), people.holdout.drop(columns="income"))


def test_a_champion_answers_the_same_rows(people):
    predictions, note = predict_champion(Bundle(logistic_files()), people.holdout, _signature(), None)
    assert note == "" and np.isfinite(predictions.probabilities).all()


@pytest.mark.parametrize(
    ("files", "first", "says"),
    [
        (None, None, "no champion"),
        (_with(classes=("no", "perhaps")), None, "another question"),
        (_with(format=99), None, "cannot be read: signature.json has format 99"),
        (_with(trained_until="2024-05-01"), "2024-03-01", "trained on rows up to 2024-05-01"),
    ],
)
def test_a_champion_that_cannot_be_compared_is_left_out_with_the_reason(people, files, first, says):
    predictions, note = predict_champion(files and Bundle(files), people.holdout, _signature(), first)
    assert predictions is None and says in note


def test_a_champion_that_needs_a_column_the_table_lost_is_left_out(people):
    predictions, note = predict_champion(Bundle(logistic_files()), people.holdout.drop(columns="noise"), _signature(), None)
    assert predictions is None and "noise" in note
