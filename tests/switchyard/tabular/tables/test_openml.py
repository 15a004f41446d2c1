"""OpenML by name, against a loopback server that answers as OpenML does."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import threading

import pytest

from switchyard.tabular.errors import InputError
from tests.switchyard.tabular.tables.reading import load, read

ROWS = "".join(f"{row * 0.5},{('red', 'green')[row % 2]},{('no', 'yes')[row % 3 == 0]}\n" for row in range(60))
ARFF = ("@RELATION toy\n@ATTRIBUTE size NUMERIC\n@ATTRIBUTE colour {red, green}\n@ATTRIBUTE class {no, yes}\n@DATA\n" + ROWS).encode()


def _feature(index: int, name: str, kind: str, target: bool = False) -> dict:
    return {
        "index": str(index),
        "name": name,
        "data_type": kind,
        "is_target": str(target).lower(),
        "is_ignore": "false",
        "is_row_identifier": "false",
        "number_of_missing_values": "0",
    }


class _OpenML(http.server.BaseHTTPRequestHandler):
    """The few paths of OpenML's API that a download takes."""

    def do_GET(self) -> None:
        base = f"http://127.0.0.1:{self.server.server_port}"
        description = {
            "id": "7",
            "name": "toy",
            "version": "1",
            "status": "active",
            "format": "ARFF",
            "url": f"{base}/data/v1/download/7/toy.arff",
            "file_id": "7",
            "md5_checksum": hashlib.md5(ARFF).hexdigest(),
            "description": "made up",
            "default_target_attribute": "class",
        }
        features = [_feature(0, "size", "numeric"), _feature(1, "colour", "nominal"), _feature(2, "class", "nominal", target=True)]
        found = {"did": 7, "name": "toy", "version": 1, "status": "active"}
        answers = {
            "/api/v1/json/data/list/data_name/toy/limit/2/status/active/": {"data": {"dataset": [found]}},
            "/api/v1/json/data/7": {"data_set_description": description},
            "/api/v1/json/data/features/7": {"data_features": {"feature": features}},
            "/api/v1/json/data/qualities/7": {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": "60"}]}},
        }
        if self.path.endswith("toy.arff"):
            self._send(200, ARFF)
        elif self.path in answers:
            self._send(200, json.dumps(answers[self.path]).encode())
        else:
            self._send(412, json.dumps({"error": {"code": "372", "message": "No results"}}).encode())

    def _send(self, status: int, body: bytes) -> None:
        packed = gzip.compress(body)
        self.send_response(status)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def openml(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OpenML)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OPENML_SERVER", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("source", ["openml:toy", "openml:Toy", "openml:7"])
def test_a_table_by_name_or_number(openml, source):
    table, problem, _ = load(source, "class")

    assert list(table.frame.columns) == ["size", "colour", "class"]
    assert [column.kind for column in table.schema.columns] == ["numeric", "categorical", "categorical"]
    assert (table.source, problem.task, problem.positive_class) == (source, "binary", "yes")
    assert table.revision == read(source, "class").revision


def test_an_unknown_name_and_an_absent_server_are_clear(openml, monkeypatch):
    with pytest.raises(InputError, match="No active dataset toys found"):
        read("openml:toys")
    with pytest.raises(InputError, match="write openml:NAME"):
        read("openml:")
    monkeypatch.setenv("OPENML_SERVER", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9 cannot be reached .*; download the table"):
        read("openml:toy")


def test_the_client_is_left_as_it_was(openml):
    from sklearn.datasets import _openml as client

    read("openml:toy", "class")

    assert client._DATA_INFO.startswith("https://www.openml.org/")
