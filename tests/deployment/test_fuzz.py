"""Whatever is sent through the real front door: no 500, no hang, no memory that grows; and what OpenAPI says is so."""

import http.client
import json
import random
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deployment.process.layout import Layout
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client
from tests.switchyard.serving.cases import ROW

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BODIES = 10_000
_GROWTH = 24 * 1024**2
# Envoy's own parser refuses methods that it does not know, with a 400 and before there is a path; that leaves PUT and the like.
_METHODS = """
[phases.coverage]
unexpected-methods = ["DELETE", "PATCH", "PUT", "GET", "POST"]
"""


@pytest.fixture
def served(host, releases):
    """A client of a version that has all traffic."""
    instance = host.start(releases["1"], 60)
    host.shift("loans", Traffic.all_to(instance.name), 60)
    return Client(host.inspect("loans"))


def test_what_openapi_says_is_so(served, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(_METHODS)
    url = "http://{}:{}/seldon.json".format(*served.address)
    command = [
        *(Path(sys.executable).with_name("st"), "--no-color", "run", url, "--header", f"Authorization: Bearer {served.token}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "50", "--seed", "1", "--continue-on-failure"),
        *("--suppress-health-check", "all", "--request-timeout", "20", "--no-shrink"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert "POST /api/v1.0/predictions" not in done.stdout and "5 selected / 5 total" in done.stdout


def test_ten_thousand_bodies(served, host):
    make, statuses = _Bodies(random.Random(7)), {}
    connection, reasons = http.client.HTTPConnection(*served.address, timeout=20), set()
    warm = 0
    for number in range(BODIES):
        path = "/feedback" if number % 10 == 0 else "/predict"
        status, reason = _send(connection, path, make.body(), served.token)
        statuses[status] = statuses.get(status, 0) + 1
        reasons.add(reason)
        if number == BODIES // 4:
            warm = _memory(host)
    assert set(statuses) <= {200, 400, 413}, statuses
    assert statuses[200] > 500 and statuses[400] > 5_000, statuses
    assert {"BAD_INPUT", "NOT_JSON"} <= reasons
    assert _memory(host) - warm < _GROWTH
    assert served.ask()[0] == 200 and host.inspect("loans").stable.restarts == 0


def _send(connection, path, body, token):
    """Status and reason; an answer is always JSON."""
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    decoded = json.loads(answer.read())
    return answer.status, decoded.get("status", {}).get("reason")


def _memory(host):
    """Bytes that the service's processes have for themselves."""
    processes = Layout(Path(host._folder) / "loans").read_observed()["processes"]
    found = [psutil.Process(process["pid"]) for process in processes.values()]
    return sum(one.memory_full_info().uss for process in found for one in [process, *process.children(recursive=True)])


class _Bodies:
    """Requests that are right, nearly right, and not at all."""

    def __init__(self, source):
        self._random = source

    def body(self):
        kind = self._random.randrange(8)
        if kind == 0:
            return self._random.randbytes(self._random.randrange(200))
        text = json.dumps(self._message(), allow_nan=True).encode()
        if kind == 1 and text:
            # One byte of it is another.
            place = self._random.randrange(len(text))
            return text[:place] + self._random.randbytes(1) + text[place + 1 :]
        if kind == 2:
            return text[: self._random.randrange(len(text) + 1)]
        return text

    def _message(self):
        rows = [self._row() for _ in range(self._random.choice((0, 1, 1, 1, 2, 5)))]
        names = list(ROW)
        forms = (
            lambda: {"rows": rows},
            lambda: {"rows": rows, "meta": self._value(2)},
            lambda: {"data": {"names": names, "ndarray": [[row.get(name) for name in names] for row in rows]}},
            lambda: {
                "data": {"names": names, "tensor": {"shape": [len(rows), 4], "values": [self._value(0) for _ in range(4 * len(rows))]}}
            },
            lambda: {"data": {self._text(): self._value(3), "names": self._value(1)}},
            lambda: {"jsonData": self._random.choice((rows, {"rows": rows}, self._value(3)))},
            lambda: {"prediction_id": self._value(0), "label": self._random.choice(("yes", "no", self._value(1)))},
            lambda: {
                "response": {"meta": {"puid": self._text()}},
                "truth": {"data": {"ndarray": self._value(2)}},
                "reward": self._value(1),
            },
            lambda: self._value(4),
        )
        return self._random.choice(forms)()

    def _row(self):
        row = dict(ROW)
        for _ in range(self._random.choice((0, 0, 1, 2))):
            row[self._random.choice((*ROW, self._text()))] = self._value(self._random.choice((0, 0, 2)))
        if self._random.random() < 0.1:
            row.pop(self._random.choice(list(row)))
        return row

    def _value(self, depth):
        if depth and self._random.random() < 0.5:
            items = [self._value(depth - 1) for _ in range(self._random.randrange(4))]
            return items if self._random.random() < 0.5 else {self._text(): item for item in items}
        number = self._random.choice(
            (0, -1, 1, 1e308, -1e308, 5e-324, 2**63, -(2**70), 10**400, float("nan"), float("inf"), 0.1, 253402300800)
        )
        return self._random.choice(
            (None, True, False, number, number, self._text(), "", "nan", "Infinity", "2020-02-30", "9999-12-31", "1e999")
        )

    def _text(self):
        alphabet = "abcAGE .,:;/\\\"'\x00\x07\n\ud83d\u00e4\u4e2d\u202e%{}[]"
        return "".join(self._random.choice(alphabet) for _ in range(self._random.choice((0, 1, 3, 20, 300))))
