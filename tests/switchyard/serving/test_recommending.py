"""The service answers requests for recommendations as it answers rows: one by itself or several, logged, described, proven by examples."""

from __future__ import annotations

import json

import jsonschema
import pytest

import switchyard
from switchyard.bundle import Bundle
from switchyard.bundle.examples import check_examples
from switchyard.predictionlog.frames import scan
from switchyard.predictionlog.records import rows_of
from switchyard.serving import openapi
from switchyard.serving.errors import Refusal
from switchyard.serving.predictor import Predictor
from switchyard.serving.settings import Settings
from tests.switchyard.tabular.recommendation.shops import shop


@pytest.fixture(scope="module")
def fitted():
    return switchyard.recommend(shop(60, 20, 8), trials=1, resamples=10)


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    fitted.bundle.write(folder)
    return folder


@pytest.fixture(scope="module")
def predictor(folder):
    return Predictor(Settings(bundle=str(folder), entity_column="user"))


def test_a_request_by_itself_is_answered_by_itself(predictor, fitted):
    answer = predictor.predict({"user": "u3", "history": ["i1"], "k": 3, "exclude": ["i2"]}, "r1")

    expected = fitted.recommend("u3", ["i1"], 3, ["i2"])
    assert answer["items"] == list(expected.items) and answer["scores"] == list(expected.scores)
    assert answer["prediction_id"] == "r1" and answer["meta"]["tags"]["digest"] == fitted.bundle.digest
    # What is left out of a request is nothing odd.
    assert "absent_columns" not in predictor.predict({"user": "u3"})["meta"]["tags"]


def test_a_recommendation_is_not_explained(predictor):
    for message in ({"user": "u3"}, {"rows": [{"user": "u3"}]}):
        with pytest.raises(Refusal, match="answers of a recommendation are not explained"):
            predictor.explain(message)


def test_several_are_rows_whose_fields_may_differ(predictor, fitted):
    rows = [{"user": "u3"}, {"history": ["i1", "i2"], "k": 2}, {"user": None, "history": None, "k": None}]

    answer = predictor.predict({"rows": rows})
    in_json = predictor.predict({"jsonData": {"rows": rows}})

    assert [one["items"] for one in answer["predictions"]] == [one["items"] for one in in_json["jsonData"]["predictions"]]
    assert answer["predictions"][1]["items"] == list(fitted.recommend(history=["i1", "i2"], k=2).items)
    assert len(answer["predictions"][2]["items"]) == 10


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, "has no request; send"),
        ({"history": "i1"}, "is 'i1'; it is a list of item ids, oldest first"),
        ({"rows": [{"user": "u1"}, {"k": -1}]}, "row 1: is -1; it is a whole number from 1 to 1,000"),
        ({"histroy": ["i1"]}, "is not known; did you mean 'history'? There are 'user', 'history', 'exclude', 'k' and 'attributes'"),
        ({"user": "u3", "histroy": ["i1"]}, "did you mean 'history'? Where it is not"),
        ({"visitor": "u3"}, "is not known; send one at least of 'user', 'history', 'exclude', 'k' and 'attributes'"),
        ({"data": {"names": ["user"], "ndarray": [["u1"]]}}, "can't hold a request for recommendations"),
    ],
)
def test_what_is_no_request_is_refused_in_one_line(predictor, message, words):
    with pytest.raises(Refusal) as raised:
        predictor.predict(message)

    assert words in raised.value.info and "\n" not in raised.value.info


def test_an_unknown_item_is_named_in_the_answer(predictor):
    answer = predictor.predict({"history": ["i1", "newest"]})

    assert answer["items"] and "'newest' is no item that the model knows" in answer["notes"][0]


def test_the_log_keeps_what_was_asked_by_whom_and_what_was_answered(folder, tmp_path):
    predictor = Predictor(Settings(bundle=str(folder), entity_column="user", journal=str(tmp_path), log_url="sqlite:///log.db"))
    answer = predictor.predict({"user": "u3", "k": 2}, "r1")
    predictor.feedback({"prediction_id": "r1", "label": answer["items"][1]})

    journals = [path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    payloads = [payload for journal in journals for payload in scan(journal, final=True).payloads]
    predictions = [row for payload in payloads for row in rows_of(payload)[0]]
    labels = [row for payload in payloads for row in rows_of(payload)[1]]

    assert predictions[0]["entity_id"] == "u3" and predictions[0]["inputs"]["k"] == 2
    assert list(predictions[0]["probabilities"]) == answer["items"] and predictions[0]["label"] == answer["items"][0]
    assert labels[0]["value"] == answer["items"][1]


def test_requests_and_answers_are_as_described(predictor, folder):
    described = json.loads(openapi.document(predictor.signature, predictor.tags, predictor.example_rows, predictor.settings))

    def holds(value, name):
        jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": described["components"]}).validate(value)

    for message in ({"user": "u3"}, {"history": ["i1", 2], "k": 3}, {"rows": [{"user": "u3"}, {"exclude": ["i1"]}]}):
        holds(message, "PredictionRequest")
        holds(predictor.predict(message), "PredictionAnswer")
    holds({"prediction_id": "r1", "label": "i7"}, "FeedbackRequest")
    with pytest.raises(jsonschema.ValidationError):
        holds({"user": "u3", "k": 0}, "PredictionRequest")


def test_examples_prove_the_bundle_and_metrics_count(folder, predictor):
    assert check_examples(folder) == predictor.examples >= 3

    predictor.predict({"rows": [{"user": "u3"}, {"user": "u4"}]})

    assert "switchyard_rows_total" in predictor.metrics.text()


def test_the_bundle_is_known_by_its_files_like_any_other(folder, fitted):
    bundle = Bundle.read(folder).verify(fitted.bundle.digest)

    assert bundle.signature.task == "recommendation" and bundle.scorer().score({"history": [["i1"]]}).recommendations
    assert "Bundle recommender" in fitted.bundle.html()
