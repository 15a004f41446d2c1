"""A ZenML server that is away is told in one line, soon."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from zenml.config import global_config

from app.commands import doctor
from app.repository import ensure_stack
from stacks import server
from switchyard.tabular.errors import SwitchyardError


def logged_in(monkeypatch, url):
    configuration = SimpleNamespace(store_configuration=SimpleNamespace(url=url))
    monkeypatch.setattr(global_config, "GlobalConfiguration", lambda: configuration)


@pytest.fixture
def answering(request):
    """The address of a server that answers with the status given, late where it is 0."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/health"
            if not request.param:
                time.sleep(1)
            self.send_response(request.param or 200)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(("answering", "told"), [(503, "HTTP 503"), (0, "no answer within")], indirect=["answering"])
def test_a_server_that_is_ill_or_silent_is_named_with_the_ways_back(monkeypatch, answering, told):
    logged_in(monkeypatch, answering)
    monkeypatch.setattr(server, "_TIMEOUT_S", (0.2, 0.2))

    with pytest.raises(SwitchyardError) as error:
        server.check_server()
    message = str(error.value)
    assert answering in message and told in message and "zenml logout" in message and "\n" not in message


@pytest.mark.parametrize("answering", [200, 401], indirect=True)
def test_one_that_answers_is_left_to_zenml(monkeypatch, answering):
    logged_in(monkeypatch, answering)
    server.check_server()


def test_this_machine_s_own_store_is_not_asked(monkeypatch):
    logged_in(monkeypatch, "sqlite:////somewhere/zenml.db")
    monkeypatch.setattr(server, "_trouble", lambda url: pytest.fail(f"{url} was asked"))
    server.check_server()


def test_a_command_stops_before_zenml_tries_for_a_minute(monkeypatch, tmp_path):
    logged_in(monkeypatch, "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(SwitchyardError, match="does not answer: http://127.0.0.1:9 .no connection."):
        ensure_stack(tmp_path)
    assert time.monotonic() - began < 10 and not list(tmp_path.iterdir())


def test_a_store_address_in_the_environment_is_the_way_back_that_helps(monkeypatch):
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:9")
    assert "unset ZENML_STORE_URL" in server.ways_back("http://127.0.0.1:9")


def test_doctor_says_it_once_and_looks_no_further(monkeypatch, tmp_path, capsys):
    logged_in(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setattr(doctor, "_packages", lambda root: iter(()))
    monkeypatch.setattr(doctor, "_stack", lambda root: pytest.fail("looked further"))

    assert doctor.examine(tmp_path) == 1
    told = capsys.readouterr().out
    assert "ZenML server: have http://127.0.0.1:9 answer this machine" in told and "zenml logout" in told
