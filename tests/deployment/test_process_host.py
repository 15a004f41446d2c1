"""The process host with real services: through their deaths, found again; what every host must do is in tests/kubernetes."""

import os
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployment.host import DeploymentError
from deployment.process.host import ProcessHost
from deployment.process.layout import Layout
from deployment.process.options import ProcessOptions
from switchyard.serving.frontdoor.files import is_ready
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import InputError
from tests.deployment.conftest import Client
from tests.deployment.door import free_port, wait_until

TIMEOUT = 30


def serve(host, release):
    """Start `release` and give it all traffic."""
    instance = host.start(release, TIMEOUT)
    host.shift("loans", Traffic.all_to(instance.name), TIMEOUT)
    return Client(host.inspect("loans"))


def observed(host):
    return Layout(Path(host._folder) / "loans").read_observed()


def pid(host, name):
    return observed(host)["processes"][name]["pid"]


def is_gone(number):
    return not Path(f"/proc/{number}").exists() or "State:\tZ" in Path(f"/proc/{number}/status").read_text()


def test_a_dead_service_is_soon_back(host, releases):
    client = serve(host, releases["1"])
    before = pid(host, "v1")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: client.ask()[0] == 503 or pid(host, "v1") != before, what="the death")
    wait_until(lambda: client.ask()[0] == 200, 20, "the return")
    assert pid(host, "v1") != before and host.inspect("loans").instance("v1").restarts == 1


def test_a_dead_front_door_is_back_with_its_routes(host, releases):
    client = serve(host, releases["1"])
    before = pid(host, "envoy")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: observed(host)["processes"]["envoy"].get("pid") not in (None, before), 5, "the return")
    wait_until(
        lambda: is_ready(Layout(host._folder / "loans").admin(Layout(host._folder / "loans").read_desired().door)), 5, "the front door"
    )
    assert client.version() == "1"


def test_another_supervisor_takes_over_what_the_dead_one_left(host, releases):
    client = serve(host, releases["1"])
    layout, running = Layout(host._folder / "loans"), pid(host, "v1")
    os.kill(observed(host)["supervisor"], signal.SIGKILL)
    wait_until(lambda: not layout.is_supervised(), what="the supervisor's death")
    assert client.version() == "1" and host.inspect("loans").stable.reason == "no supervisor runs"

    # As from a new shell: another object, the same folder.
    again = ProcessHost(host._folder, ProcessOptions(workers=1))
    assert again.resume("loans", "v1", TIMEOUT).state == "ready"
    assert pid(again, "v1") == running and client.version() == "1"
    os.kill(running, signal.SIGKILL)
    wait_until(lambda: pid(host, "v1") not in (None, running) and again.inspect("loans").stable.state == "ready", 5, "the return")


def test_what_is_stopped_is_remembered_and_starts_again(host, releases):
    client = serve(host, releases["1"])
    host.start(releases["2"], TIMEOUT)
    with pytest.raises(DeploymentError, match="v1 has traffic"):
        host.stop("loans", "v1", TIMEOUT)
    second = pid(host, "v2")
    host.stop("loans", "v2", TIMEOUT)
    assert is_gone(second) and host.inspect("loans").instance("v2").state == "stopped"
    with pytest.raises(DeploymentError, match="v2 is stopped; only what is ready gets traffic"):
        host.shift("loans", Traffic.all_to("v2"), TIMEOUT)
    assert client.version() == "1"
    host.resume("loans", "v2", TIMEOUT)
    host.shift("loans", Traffic.split("v2", "v1", 0.5), TIMEOUT)
    assert {client.version() for _ in range(30)} == {"1", "2"}
    assert host.inspect("loans").share("v2") == 0.5


def test_deleted_and_started_again_it_is_the_new_one(host, releases):
    client = serve(host, releases["1"])
    for _ in range(2):
        started = host.start(releases["2"], TIMEOUT)
        host.shift("loans", Traffic.split("v2", "v1", 0.9999), TIMEOUT)
        assert {client.version() for _ in range(5)} == {"2"} and started.name == "v2"
        host.shift("loans", Traffic.all_to("v1"), TIMEOUT)
        host.delete("loans", "v2", TIMEOUT)
    assert client.version() == "1"


def test_tokens_are_replaced_while_it_runs(host, releases):
    client = serve(host, releases["1"])
    path = Path(host.inspect("loans").token_file)
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    path.write_text("someone too short\n")
    wait_until(lambda: "line 1" in observed(host)["problem"], what="the complaint")
    assert client.version() == "1"
    path.write_text("someone a-new-token-that-is-long\n")
    wait_until(lambda: client.ask()[0] == 401, what="the new token")
    client.token = "a-new-token-that-is-long"
    assert client.version() == "1"


def test_removed_it_leaves_no_process(host, releases):
    serve(host, releases["1"])
    numbers = [process["pid"] for process in observed(host)["processes"].values()]
    host.remove("loans", TIMEOUT)
    wait_until(lambda: all(map(is_gone, numbers)), what="the end")
    assert host.inspect("loans") is None
    host.remove("loans", TIMEOUT)


def test_it_is_not_offered_to_the_world_without_authentication(installed, releases, tmp_path):
    with pytest.raises(InputError, match="loopback"):
        ProcessHost(tmp_path, ProcessOptions(host="0.0.0.0", authentication=False)).start(releases["1"], TIMEOUT)
    assert ProcessHost(tmp_path).inspect("loans") is None


def test_the_address_of_all_models_moves_to_a_port_that_is_free_and_to_no_other(host, releases):
    serve(host, releases["1"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="is taken"):
            ProcessHost(host._folder, ProcessOptions(port=taken.getsockname()[1], workers=1)).start(releases["1"], TIMEOUT)
    port = free_port()
    moved = ProcessHost(host._folder, ProcessOptions(port=port, workers=1))
    moved.start(releases["1"], TIMEOUT)
    assert moved.inspect("loans").url == f"http://127.0.0.1:{port}/loans" and opens(port)
    assert Client(moved.inspect("loans")).ask()[0] == 200


def test_a_port_that_was_taken_while_it_was_stopped_is_said_at_once(host, releases):
    serve(host, releases["1"])
    host.shift("loans", Traffic(), TIMEOUT)
    host.stop("loans", "v1", TIMEOUT)
    port = urlsplit(host.inspect("loans").inner_url).port
    with socket.socket() as taken:
        listen(taken, port)
        began = time.monotonic()
        for act in (lambda: host.resume("loans", "v1", TIMEOUT), lambda: host.start(releases["1"], TIMEOUT)):
            with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 is taken"):
                act()
        assert time.monotonic() - began < 10 and host.inspect("loans").instance("v1").state == "stopped"
    host.resume("loans", "v1", TIMEOUT)


def test_a_front_door_whose_port_was_taken_while_it_was_dead_opens_once_the_port_is_free(host, releases):
    client = serve(host, releases["1"])
    port, number = urlsplit(host.inspect("loans").inner_url).port, observed(host)["supervisor"]
    # Held still, so that the port can be taken before Envoy is started again.
    os.kill(number, signal.SIGSTOP)
    with socket.socket() as taken:
        try:
            os.kill(pid(host, "envoy"), signal.SIGKILL)
            wait_until(lambda: listen(taken, port), what="the port")
        finally:
            os.kill(number, signal.SIGCONT)
        log = Layout(host._folder / "loans").log("supervisor")
        wait_until(lambda: f"port {port} of 127.0.0.1 is taken" in log.read_text(), what="the complaint")
        assert observed(host)["processes"]["envoy"]["state"] == "starting"
    wait_until(lambda: opens(port), 5, "the front door")
    assert client.version() == "1"


def listen(place, port):
    """Whether `place` listens on `port` now."""
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind(("127.0.0.1", port))
    except OSError:
        return False
    place.listen()
    return True


def opens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_the_log_is_found_and_holds_what_was_answered_before(host, releases):
    from switchyard.predictionlog import connect, create_tables
    from switchyard.predictionlog.database import predictions

    client = serve(host, releases["1"])
    ids = [f"asked-{number}" for number in range(20)]
    for identity in ids:
        assert client.ask(x_request_id=identity)[0] == 200
    engine = connect(host.log_url("loans"))
    create_tables(engine)
    try:
        assert host.settle_log("loans", engine, TIMEOUT) == 0
        with engine.connect() as connection:
            logged = {row.prediction_id for row in connection.execute(predictions.select())}
    finally:
        engine.dispose()
    assert set(ids) <= logged
