"""The real microservice answers every payload, and says no in JSON."""

import http.client
import json
import socket
import subprocess
import time

import pytest
from sqlalchemy import select

from switchyard.bundle import digest
from switchyard.bundle.examples import differences, read_examples
from switchyard.predictionlog import connect, create_tables
from switchyard.predictionlog.database import labels, predictions
from switchyard.serving.environment import FOLDER, ROOT
from tests.switchyard.serving.cases import ROW, ROWS, probability

NAMES = list(ROW)
VALUES = [[row[name] for name in NAMES] for row in ROWS]


def logged(service, table, count=1, **where):
    """Rows of the service's log, once there are `count`."""
    engine = connect(service.settings.log_url)
    create_tables(engine)
    deadline = time.monotonic() + 10
    while True:
        with engine.connect() as connection:
            rows = connection.execute(select(table).filter_by(**where)).all()
        if len(rows) >= count or time.monotonic() > deadline:
            engine.dispose()
            return rows
        time.sleep(0.1)


def test_rows(service):
    status, answer = service.predict({"rows": ROWS})

    assert status == 200
    # The second of the rows holds nothing.
    assert answer["meta"]["tags"] == {"model": "loans", "version": "3", "digest": digest(service.settings.bundle), "empty_rows": [1]}
    first = answer["predictions"][0]
    assert first["probabilities"]["yes"] == pytest.approx(probability(ROW), abs=1e-9)
    assert (first["label"], first["confidence"]) == ("yes", first["probabilities"]["yes"])
    puid = answer["meta"]["puid"]
    assert [row["prediction_id"] for row in answer["predictions"]] == [puid, f"{puid}/1", f"{puid}/2"]


def test_the_label_is_by_the_threshold_of_the_bundle(service):
    # 0.55 to 0.6: above a half and below the bundle's threshold.
    row = {"age": 5, "since": None, "owner": False, "job": "clerk"}
    _, answer = service.predict({"rows": [row, {**row, "age": 20}]})

    chances = [prediction["probabilities"]["yes"] for prediction in answer["predictions"]]
    assert chances[0] > 0.5 and [prediction["label"] for prediction in answer["predictions"]] == [
        "yes" if chance >= 0.6 else "no" for chance in chances
    ]


def test_examples_of_the_bundle_get_their_answers(service):
    for example in read_examples(service.settings.bundle):
        _, answer = service.predict({"rows": [example["row"]]})
        assert differences(example["answer"], answer["predictions"][0]) == []


def test_ndarray_and_tensor_and_json_data_agree_with_rows(service):
    _, plain = service.predict({"rows": ROWS})
    expected = [[row["probabilities"]["no"], row["probabilities"]["yes"]] for row in plain["predictions"]]
    reversed_names = {"names": NAMES[::-1], "ndarray": [row[::-1] for row in VALUES]}

    for data in ({"names": NAMES, "ndarray": VALUES}, reversed_names):
        status, answer = service.predict({"data": data})
        assert status == 200
        assert answer["data"]["names"] == ["no", "yes"] and answer["data"]["ndarray"] == expected
        assert answer["meta"]["tags"]["labels"] == [row["label"] for row in plain["predictions"]]
    numbers = {"names": NAMES, "tensor": {"shape": [2, 4], "values": [40, 1577836800, 1, 7, 70, 1.6e9, 0, 7]}}
    status, answer = service.predict({"data": numbers})
    assert status == 200 and answer["data"]["tensor"]["shape"] == [2, 2]
    assert answer["data"]["tensor"]["values"][3] == pytest.approx(expected[2][1])
    for content in (ROWS, {"rows": ROWS}):
        assert service.predict({"jsonData": content})[1]["jsonData"]["predictions"][2]["label"] == plain["predictions"][2]["label"]
    assert len(service.predict({"jsonData": ROW})[1]["jsonData"]["predictions"]) == 1


@pytest.mark.parametrize(
    ("body", "column", "row"),
    [
        (b"{", "body", None),
        (b"", "body", None),
        (b"\xff\xfe", "body", None),
        (b'{"rows": [{"age": NaN}]}', "body", None),
        (b"[" * 100_000, "body", None),
        ([1, 2], "body", None),
        ({}, "body", None),
        ({"strData": "x"}, "body", None),
        ({"rows": [ROW], "data": {}}, "body", None),
        ({"rows": []}, "rows", None),
        ({"rows": {}}, "rows", None),
        ({"rows": [ROW, 1]}, "rows", 1),
        ({"rows": [ROW] * 51}, "rows", None),
        ({"rows": [{}]}, "age", None),
        ({"rows": [{name: ROW[name] for name in NAMES[:3]}]}, "job", None),
        ({"rows": [ROW, {name: ROW[name] for name in NAMES[:3]}]}, "job", 1),
        ({"rows": [{name: ROW[name] for name in NAMES[:3]}, ROW]}, "job", 0),
        ({"rows": [{**ROW, "age": "old"}]}, "age", 0),
        ({"rows": [ROW, {**ROW, "age": "old"}]}, "age", 1),
        ({"rows": [{**ROW, "age": [1]}]}, "age", 0),
        ({"rows": [{**ROW, "age": 10**400}]}, "body", None),
        ({"rows": [{**ROW, "owner": "perhaps"}]}, "owner", 0),
        ({"rows": [{**ROW, "since": "yesterday"}]}, "since", 0),
        ({"rows": [{**ROW, "job": {}}]}, "job", 0),
        ({"data": []}, "data", None),
        ({"data": {"names": NAMES}}, "data", None),
        ({"data": {"ndarray": VALUES}}, "data.names", None),
        ({"data": {"names": ["age", "age"], "ndarray": [[1, 2]]}}, "age", None),
        ({"data": {"names": NAMES, "ndarray": VALUES[0]}}, "data.ndarray", 0),
        ({"data": {"names": NAMES, "ndarray": [VALUES[0], [1]]}}, "data.ndarray", 1),
        ({"data": {"names": [], "ndarray": [[]]}}, "age", None),
        ({"data": {"names": NAMES, "tensor": {"shape": [1, 3], "values": [1, 2, 3]}}}, "data.tensor.shape", None),
        ({"data": {"names": NAMES, "tensor": {"shape": [2, 4], "values": [1, 2, 3, 4]}}}, "data.tensor.values", None),
        ({"rows": [ROW], "meta": {"puid": "a b"}}, "meta.puid", None),
        ({"rows": [ROW], "meta": 3}, "meta", None),
        ({"rows": [{**ROW, "customer": "\u0000"}]}, "customer", 0),
    ],
)
def test_bad_input_is_a_400_that_names_the_column(service, body, column, row):
    status, answer = service.predict(body)

    assert status == 400, answer
    assert (answer["error"]["column"], answer["error"]["row"]) == (column, row)
    assert answer["status"]["code"] == 400 and answer["status"]["status"] == "FAILURE"
    assert column in answer["status"]["info"]


def test_a_misspelt_column_is_corrected(service):
    row = {name: value for name, value in ROW.items() if name not in ("job", "owner")}
    _, answer = service.predict({"rows": [{**row, "jbo": 1}]})
    assert "'job'" in answer["error"]["problem"] and "'owner'" in answer["error"]["problem"]
    assert "did you mean 'job' by 'jbo'" in answer["error"]["problem"]


def _marked(service):
    _, text = service.request("GET", "/metrics")
    (line,) = [line for line in text.splitlines() if line.startswith('switchyard_requests_marked_total{mark="unknown_columns"}')]
    return float(line.split()[-1])


def test_an_unknown_column_gets_the_answer_and_a_mark(service):
    before = _marked(service)
    _, plain = service.predict({"rows": [ROW, ROW]})
    status, answer = service.predict({"rows": [{**ROW, "agee": 1}, {**ROW, "extra": 1, "default": "no"}]}, x_request_id="odd")
    assert status == 200 and answer["meta"]["tags"]["unknown_columns"] == ["agee", "extra"]
    assert answer["predictions"][0]["probabilities"] == plain["predictions"][0]["probabilities"]
    assert "unknown_columns" not in plain["meta"]["tags"] and _marked(service) == before + 1
    data = {"names": [*NAMES, "Unnamed: 0"], "ndarray": [[*values, number] for number, values in enumerate(VALUES)]}
    assert "unknown_columns" not in service.predict({"data": data})[1]["meta"]["tags"]
    assert [row.inputs for row in logged(service, predictions, 2, request_id="odd")] == [ROW, ROW]


def test_other_refusals(service):
    assert service.request("GET", "/api/v1.0/predictions")[0] == 405
    assert service.request("PUT", "/health/status")[0] == service.request("POST", "/docs")[0] == 405
    assert service.request("POST", "/transform-input", {"data": {}})[0] == 404
    status, answer = service.predict({"rows": [{**ROW, "job": "x" * 100_000}]})
    assert status == 413 and answer["status"]["reason"] == "TOO_LARGE"
    assert service.predict({"rows": [ROW]}, x_request_id="not an id")[0] == 400
    assert service.predict({"rows": [ROW]})[0] == 200


@pytest.mark.parametrize(
    "request_, code, reason",
    [
        (b"GET /health/ping?a=" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "TOO_LARGE"),
        (b"GET /health/ping HTTP/1.1\r\nHost: x\r\nx-a: " + b"a" * 9_000 + b"\r\n\r\n", 431, "TOO_LARGE"),
        (b"GET /health/ping HTTP/1.1\r\n" + b"x: 1\r\n" * 150 + b"\r\n", 431, "TOO_LARGE"),
        (b"nothing\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /health/ping HTTP/x.y\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /health/ping HTTP/1.1\r\nno header\r\n\r\n", 400, "BAD_REQUEST"),
    ],
)
def test_what_is_refused_before_it_is_a_request_is_refused_in_json(service, request_, code, reason):
    with socket.create_connection(("127.0.0.1", service.http_port), timeout=10) as client:
        client.sendall(request_)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        status = json.loads(answer.read())["status"]
    assert (answer.status, status["code"], status["reason"]) == (code, code, reason)


def test_request_id_is_the_prediction_id_and_repeats_are_one_row(service):
    for _ in range(3):
        _, answer = service.predict({"rows": [{**ROW, "customer": 17}]}, x_request_id="again-1")
        assert answer["meta"]["puid"] == "again-1"
    _, answer = service.predict(
        {"rows": [ROW], "meta": {"puid": "mine", "tags": {"entity_id": "b"}}}, x_request_id="header", x_entity_id="b"
    )
    assert answer["meta"]["puid"] == "mine"
    service.predict({"rows": [ROW, ROW]}, x_request_id="two", x_entity_id="c")

    (row,) = logged(service, predictions, request_id="again-1")
    assert (row.prediction_id, row.entity_id, row.model, row.version, row.role) == ("again-1", "17", "loans", "3", "live")
    assert row.inputs == {**ROW, "customer": 17} and row.label == "yes"
    assert row.probabilities["yes"] == pytest.approx(probability(ROW), abs=1e-9)
    assert [row.entity_id for row in logged(service, predictions, request_id="mine")] == ["b"]
    assert [(row.prediction_id, row.entity_id) for row in logged(service, predictions, 2, request_id="two")] == [
        ("two", "c"),
        ("two/1", "c"),
    ]


def test_feedback_becomes_labels(service):
    service.predict({"rows": ROWS}, x_request_id="fed")
    assert service.feedback({"prediction_id": "fed", "label": "no"})[1]["jsonData"] == {"accepted": 1}
    truth = {"data": {"ndarray": ["yes", ["no"], "yes"]}}
    status, answer = service.feedback({"response": {"meta": {"puid": "fed"}}, "truth": truth, "reward": 1.0})
    assert (status, answer["jsonData"]) == (200, {"accepted": 3})

    rows = logged(service, labels, 4)
    assert sorted((row.prediction_id, row.value) for row in rows if row.prediction_id.startswith("fed")) == [
        ("fed", "no"),
        ("fed", "yes"),
        ("fed/1", "no"),
        ("fed/2", "yes"),
    ]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"no", "body"),
        ({}, "response.meta.puid"),
        ({"prediction_id": "a b", "label": "no"}, "prediction_id"),
        ({"prediction_id": "a", "label": None}, "label"),
        ({"prediction_id": "a", "label": "perhaps"}, "label"),
        ({"response": {"meta": {"puid": "a"}}}, "truth"),
        ({"response": {"meta": {"puid": "a"}}, "truth": {"data": {"ndarray": []}}}, "truth"),
        ({"response": {"meta": {"puid": "a/1"}}, "truth": {"data": {"ndarray": ["no", "no"]}}}, "truth"),
    ],
)
def test_bad_feedback_is_a_400(service, body, part):
    status, answer = service.feedback(body)
    assert status == 400 and answer["error"]["column"] == part


def test_health_and_metadata_prove_the_digest(service):
    status, health = service.request("GET", "/health/status")
    _, metadata = service.request("GET", "/api/v1.0/metadata")

    assert status == 200 and health["meta"]["tags"]["digest"] == digest(service.settings.bundle)
    assert metadata["custom"]["digest"] == digest(service.settings.bundle)
    assert (metadata["name"], metadata["versions"]) == ("loans", ["3"])
    assert metadata["inputs"][0]["schema"]["names"] == NAMES


def samples(text):
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line and not line.startswith("#")}


def test_metrics_count_over_all_workers(service):
    before = samples(service.request("GET", "/metrics")[1])
    for _ in range(30):
        service.predict({"rows": [{**ROW, "job": None}]})
    service.predict({"rows": []})
    after = samples(service.request("GET", "/metrics", port=service.metrics_port)[1])

    def grown(name):
        return after[f"switchyard_{name}"] - before[f"switchyard_{name}"]

    assert grown('requests_total{path="predictions",code="200"}') == 30
    assert grown('requests_total{path="predictions",code="400"}') == 1
    assert grown("request_seconds_count") == 31 and grown('request_seconds_bucket{le="+Inf"}') == 31
    assert grown("rows_total") == grown("score_count") == 30
    assert grown('input_missing_total{column="job"}') == 30 and grown('input_missing_total{column="age"}') == 0
    assert grown('predictions_total{label="yes"}') + grown('predictions_total{label="no"}') == 30
    assert after["switchyard_log_connected"] == 1
    assert any(name.startswith("switchyard_model_info{") and 'version="3"' in name for name in after)


GRPC_CLIENT = """
import sys, grpc
from google.protobuf import json_format
from seldon_core.proto import prediction_pb2 as pb, prediction_pb2_grpc as rpc
stub = rpc.SeldonStub(grpc.insecure_channel("127.0.0.1:" + sys.argv[1]))
for line in sys.stdin:
    kind, text = line.split(" ", 1)
    if kind == "predict":
        answer = stub.Predict(json_format.Parse(text, pb.SeldonMessage()))
    else:
        answer = stub.SendFeedback(json_format.Parse(text, pb.Feedback()))
    print(json_format.MessageToJson(answer, indent=None), flush=True)
"""


def test_grpc(service):
    messages = [
        ("predict", {"data": {"names": NAMES, "ndarray": VALUES}, "meta": {"puid": "by-grpc"}}),
        ("predict", {"data": {"names": NAMES, "tensor": {"shape": [1, 4], "values": [40, "NaN", 1, 3]}}}),
        ("predict", {"jsonData": {"rows": ROWS}}),
        ("predict", {"data": {"names": ["age"], "ndarray": [["old"]]}}),
        ("feedback", {"response": {"meta": {"puid": "by-grpc"}}, "truth": {"data": {"ndarray": ["no", "yes", "no"]}}}),
    ]
    lines = "".join(f"{kind} {json.dumps(message)}\n" for kind, message in messages)
    command = [FOLDER / "bin" / "python", "-W", "ignore", "-c", GRPC_CLIENT, str(service.grpc_port)]
    run = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    ndarray, tensor, rows, bad, fed = map(json.loads, run.stdout.splitlines())

    _, by_rest = service.predict({"data": {"names": NAMES, "ndarray": VALUES}})
    assert ndarray["data"]["ndarray"] == by_rest["data"]["ndarray"] and ndarray["meta"]["puid"] == "by-grpc"
    assert ndarray["meta"]["tags"]["labels"] == by_rest["meta"]["tags"]["labels"]
    assert tensor["data"]["tensor"]["shape"] == [1, 2]
    assert [row["label"] for row in rows["jsonData"]["predictions"]] == by_rest["meta"]["tags"]["labels"]
    assert bad["status"]["code"] == 400 and "FAILURE" in bad["status"]["status"]
    assert fed["jsonData"] == {"accepted": 3}
    assert len(logged(service, predictions, 3, request_id="by-grpc")) == 3


def test_an_answer_comes_with_its_reasons_and_explaining_alone_logs_nothing(service):
    _, plain = service.predict({"rows": [ROW]})
    _, asked = service.predict({"rows": [ROW], "explain": True}, x_request_id="why-1")
    status, alone = service.request("POST", "/explain", {"rows": [ROW, ROW], "meta": {"puid": "why-2"}})
    _, array = service.request("POST", "/api/v1.0/explain", {"data": {"names": NAMES, "ndarray": VALUES}})

    assert status == 200 and "explanation" not in plain["predictions"][0]
    explanation = asked["predictions"][0]["explanation"]
    assert (explanation["of"], explanation["value"]) == ("probability of yes", plain["predictions"][0]["probabilities"]["yes"])
    total = explanation["base"] + sum(part["amount"] for part in explanation["contributions"])
    assert total == pytest.approx(explanation["value"])
    assert {part["column"]: part["value"] for part in explanation["contributions"]} == ROW
    assert [row["explanation"] for row in alone["predictions"]] == [explanation, explanation]
    assert len(array["meta"]["tags"]["explanations"]) == len(VALUES)
    assert len(logged(service, predictions, request_id="why-1")) == 1
    assert logged(service, predictions, 0, request_id="why-2") == []


def test_too_many_rows_to_explain_are_refused(service):
    status, refused = service.request("POST", "/explain", {"rows": [ROW] * 11})
    assert status == 400 and "at most 10 rows" in refused["status"]["info"]
    status, refused = service.predict({"rows": [ROW], "explain": "yes"})
    assert status == 400 and refused["error"]["column"] == "explain"


def test_regression_has_an_interval(start):
    service = start("regression")
    _, answer = service.predict({"rows": [ROW]})
    _, array = service.predict({"data": {"names": NAMES, "ndarray": VALUES}})

    (prediction,) = answer["predictions"]
    assert prediction["upper"] - prediction["prediction"] == pytest.approx(2.5) == prediction["prediction"] - prediction["lower"]
    assert list(prediction["quantiles"]) == ["0.1", "0.9"] and prediction["quantiles"]["0.1"] < prediction["quantiles"]["0.9"]
    assert (
        array["data"]["names"] == ["prediction", "lower", "upper", "quantile_0.1", "quantile_0.9"]
        and array["data"]["ndarray"][0][0] == prediction["prediction"]
    )
    assert service.feedback({"prediction_id": answer["meta"]["puid"], "label": 12.5})[0] == 200
    assert service.feedback({"prediction_id": answer["meta"]["puid"], "label": "much"})[0] == 400
    assert [row.value for row in logged(service, labels)] == ["12.5"]
    assert logged(service, predictions, 4)[0].lower == pytest.approx(prediction["lower"])


def test_many_classes_and_no_log(start):
    service = start("multiclass", log_url="", role="shadow")
    _, answer = service.predict({"rows": [ROW]})

    (prediction,) = answer["predictions"]
    assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    ranked = sorted(prediction["probabilities"], key=prediction["probabilities"].get, reverse=True)
    least = {"high": 0.2, "low": 0.1, "mid": 0.3}
    assert prediction["set"] == [name for name in ranked if prediction["probabilities"][name] >= least[name]]
    assert prediction["decision"] == ("answer" if len(prediction["set"]) == 1 else "review")
    tags = service.predict({"data": {"names": NAMES, "ndarray": VALUES}})[1]["meta"]["tags"]
    assert len(tags["sets"]) == len(VALUES) and (tags["sets"][0], tags["decisions"][0]) == (prediction["set"], prediction["decision"])
    status, refused = service.feedback({"prediction_id": "a", "label": "low"})
    assert status == 503 and "SWITCHYARD_LOG_URL" in refused["status"]["info"]
