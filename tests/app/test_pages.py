"""Pages are started together, named as they answer, and what does not come up says why."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import pytest

from app import pages
from switchyard.tabular.errors import SwitchyardError
from tests.deployment.door import free_port

SERVER = """
import http.server, sys, time
time.sleep({delay})
class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"OK")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", {port}), Ok).serve_forever()
"""


@pytest.fixture
def service(monkeypatch, tmp_path):
    """Makes a page of a name that answers after some seconds; all of them are ended at last."""
    monkeypatch.setattr(pages, "_state_folder", lambda: tmp_path)

    def make(name: str, delay: float, code: str = SERVER) -> pages._Service:
        port = free_port()
        return pages._Service(name, port, "/health", (sys.executable, "-c", code.format(delay=delay, port=port)), {})

    yield make
    for record in tmp_path.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(record.read_text()), signal.SIGKILL)


def test_all_start_at_once_and_each_is_named_when_it_answers(service, capsys):
    slow, quick = service("slow", 2), service("quick", 0)

    answered = [one.name for one in pages._as_they_answer([pages._begin(slow), pages._begin(quick)])]

    assert answered == ["quick", "slow"]
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["quick", quick.url, "started"],
        ["slow", slow.url, "started"],
    ]
    pages._ensure(quick)
    assert capsys.readouterr().out.split() == ["quick", quick.url, "already", "running"]


def test_one_that_ends_says_its_last_words(service):
    with pytest.raises(SwitchyardError, match=r"broken did not come up on port \d+; the end of .*\nno such database"):
        pages._ensure(service("broken", 0, "import sys; sys.exit('no such database')"))
