"""`switchyard.Client` against the real service behind its real front door, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

from deployment.host import Traffic
from switchyard import Client
from switchyard.client import RequestFailed
from switchyard.serving import environment
from switchyard.serving.frontdoor.tokens import first_token, read_tokens
from tests.switchyard.serving.cases import ROW, ROWS

ANSWER = {"predictions": [{"prediction_id": "p", "label": "yes", "probabilities": {"no": 0.2, "yes": 0.8}}]}


@pytest.fixture
def deployed(host, releases):
    host.start(releases["1"], 30)
    host.shift("loans", Traffic.all_to("v1"), 30)
    return host.inspect("loans")


def test_a_deployed_model_answers_records_frames_and_labels(deployed):
    with Client(deployed.url, token_file=deployed.token_file) as model:
        assert model.describe()["name"] == "loans"
        records = model.predict(ROWS, request_id="mine", entity="customer-4")
        assert [answer["prediction_id"] for answer in records] == ["mine", "mine/1", "mine/2"]

        frame = pd.DataFrame(ROWS, index=["a", "b", "c"])
        answers = model.predict(frame)
        assert list(answers.index) == ["a", "b", "c"]
        assert list(answers["label"]) == [answer["label"] for answer in records]
        first = records[0]["probabilities"]
        assert {name: answers[f"probability.{name}"].iloc[0] for name in first} == first
        model.label("mine", records[0]["label"])

        with Client(deployed.url, token_file=deployed.token_file, max_rows=2) as small:
            assert small.predict(frame).drop(columns="prediction_id").equals(answers.drop(columns="prediction_id"))
            with pytest.raises(RequestFailed, match=r"row 0 is row 2 of those given") as wrong:
                small.predict([ROW, ROW, {**ROW, "age": "old"}])
        assert (wrong.value.code, wrong.value.reason, wrong.value.column, wrong.value.row) == (400, "BAD_INPUT", "age", 2)


def test_a_token_that_was_rotated_is_read_again(deployed, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("me a-token-of-before-that-is-long-enough\n")
    with Client(deployed.url, token_file=tokens) as model:
        with pytest.raises(RequestFailed) as refused:
            model.predict([ROW])
        assert (refused.value.code, refused.value.reason) == (401, "UNAUTHORIZED")
        tokens.write_text(f"# new\nme {first_token(read_tokens(deployed.token_file))}\n")
        assert len(model.predict([ROW])) == 1


@contextlib.contextmanager
def server(*statuses):
    """An address that answers with each status in turn (0: hangs up), then with 200; and the requests that came, path, id and body."""
    left, came = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.path, self.headers["x-request-id"], json.loads(body)))
            status = left.pop(0) if left else 200
            if status == 0:
                self.close_connection = True
                return
            content = json.dumps(ANSWER if status == 200 else {"status": {"info": "busy", "reason": "UNAVAILABLE"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_address[1]}", came
    served.shutdown()
    served.server_close()


def test_a_prediction_is_repeated_under_its_id_and_a_label_is_not():
    with server(503, 0) as (url, came), Client(url) as model:
        assert model.predict([{"a": 1}])[0]["label"] == "yes"
        assert len(came) == 3 and len({identity for _, identity, _ in came}) == 1
    with server(0) as (url, came), Client(url) as model:
        with pytest.raises(RequestFailed, match="does not answer") as lost:
            model.label("p", "yes")
        assert (len(came), lost.value.code) == (1, 0)


def test_it_gives_up_after_its_attempts_and_says_what_it_was_told():
    with server(*[503] * 9) as (url, came), Client(url, attempts=2) as model:
        with pytest.raises(RequestFailed, match="busy") as failed:
            model.predict([{"a": 1}])
        assert (len(came), failed.value.code, failed.value.reason) == (2, 503, "UNAVAILABLE")
    with pytest.raises(RequestFailed, match="does not answer"), Client(url, attempts=1) as model:
        model.predict([{"a": 1}])


def test_values_go_as_a_model_reads_them():
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan],
            "count": pd.array([3, None], dtype="Int64"),
            "moment": pd.to_datetime(["2024-02-01 12:00", None]),
            "word": ["a", None],
            "amount": [Decimal("1.10"), None],
        }
    )
    with server() as (url, came), Client(url) as model:
        with contextlib.suppress(ValueError):
            model.predict(frame)  # The stand-in answers one row.
        model.predict([{"exact": np.float64(0.1), "flag": np.bool_(True), "day": np.datetime64("2024-02-01"), "at": datetime(2024, 2, 1)}])
    (_, _, first), (_, _, second) = came
    assert first["rows"][0] == {"number": 1.5, "count": 3, "moment": "2024-02-01T12:00:00", "word": "a", "amount": "1.10"}
    assert set(first["rows"][1].values()) == {None}
    assert second["rows"][0] == {"exact": 0.1, "flag": True, "day": "2024-02-01", "at": "2024-02-01T00:00:00"}


SELDONS_CLIENT = """
import json, os
from urllib.parse import urlsplit
from seldon_core.seldon_client import SeldonClient

client = SeldonClient(
    deployment_name="loans", namespace="models", gateway="ambassador", transport="rest",
    gateway_endpoint=urlsplit(os.environ["URL"]).netloc, client_return_type="dict",
)
row = json.loads(os.environ["ROW"])
answer = client.predict(json_data={"rows": [row]}, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
assert answer.success, answer.msg
print(answer.response["jsonData"]["predictions"][0]["label"])
"""


def test_seldons_own_client_comes_in_as_on_a_cluster(deployed):
    token = first_token(read_tokens(deployed.token_file))
    variables = {**os.environ, "URL": deployed.url, "TOKEN": token, "ROW": json.dumps(ROW)}
    python = environment.FOLDER / "bin" / "python"
    done = subprocess.run([python, "-c", SELDONS_CLIENT], env=variables, capture_output=True, text=True)
    with Client(deployed.url, token) as model:
        assert (done.stdout.strip(), done.returncode) == (model.predict([ROW])[0]["label"], 0), done.stderr
