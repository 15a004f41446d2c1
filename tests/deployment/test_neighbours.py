"""Another account of the machine: it reaches the front door, which asks for a token, and nothing else."""

import errno
import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import time

import psutil
import pytest

from deployment.endpoint import ask
from deployment.process.layout import Layout
from deployment.process.means import free_port
from switchyard.serving.frontdoor import files
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.sockets import connection
from tests.deployment.conftest import Client
from tests.deployment.door import wait_until

NOBODY = 65534


def as_nobody(act):
    """What `act` prints, in a process of an account without rights."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, str(act()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as printed:
        said = printed.read()
    os.waitpid(child, 0)
    return said


def knock(paths):
    """The error number of each socket that can't be reached."""
    found = []
    for path in paths:
        with socket.socket(socket.AF_UNIX) as client:
            found.append(client.connect_ex(path))
    return found


@pytest.fixture
def deployed(host, releases):
    host.shift("loans", Traffic.all_to(host.start(releases["1"], 30).name), 30)
    return Layout(host._folder / "loans")


def listening(layout):
    """Ports of loopback and beyond at which processes of the deployment listen."""
    numbers = [process["pid"] for process in layout.read_observed()["processes"].values()]
    found = [psutil.Process(number) for number in numbers]
    found += [child for process in found for child in process.children(recursive=True)]
    return {place.laddr.port for process in found for place in process.net_connections("inet") if place.status == psutil.CONN_LISTEN}


def test_the_front_door_is_the_only_port_and_what_is_behind_it_answers_there_alone(host, deployed):
    desired = deployed.read_desired()
    client = Client(host.inspect("loans"))

    assert listening(deployed) == {desired.door.port}
    assert client.ask()[0] == 200 and client.ask(path="/metrics")[0] == 403
    # Who owns the files can verify a version, past the front door.
    assert ask(host.inspect("loans").stable.url, "/health/status")["meta"]["tags"]["version"] == "1"
    spec = desired.instances["v1"]
    assert "switchyard_requests_total" in files.admin(deployed.service(spec), "/metrics")
    assert files.is_ready(deployed.admin(desired.door))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_account_reaches_no_socket_of_it(deployed, monkeypatch):
    assert stat.S_IMODE(deployed.folder.stat().st_mode) == 0o700 and stat.S_IMODE(deployed.sockets.stat().st_mode) == 0o700
    # From within, since what is above may be closed too.
    monkeypatch.chdir(deployed.folder)
    paths = [str(path.relative_to(deployed.folder)) for path in deployed.sockets.iterdir()]
    assert len(paths) == 3 and knock(paths) == [0, 0, 0]
    assert as_nobody(lambda: knock(paths)) == str([errno.EACCES] * 3)


def test_a_folder_with_a_long_name_has_sockets_too(tmp_path, monkeypatch):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.chdir(folder)
    server = socket.socket(socket.AF_UNIX)
    server.bind("5.sock")
    server.listen()
    http_connection = connection(str(folder / "5.sock"), 2)
    http_connection.connect()
    assert len(str(folder)) > 107 and http_connection.sock.getpeername() == "5.sock"
    http_connection.close()
    server.close()


def test_the_exporter_tells_nothing_to_who_has_no_token(deployed, tmp_path):
    port, token = free_port(), tmp_path / "exporter.token"
    token.write_text("a-token-for-prometheus\n")
    (tmp_path / "metrics").mkdir()
    command = [sys.executable, "-m", "deployment.exporter", str(port), str(tmp_path / "metrics"), str(deployed.folder.parent), str(token)]
    process = subprocess.Popen(command)

    def get(path, **headers):
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            asked.request("GET", path, headers=headers)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            time.sleep(0.1)
            return 0, ""
        finally:
            asked.close()

    try:
        wait_until(lambda: get("/health") == (200, "OK"), what="the exporter")
        known = {"Authorization": "Bearer a-token-for-prometheus"}
        paths = [target["labels"]["__metrics_path__"] for target in json.loads(get("/targets", **known)[1])]
        assert paths == ["/deployed/loans/envoy", "/deployed/loans/v1"]
        for path, name in (("/metrics", ""), (paths[0], "envoy_cluster"), (paths[1], "switchyard_requests_total")):
            assert get(path)[0] == get(path, Authorization="Bearer another")[0] == 401
            status, text = get(path, **known)
            assert status == 200 and name in text
        for path in ("/deployed/loans/v9", "/deployed/../x/envoy", "/deployed/other/envoy", "/deployed/%2e%2e/envoy"):
            assert get(path, **known)[0] == 404
    finally:
        process.terminate()
        process.wait()
