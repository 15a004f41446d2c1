"""Whatever is sent to the predictor is answered or refused, soon and by the client's own mistake."""

import json
import random
import shutil
import time
from dataclasses import replace

import pytest

from switchyard.bundle import Other, Signature
from switchyard.serving.errors import Refusal
from switchyard.serving.predictor import Predictor
from switchyard.serving.settings import Settings
from tests.switchyard.serving.cases import ROW, ROWS

VALUES = [None, True, 0, -1, 2**63, 1e308, 5e-324, "", " ", "nan", "inf", "\u0000", "é" * 300, "2020-02-30", "2020-01-01T00:00:00+99:99"]
VALUES += ["9999-12-31", "true", "__missing__", [], [[1]], {}, {"a": {}}, "1e400", float("nan"), float("inf")]


KEYS = [
    "rows",
    "data",
    "jsonData",
    "meta",
    "names",
    "ndarray",
    "tensor",
    "shape",
    "values",
    "puid",
    "tags",
    "entity_id",
    *ROW,
    "truth",
    "response",
    "",
]


def mutated(chance, value, depth=0):
    """`value` with things added, lost and exchanged at random."""
    if chance.random() < 0.1 or depth > 6:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        found = {key: mutated(chance, item, depth + 1) for key, item in value.items() if chance.random() > 0.05}
        if chance.random() < 0.1:
            found[chance.choice(KEYS)] = chance.choice(VALUES)
        return found
    if isinstance(value, list):
        found = [mutated(chance, item, depth + 1) for item in value if chance.random() > 0.05]
        return found * chance.choice([1, 1, 1, 2, 0])
    return value


def test_whatever_is_sent_is_answered_or_refused(predictors):
    chance, names = random.Random(0), list(ROW)
    cells = [[row[name] for name in names] for row in ROWS]
    wells = [
        {"rows": ROWS, "meta": {"puid": "a", "tags": {"entity_id": 3}}},
        {"data": {"names": names, "ndarray": cells}},
        {"data": {"names": names, "tensor": {"shape": [1, 4], "values": [1, 2, 0, 4]}}},
        {"jsonData": {"rows": ROWS}},
    ]
    answered = 0
    for number in range(3000):
        predictor = list(predictors.values())[number % 3]
        try:
            answer = predictor.predict(mutated(chance, wells[number % 4]))
        except Refusal as refusal:
            assert refusal.status == 400 and refusal.column is not None
            json.dumps(refusal.body())
        else:
            answered += 1
            json.dumps(answer, allow_nan=False)
    assert 100 < answered < 2900


def test_whatever_feedback_is_sent_is_taken_or_refused(bundles, tmp_path):
    predictor = Predictor(Settings(bundle=str(bundles["regression"]), log_url="sqlite:///x", journal=str(tmp_path)))
    chance, taken = random.Random(0), 0
    well = {"response": {"meta": {"puid": "a"}}, "truth": {"data": {"ndarray": [1.5, [2], "3"]}}}
    for _ in range(1000):
        try:
            predictor.feedback(mutated(chance, well))
            taken += 1
        except Refusal as refusal:
            assert refusal.status == 400
    assert 10 < taken < 990


def test_a_stranger_without_a_name_may_come_with_some_rows_only(predictors):
    answer = predictors["binary"].predict({"rows": [{**ROW, "": []}, ROW]})
    assert len(answer["predictions"]) == 2


def test_a_request_of_very_many_unknown_columns_costs_no_time(predictors):
    rows = [{**ROW, **{f"x{index}-{number}": 1 for number in range(100)}} for index in range(1000)]
    began = time.monotonic()
    tags = predictors["binary"].predict({"rows": rows})["meta"]["tags"]
    assert tags["unknown_columns"][:2] == ["x0-0", "x0-1"] and len(tags["unknown_columns"]) == 50
    with pytest.raises(Refusal, match="is missing"):
        predictors["binary"].predict({"rows": [{name: value for name, value in row.items() if name != "job"} for row in rows]})
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("name", ["age", "job", "Pool_QC"])
def test_a_value_nested_a_thousand_deep_is_the_clients_mistake(bundles, tmp_path, name):
    folder = shutil.copytree(bundles["binary"], tmp_path / "bundle")
    signature = Signature.read(folder)
    (folder / "signature.json").write_text(replace(signature, others=(Other("Pool_QC", "dropped", "categorical"),)).to_json())
    predictor = Predictor(Settings(bundle=str(folder), log_url="sqlite:///x", journal=str(tmp_path)))
    value = json.loads("[" * 900 + "]" * 900)
    for _ in range(120):
        value = [value]
    with pytest.raises(Refusal, match="nested too deeply") as refused:
        predictor.predict({"rows": [{**ROW, name: value}]})
    assert refused.value.status == 400


def test_twenty_thousand_names_cost_no_time(predictors):
    names = [f"x{number}" for number in range(20_000)]
    began = time.monotonic()
    for name in (names[0], "y"):
        with pytest.raises(Refusal):
            predictors["binary"].predict({"data": {"names": [*names, name], "ndarray": [[0] * 20_001]}})
    assert time.monotonic() - began < 1
