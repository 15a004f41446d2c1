"""The front door as a pod runs it: a mounted folder says what it should be; and the image that holds it."""

import http.client
import json
import shutil
import threading
import time
from datetime import UTC, datetime

import pytest

from switchyard.serving.frontdoor import environment
from switchyard.serving.frontdoor.pod import STATUS_PORT, FrontDoor, serve_status
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.wish import FILE, TOKENS, Wish
from tests.deployment.door import TOKEN, Stub, free_port, wait_until


class Pod:
    """A front door kept to what `write` writes, as `python -m switchyard.serving.frontdoor.pod` does it."""

    def __init__(self, folder):
        self.folder, self.generation = folder / "secret", 0
        self.folder.mkdir()
        self.stubs = [Stub("v1"), Stub("v2")]
        self.settings = Door(free_port(), free_port(), access_log=str(folder / "access.log"))
        self.write(Traffic.all_to("v1"))
        self.door = FrontDoor(self.folder, folder / "envoy")
        self.door.start()
        self.status = serve_status(self.door, "127.0.0.1", 0)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.keep)
        self.thread.start()
        self.wait()

    def keep(self):
        while not self.ended.wait(0.05):
            self.door.step()

    def write(self, traffic, tokens=f"tests {TOKEN}\n", names=("v1", "v2"), more=()):
        self.generation += 1
        upstreams = (*(stub.upstream for stub in self.stubs if stub.name in names), *more)
        (self.folder / TOKENS).write_text(tokens)
        (self.folder / FILE).write_text(Wish(self.generation, self.settings, upstreams, traffic).to_json())

    def told(self, path="/applied"):
        connection = http.client.HTTPConnection("127.0.0.1", self.status.server_address[1], timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def applied(self):
        return json.loads(self.told()[1])

    def wait(self):
        wait_until(lambda: self.applied()["applied"] == self.generation, what=f"generation {self.generation}")

    def ask(self, token=TOKEN, connection=None, **headers):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own.request("POST", "/predict", b"{}", {"Authorization": f"Bearer {token}", **named})
        answer = own.getresponse()
        return answer.status, json.loads(answer.read()).get("from"), answer.getheader("connection")

    def end(self):
        self.ended.set()
        self.thread.join()
        if self.door.ended() is None:
            self.door._process.terminate()
            self.door._process.wait()
        self.status.shutdown()
        self.status.server_close()
        for stub in self.stubs:
            stub.stop()


@pytest.fixture
def pod(tmp_path):
    if environment.find_envoy() is None:
        pytest.skip("no Envoy here: python -m switchyard.serving.frontdoor.environment")
    made = Pod(tmp_path)
    yield made
    made.end()


def test_it_follows_the_secret_and_says_so_once_it_does(pod):
    assert pod.ask()[:2] == (200, "v1") and pod.told("/ready")[0] == 200
    pod.write(Traffic.all_to("v2"), names=("v2",))
    pod.wait()
    assert {pod.ask()[1] for _ in range(10)} == {"v2"}
    assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="v2"}' in pod.told("/statistics")[1]
    assert pod.told("/config_dump")[0] == 404


def test_a_version_that_can_not_be_found_gets_no_requests(pod):
    # By a name that nobody has, as of a version whose pods are not there yet.
    pod.write(Traffic.all_to("v3"), more=[Upstream("v3", "v3.invalid", 80)])
    time.sleep(1)
    assert pod.applied()["applied"] == pod.generation - 1 and pod.ask()[1] == "v1"


def test_tokens_are_replaced_and_a_mistake_among_them_changes_nothing(pod):
    pod.write(Traffic.all_to("v2"), tokens="short\n")
    wait_until(lambda: "line 1" in pod.applied()["problem"], what="the complaint")
    assert pod.ask()[:2] == (200, "v1")
    pod.write(Traffic.all_to("v2"), tokens="other another-token-that-is-long\n")
    pod.wait()
    assert pod.ask()[0] == 401 and pod.ask("another-token-that-is-long")[:2] == (200, "v2")
    assert TOKEN not in pod.told()[1] + pod.told("/statistics")[1]


def test_a_token_ends_at_its_moment_without_anybodys_doing(pod):
    until = datetime.fromtimestamp(time.time() + 3, UTC).isoformat()
    pod.write(Traffic.all_to("v2"), tokens=f"tests {TOKEN}\nshort another-token-that-is-long until={until}\n")
    pod.wait()
    assert pod.ask(token="another-token-that-is-long")[0] == 200
    wait_until(lambda: pod.ask(token="another-token-that-is-long")[0] == 401, 10, "the end")
    assert pod.ask()[0] == 200


def test_it_leaves_without_a_request_lost(pod, monkeypatch):
    monkeypatch.setattr("switchyard.serving.frontdoor.pod.LEAVE_S", 0.3)
    slow = []
    asking = threading.Thread(target=lambda: slow.append(pod.ask(x_sleep="1.5")))
    asking.start()
    kept = http.client.HTTPConnection("127.0.0.1", pod.settings.port, timeout=10)
    assert pod.ask(connection=kept)[::2] == (200, None)
    pod.ended.set()
    leaving = threading.Thread(target=pod.door.leave)
    leaving.start()
    wait_until(lambda: pod.told("/ready")[0] == 503, what="the refusal of readiness")
    time.sleep(0.5)
    # Whoever keeps a connection is told to make another next time.
    assert pod.ask(connection=kept)[::2] == (200, "close")
    leaving.join()
    asking.join()
    assert slow[0][:2] == (200, "v1") and pod.door.ended() == 0


@pytest.mark.slow
def test_the_image_runs_read_only_and_without_rights(tmp_path):
    docker = pytest.importorskip("docker")
    try:
        engine = docker.from_env()
        engine.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no docker engine answers: {error}")
    from stacks.images import ensure_image

    image = engine.images.get(ensure_image("frontdoor", ""))
    assert image.attrs["Config"]["User"] == "8889:8889"
    secret = tmp_path / "secret"
    secret.mkdir()
    tmp_path.chmod(0o755)
    secret.chmod(0o755)
    (secret / TOKENS).write_text(f"tests {TOKEN}\n")
    door = Door(8080, 9901, host="0.0.0.0")
    (secret / FILE).write_text(Wish(1, door).to_json())
    container = engine.containers.run(
        image.id,
        detach=True,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        volumes={str(secret): {"bind": "/etc/frontdoor", "mode": "ro"}},
        tmpfs={"/run/frontdoor": "uid=8889"},
        ports={"8080/tcp": ("127.0.0.1", None), f"{STATUS_PORT}/tcp": ("127.0.0.1", None)},
    )
    try:

        def health():
            container.reload()
            assert container.status != "exited", container.logs().decode()
            return container.attrs["State"].get("Health", {}).get("Status")

        wait_until(lambda: health() == "healthy", 90, "the container's health")
        ports = [int(container.ports[f"{port}/tcp"][0]["HostPort"]) for port in (8080, STATUS_PORT)]

        def status(token):
            connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=10)
            connection.request("POST", "/predict", b"{}", {"Authorization": f"Bearer {token}"})
            return connection.getresponse().status

        assert (status("none"), status(TOKEN)) == (401, 503)
        (secret / TOKENS).write_text("tests another-token-that-is-long\n")
        wait_until(lambda: status("another-token-that-is-long") == 503, 15, "the new token")
        container.stop(timeout=40)
        assert container.wait()["StatusCode"] == 0 and b'"path":"/predict"' in container.logs()
    finally:
        container.remove(force=True, v=True)
        shutil.rmtree(secret)
