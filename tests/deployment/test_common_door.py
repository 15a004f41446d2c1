"""The one address of all models, before real services: who answers, what a change of one does to the other, what comes back."""

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from deployment.process.common import CommonDoorKeeper, address, layout_of, settle_restored
from deployment.process.host import ProcessHost
from deployment.process.layout import Desired, Layout
from deployment.process.options import ProcessOptions
from switchyard.serving.frontdoor.common import CommonDoor, behind, routes
from switchyard.serving.frontdoor.state import Door, Traffic
from switchyard.tabular.errors import InputError
from tests.deployment.conftest import Client
from tests.deployment.door import free_port, wait_until
from tests.switchyard.serving.cases import ROW

TIMEOUT = 30


@pytest.fixture
def place(installed, tmp_path):
    """A process host for two models at a port that was asked for."""
    made = ProcessHost(tmp_path / "serving", ProcessOptions(workers=1, port=free_port()))
    yield made
    for model in ("loans", "cars"):
        made.remove(model, TIMEOUT)


def serve(host, release):
    host.shift(release.model, Traffic.all_to(host.start(release, TIMEOUT).name), TIMEOUT)
    return host.inspect(release.model)


def ask(url, token, path="/predict", method="POST"):
    """Status and decoded body of a request at the address `url`."""
    address = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(address.hostname, address.port, timeout=10)) as connection:
        connection.request(method, address.path + path, json.dumps({"rows": [ROW]}), {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def version(url, token, path="/predict"):
    status, answer = ask(url, token, path)
    assert status == 200, answer
    return answer["meta"]["tags"]["version"]


@contextlib.contextmanager
def load(url, token):
    """Ask again and again meanwhile; gives what was answered otherwise than with 200, which must stay empty, and how many were."""
    stop, lost, count = threading.Event(), [], [0]

    def again():
        while not stop.is_set():
            try:
                status, answer = ask(url, token)
                if status != 200:
                    lost.append((status, answer))
            except (OSError, http.client.HTTPException) as error:
                lost.append(error)
            count[0] += 1

    askers = [threading.Thread(target=again) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        yield lost, count
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def common(host):
    return layout_of(host._folder).read_observed()


def test_two_models_answer_at_one_port_and_a_deployment_and_a_rollback_lose_nothing(place, releases):
    loans = serve(place, releases["1"])
    token, port = place.token("loans"), place._options.port
    assert loans.url == f"http://127.0.0.1:{port}/loans"
    with load(loans.url, token) as (lost, count):
        cars = serve(place, replace(releases["2"], model="cars"))
        serve(place, releases["2"])
        place.shift("loans", Traffic.all_to("v1"), TIMEOUT)
        place.delete("loans", "v2", TIMEOUT)
    assert lost == [] and count[0] > 20

    assert cars.url == f"http://127.0.0.1:{port}/cars"
    assert (version(loans.url, token), version(cars.url, place.token("cars"))) == ("1", "2")
    assert version(f"http://127.0.0.1:{port}", place.token("cars"), "/seldon/any/cars/api/v1.0/predictions") == "2"
    assert ask(loans.url, "", "/health", "GET")[0] == 200
    # A token is its model's.
    assert ask(cars.url, token)[0] == 401 and ask(f"http://127.0.0.1:{port}/bikes", token)[0] == 404
    # The address that each had before there was a common one.
    assert Client(loans).version() == "1" and Client(cars).version() == "2"

    place.remove("cars", TIMEOUT)
    wait_until(lambda: ask(cars.url, token)[0] == 404, what="the end of cars")
    assert version(loans.url, token) == "1"


def test_the_common_door_comes_back_and_is_kept_by_another_when_its_keeper_is_killed(place, releases):
    loans, cars = serve(place, releases["1"]), serve(place, replace(releases["2"], model="cars"))
    token, keeper, envoy = place.token("loans"), common(place)["supervisor"], common(place)["processes"]["envoy"]["pid"]
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: common(place)["supervisor"] != keeper, what="another keeper")
    assert common(place)["processes"]["envoy"]["pid"] == envoy and version(loans.url, token) == "1"
    os.kill(envoy, signal.SIGKILL)
    wait_until(lambda: common(place)["processes"]["envoy"].get("pid") not in (None, envoy), what="another Envoy")
    wait_until(lambda: _answers(loans.url, token) and _answers(cars.url, place.token("cars")), what="the return")


def test_with_the_last_model_the_common_door_ends_and_its_port_stays_known(place, releases):
    loans = serve(place, releases["1"])
    place.remove("loans", TIMEOUT)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", place._options.port)) != 0
    again = ProcessHost(place._folder, ProcessOptions(workers=1))
    assert serve(again, releases["1"]).url == loans.url and version(loans.url, again.token("loans")) == "1"


def test_a_port_that_a_model_had_to_itself_stays_its_own_and_others_can_be_deployed(place, releases):
    port = place._options.port
    layout = Layout(place._folder / "loans")
    with layout.changing() as state:
        state[0] = Desired(Door(port, free_port(), access_log=str(layout.access_log), admin_socket="sockets/envoy.sock"))
    loans, cars = serve(place, releases["1"]), serve(place, replace(releases["2"], model="cars"))
    assert loans.inner_url == f"http://127.0.0.1:{port}" and Client(loans).version() == "1"
    assert urlsplit(loans.url).port == urlsplit(cars.url).port != port
    assert version(loans.url, place.token("loans")) == "1" and version(cars.url, place.token("cars")) == "2"


def test_a_port_that_another_program_has_is_said_before_anything_is_started(place, releases):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place._options.port))
        taken.listen()
        with pytest.raises(InputError, match=f"port {place._options.port} of 127.0.0.1 is taken; set another"):
            place.start(releases["1"], TIMEOUT)
    assert place.inspect("loans") is None and not layout_of(place._folder).desired.is_file()


def test_what_asks_for_no_token_is_not_led_to_from_outside():
    doors = {"open": Door(1, 2, authentication=False), "closed": Door(3, 4)}
    assert list(behind(CommonDoor(8400, 5, "0.0.0.0"), doors)) == ["closed"]
    assert list(behind(CommonDoor(8400, 5), doors)) == ["closed", "open"]


def test_a_model_called_seldon_hides_no_other():
    matches = [
        route["match"] for route in routes({"loans": Door(1, 2), "seldon": Door(3, 4)})["resources"][0]["virtual_hosts"][0]["routes"]
    ]
    assert matches.index({"safe_regex": {"regex": "/seldon/[^/]+/loans/.*"}}) < matches.index({"prefix": "/seldon/"})


def test_a_supervisor_of_before_there_was_a_common_door_keeps_none(tmp_path):
    keeper = CommonDoorKeeper(tmp_path / "serving")
    keeper.turn()
    assert keeper.may_end() and not layout_of(tmp_path / "serving").folder.exists()


def test_brought_back_where_its_port_is_taken_all_models_answer_at_another(tmp_path):
    serving = tmp_path / "serving"
    settle_restored(serving)
    assert not layout_of(serving).folder.exists()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with layout_of(serving).changing() as state:
            state[0] = Desired(Door(port, 1))
        taken.listen()
        settle_restored(serving)
        chosen = layout_of(serving).read_desired().door.port
        assert chosen != port and address(serving, "loans", Door(free_port(), 2)) == f"http://127.0.0.1:{chosen}/loans"

    settle_restored(serving)
    assert layout_of(serving).read_desired().door.port == chosen


def _answers(url, token):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(url, token)[0] == 200
    return False
