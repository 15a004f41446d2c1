"""An answer's reasons add up to it, are those of its columns, and say how sure they are."""

import pytest

from switchyard.bundle import Bundle
from switchyard.bundle import explainer as explaining
from switchyard.bundle.examples import UNSEEN, rows_of_a_table
from switchyard.bundle.explainer import Explainer
from tests.switchyard.serving.cases import ROW, ROWS, make_bundle


def encoded(scorer, *rows):
    return scorer.encode({column.name: [row[column.name] for row in rows] for column in scorer.signature.columns})


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def bundle(request, tmp_path_factory):
    return Bundle.read(make_bundle(tmp_path_factory.mktemp(request.param), request.param))


@pytest.mark.parametrize("exact", [0, explaining.EXACT])
def test_contributions_add_up_to_the_answer_from_the_mean_of_the_background(bundle, exact, monkeypatch):
    monkeypatch.setattr(explaining, "EXACT", exact)
    scorer = bundle.scorer()
    rows = [example["row"] for example in bundle.examples["examples"]]
    reasons = Explainer(scorer, bundle.examples["examples"]).explain(encoded(scorer, ROW), 0)
    answer, background = scorer.answer(encoded(scorer, ROW)), scorer.answer(encoded(scorer, *rows))
    if scorer.signature.classes:
        code = 1 if scorer.signature.task == "binary" else answer.label_index[0]
        value, base = answer.probabilities[0, code], background.probabilities[:, code].mean()
        assert reasons.explained == f"probability of {scorer.signature.classes[code]}"
    else:
        value, base = answer.prediction[0], background.prediction.mean()

    assert (reasons.value, reasons.base) == pytest.approx((value, base))
    assert reasons.base + sum(part.amount for part in reasons.contributions) == pytest.approx(reasons.value)
    assert {part.column for part in reasons.contributions} == set(ROW)
    amounts = [abs(part.amount) for part in reasons.contributions]
    assert amounts == sorted(amounts, reverse=True)


def test_of_a_sum_each_column_gets_its_own_term(tmp_path):
    scorer = Bundle.read(make_bundle(tmp_path, "regression")).scorer()
    rows = [{**ROW, "age": 20.0, "owner": False, "job": "clerk"}, {**ROW, "age": 60.0, "owner": True, "job": "smith"}]
    reasons = Explainer(scorer, [{"row": row} for row in rows]).explain(encoded(scorer, {**ROW, "age": 50.0, "owner": True}), 0)
    amounts = {part.column: part.amount for part in reasons.contributions}

    assert amounts == pytest.approx({"age": 0.05 * 10, "owner": 0.3 * 0.5, "job": 0.5 - (0.25 + 1.0) / 2, "since": 0.0})
    assert all(part.error == 0 for part in reasons.contributions)
    assert "age (50) raises it by 0.5; owner (True) raises it by 0.15; job (nurse) lowers it by 0.125" in reasons.words(
        {**ROW, "age": 50.0}
    )


def test_samples_are_as_far_from_the_exact_values_as_they_say(tmp_path, monkeypatch):
    bundle = Bundle.read(make_bundle(tmp_path))
    scorer = bundle.scorer()
    explainer = Explainer(
        scorer, [{"row": row} for row in (*ROWS, *({**ROW, "age": age, "job": job} for age in (-40, 90) for job in ("clerk", "x")))]
    )
    inputs = encoded(scorer, {**ROW, "age": 5.0, "owner": False, "job": "smith"})
    exact = {part.column: part.amount for part in explainer.explain(inputs, 0).contributions}
    monkeypatch.setattr(explaining, "EXACT", 0)
    sampled = explainer.explain(inputs, 0).contributions

    assert any(part.error > 0 for part in sampled)
    for part in sampled:
        assert abs(part.amount - exact[part.column]) <= 5 * part.error + 1e-9, part


def test_the_background_is_the_examples_without_the_two_that_are_made_up(tmp_path):
    signature = Bundle.read(make_bundle(tmp_path)).signature
    made_up = [dict.fromkeys(ROW), {**ROWS[0], "job": UNSEEN}]
    assert rows_of_a_table([{"row": row} for row in [*ROWS, *made_up]], signature) == ROWS
    assert rows_of_a_table([{"row": row} for row in ROWS], signature) == ROWS


def test_the_same_row_has_the_same_reasons(tmp_path):
    bundle = Bundle.read(make_bundle(tmp_path))
    scorer, examples = bundle.scorer(), bundle.examples["examples"]
    one = Explainer(scorer, examples).explain(encoded(scorer, ROW), 0)
    assert Explainer(scorer, examples).explain(encoded(scorer, ROWS[2], ROW), 1) == one
