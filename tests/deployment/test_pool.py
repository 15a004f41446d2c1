"""A pool with real processes: many models behind their own doors, in the processes of one server."""

import http.client
import json
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from deployment.endpoint import ask, replay
from deployment.host import DeploymentError, Release, refuse_pool
from deployment.process import pool
from deployment.process.host import ProcessHost
from deployment.process.layout import Layout
from deployment.process.options import ProcessOptions
from switchyard.bundle import digest
from switchyard.bundle.digest import FILES
from switchyard.serving import sockets
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.wish import Wish
from switchyard.serving.pool.residents import estimate
from switchyard.serving.sockets import MEMBER_HEADER
from switchyard.tabular.errors import InputError
from tests.deployment.conftest import Client
from tests.deployment.door import wait_until
from tests.switchyard.serving.cases import ROW, make_bundle

TIMEOUT = 30
NAMES = ("ants", "bees", "cats", "dogs")


def release_of(folder, name, version="1", **settings):
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Release(name, version, digest(folder), files, settings={"pool": True, **settings})


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    return {str(value): make_bundle(folder / str(value), threshold=value) for value in (0.6, 0.7, 0.8, 0.9)}


@pytest.fixture(scope="module")
def place(installed, tmp_path_factory, bundles):
    """Three models in a pool that has room for two: the first says yes to ROW, the others no."""
    room = 2 * estimate(sum((bundles["0.6"] / name).stat().st_size for name in FILES)) + 1000
    host = ProcessHost(tmp_path_factory.mktemp("place") / "serving", ProcessOptions(workers=1, pool_bytes=room))
    try:
        for name, threshold in zip(NAMES, ("0.6", "0.8", "0.9")):
            serve(host, release_of(bundles[threshold], name, log_exclude=["job"] if name == "ants" else []))
        yield host
    finally:
        for name in NAMES:
            host.remove(name, TIMEOUT)
        wait_until(lambda: not pool.layout_of(host._folder).is_supervised(), 20, "the pool's end")


def serve(host, release):
    instance = host.start(release, TIMEOUT)
    host.shift(release.model, Traffic.all_to(instance.name), TIMEOUT)
    return instance


def client(host, name):
    return Client(host.inspect(name))


def inner(host, port, member=""):
    """Metrics of the pool at its own port, or of a member at the pool's socket."""
    layout = pool.layout_of(host._folder)
    connection = sockets.connection(f"{layout.sockets}/{getattr(layout.read_desired().instances[pool.NAME], port)}.sock", 5)
    connection.request("GET", "/metrics", headers={MEMBER_HEADER: member} if member else {})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def metrics(host):
    """The pool's own, by name."""
    lines = inner(host, "metrics_port").splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("switchyard_pool")}


def test_each_door_leads_to_its_own_model_whatever_a_client_says(place):
    for name, label in zip(NAMES, ("yes", "no", "no")):
        other = "bees/v1" if name == "ants" else "ants/v1"
        asker = client(place, name)
        for header in ("x-switchyard-member", "X-SWITCHYARD-MEMBER"):
            connection = http.client.HTTPConnection(*asker.address, timeout=10)
            connection.putrequest("POST", "/predict")
            body = json.dumps({"rows": [ROW]}).encode()
            for key, value in (("Authorization", f"Bearer {asker.token}"), (header, other), (header, other), ("Content-Length", len(body))):
                connection.putheader(key, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            connection.close()
            assert answer.status == 200 and found["meta"]["tags"]["model"] == name and found["predictions"][0]["label"] == label
        assert asker.ask(x_switchyard_member=other)[1]["meta"]["tags"]["model"] == name
        assert client(place, name).ask(path="/explain", x_switchyard_member=other)[1]["meta"]["tags"]["model"] == name

    # A token is of one door, and no name is a path.
    stranger = client(place, "bees")
    stranger.token = client(place, "ants").token
    assert stranger.ask()[0] == 401
    own = place.inspect("ants").instance("v1").url.partition("#")[0]
    for name in ("../../serving/ants/v1", "ants/../bees/v1", "ants", "nobody/v1"):
        with pytest.raises(DeploymentError, match="503.*NOT_IN_POOL"):
            ask(f"{own}#{name}", "/predict", {"rows": [ROW]})
    with pytest.raises(DeploymentError, match="404"):
        ask(own, "/predict", {"rows": [ROW]})


def test_what_was_not_asked_for_longest_leaves_and_comes_back(place):
    for name in NAMES[:3]:
        assert client(place, name).ask()[0] == 200
    before = metrics(place)
    assert [client(place, name).ask()[0] for name in ("bees", "cats", "bees")] == [200, 200, 200]
    assert metrics(place) == before, "two have room"
    client(place, "ants").ask()
    client(place, "bees").ask()
    after = metrics(place)
    assert after["switchyard_pool_loads_total"] == before["switchyard_pool_loads_total"] + 1, "cats left for ants, and not bees"
    assert after["switchyard_pool_evictions_total"] == before["switchyard_pool_evictions_total"] + 1
    # Its counts did not leave with it, and who asks for its health or counts is not who asks for answers.
    asker = client(place, "cats")
    connection = http.client.HTTPConnection(*asker.address, timeout=10)
    connection.request("GET", "/health/status")
    assert json.loads(connection.getresponse().read())["meta"]["tags"]["model"] == "cats"
    connection.close()
    assert 'model="cats"' in inner(place, "http_port", "cats/v1")
    assert metrics(place) == after


def test_log_feedback_and_counts_are_the_models_own(place):
    answer = client(place, "ants").ask(x_request_id="one-id")[1]
    assert client(place, "bees").ask(x_request_id="one-id", row={**ROW, "age": 41})[0] == 200, "of another model the id is another"
    assert client(place, "bees").ask(x_request_id="their-own-id")[0] == 200
    assert client(place, "ants").ask(x_request_id="one-id", row={**ROW, "age": 41})[0] == 409
    label = {"prediction_id": answer["predictions"][0]["prediction_id"], "label": "yes"}
    asker = client(place, "ants")
    connection = http.client.HTTPConnection(*asker.address, timeout=10)
    connection.request("POST", "/feedback", json.dumps(label), {"Authorization": f"Bearer {asker.token}"})
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    connection.close()
    counted = inner(place, "http_port", "ants/v1")
    assert (
        'switchyard_model_info{model="ants",version="1"' in counted and 'switchyard_requests_total{path="feedback",code="200"} 1' in counted
    )
    engine = create_engine(place.log_url("ants"))
    assert place.settle_log("ants", engine, 20) == 0
    with engine.connect() as rows:
        found = dict(rows.execute(text("select model, count(*) from predictions group by model")).all())
        (inputs,) = rows.scalars(text("select inputs from predictions where model = 'ants' limit 1")).all()
    engine.dispose()
    assert set(found) >= {"ants", "bees"} and "job" not in inputs


def test_a_changed_bundle_is_one_models_error(place, bundles):
    serve(place, release_of(bundles["0.7"], "dogs"))
    assert client(place, "dogs").ask()[0] == 200
    for name in ("bees", "cats"):
        client(place, name).ask()
    file = Layout(place._folder / "dogs").bundle(digest(bundles["0.7"])) / "examples.json"
    kept = file.read_bytes()
    file.write_bytes(kept + b" ")
    status, answer = client(place, "dogs").ask()
    assert status == 503 and answer["status"]["reason"] == "MODEL_REFUSED", answer
    assert "has digest" in "".join(place.logs("dogs", "v1")) and not any("dogs" in line for line in place.logs("bees", "v1"))
    assert [client(place, name).ask()[0] for name in NAMES[:3]] == [200] * 3
    wait_until(lambda: place.inspect("dogs").stable.state == "failed", 10, "the host's notice")
    assert "refused by its pool" in place.inspect("dogs").stable.reason and place.inspect("bees").stable.state == "ready"
    file.write_bytes(kept)
    wait_until(lambda: client(place, "dogs").ask()[0] == 200, 15, "the mended one")
    wait_until(lambda: place.inspect("dogs").stable.state == "ready", 15, "the host's notice")
    place.remove("dogs", TIMEOUT)
    assert not (pool.layout_of(place._folder).folder / "members" / "dogs").exists()


def test_two_versions_share_traffic_and_one_stops_and_starts(place, bundles):
    release = release_of(bundles["0.9"], "ants", "2")
    second = place.start(release, TIMEOUT)
    assert replay(second.url, json.loads(release.files["examples.json"]), release.digest) > 0
    place.shift("ants", Traffic.split("v2", "v1", 0.5), TIMEOUT)
    asker = client(place, "ants")
    seen = {asker.version(x_entity_id=f"e{number}") for number in range(40)}
    assert seen == {"1", "2"} and asker.version(x_entity_id="e1") == asker.version(x_entity_id="e1")
    place.shift("ants", Traffic.all_to("v1"), TIMEOUT)
    place.stop("ants", "v2", TIMEOUT)
    assert place.inspect("ants").instance("v2").state == "stopped" and asker.version() == "1"
    assert place.resume("ants", "v2", TIMEOUT).state == "ready"
    place.delete("ants", "v2", TIMEOUT)


def test_the_pool_and_who_watches_it_are_soon_back(place):
    layout = pool.layout_of(place._folder)
    seen = layout.read_observed()
    os.kill(seen["supervisor"], signal.SIGKILL)
    os.kill(seen["processes"][pool.NAME]["pid"], signal.SIGKILL)
    wait_until(lambda: _pids(layout).isdisjoint(_pids_of(seen)) and layout.is_supervised(), 30, "other processes")
    # Each model's door finds the pool again by itself.
    for name in NAMES[:3]:
        wait_until(lambda name=name: client(place, name).ask()[0] == 200, 30, f"the return of {name}")


def _pids(layout):
    return _pids_of(layout.read_observed())


def _pids_of(observed):
    return {observed["supervisor"], observed["processes"][pool.NAME]["pid"]}


def test_what_never_fits_is_refused_when_it_is_deployed(place, bundles, tmp_path):
    files = {name: (bundles["0.6"] / name).read_bytes() for name in FILES}
    files["examples.json"] = files["examples.json"].rstrip() + b" " * 200_000
    folder = tmp_path / "large"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DeploymentError, match="is refused by its pool.*pool_bytes"):
        place.start(release_of(folder, "dogs"), TIMEOUT)
    assert client(place, "ants").ask()[0] == 200


def test_a_cluster_has_no_pool():
    assert "member" not in Wish(1, Door(1, 2), (Upstream("v1", "host", 1),)).to_json(), "which a front door of before would not know"
    refuse_pool(False, {"pool": False})
    with pytest.raises(InputError, match="serving.pool is of models on this machine"):
        refuse_pool(False, {"pool": True})


@pytest.mark.full
def test_a_hundred_models(installed, tmp_path, bundles):
    host = ProcessHost(tmp_path / "serving", ProcessOptions(workers=1))
    names = [f"model{number}" for number in range(100)]
    try:
        for number, name in enumerate(names):
            serve(host, release_of(list(bundles.values())[number % 4], name))
        for name in names:
            assert client(host, name).ask()[1]["meta"]["tags"]["model"] == name
        assert metrics(host)["switchyard_pool_loads_total"] == 100
        assert len(list(Path(pool.layout_of(host._folder).folder / "members").glob("*/*"))) == 100
    finally:
        for name in names:
            host.remove(name, TIMEOUT)
