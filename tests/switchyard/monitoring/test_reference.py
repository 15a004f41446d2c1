"""What windows are held against is measured as windows are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from switchyard.monitoring.reference import describe_reference
from switchyard.tabular.evaluation.evaluation import evaluate
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.explanation import explain
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.validation import infer_suite
from tests.switchyard.monitoring.people import DIGEST, people, problem, scorer
from tests.switchyard.tabular.cases import make_split


def test_scores_of_a_weighted_training_are_held_against_windows_with_every_row_counting_once():
    frame = people(1500, 0)
    alike = make_split(frame.assign(w=np.where(frame.region == "north", 9.0, 1.0)))
    columns = [column.model_copy(update={"role": "weight"}) if column.name == "w" else column for column in alike.schema.columns]
    split, settings, model = replace(alike, schema=Schema(columns=tuple(columns))), problem(), scorer()
    answers = predict_served(model, split.holdout)
    weighted, plain = (evaluate(answers, part, settings, model.signature.classes, 0.5) for part in (split, alike))
    explanation, suite = explain(model, split, settings), infer_suite(split, settings)
    reference = describe_reference(split, answers, model.signature, DIGEST, weighted, explanation, suite, settings)

    assert reference.facts.scores == plain.scores != weighted.scores
    assert weighted.weighted_by == "w" and "Scores are weighted by w" in weighted.html()
