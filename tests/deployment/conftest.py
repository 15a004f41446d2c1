"""Real services on this machine: the stock microservice, Envoy, a supervisor."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest

from deployment.host import Release
from deployment.process.host import ProcessHost
from deployment.process.options import ProcessOptions
from switchyard.bundle import digest
from switchyard.serving import environment as serving_environment
from switchyard.serving.frontdoor import environment as envoy_environment
from switchyard.serving.frontdoor.tokens import first_token, read_tokens
from tests.clients import Clients
from tests.deployment.door import Stub, running
from tests.switchyard.serving.cases import ROW, make_bundle


@pytest.fixture(scope="session")
def installed():
    """Both environments."""
    if not serving_environment.is_installed():
        pytest.skip("the serving environment is not installed: python -m switchyard.serving.environment")
    if envoy_environment.find_envoy() is None:
        pytest.skip("no Envoy here: python -m switchyard.serving.frontdoor.environment")


@pytest.fixture
def host(installed, tmp_path):
    """A process host of one's own; all that it runs ends with the test."""
    made = ProcessHost(tmp_path / "serving", ProcessOptions(workers=1))
    yield made
    made.remove("loans", 30)


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    """Two versions of one model that answer differently."""
    folder = tmp_path_factory.mktemp("bundles")
    thresholds = {"1": 0.6, "2": 0.9}
    return {version: release_of(make_bundle(folder / version, threshold=value), version) for version, value in thresholds.items()}


def release_of(folder, version, **changes):
    return Release("loans", version, digest(folder), {path.name: path.read_bytes() for path in folder.iterdir()}, **changes)


class Client:
    """Asks a model's own front door."""

    def __init__(self, deployment):
        own, address = urlsplit(getattr(deployment, "inner_url", "")), urlsplit(deployment.url)
        # A cluster's own door can't be reached from here.
        address = own if own.hostname == "127.0.0.1" else address
        self.address = (address.hostname, address.port)
        self.token = first_token(read_tokens(deployment.token_file))

    def ask(self, connection=None, path="/predict", row=ROW, **headers):
        """Status and decoded body."""
        own = connection or http.client.HTTPConnection(*self.address, timeout=10)
        try:
            named = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
            own.request("POST", path, json.dumps({"rows": [row]}), named)
            answer = own.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            if connection is None:
                own.close()

    def version(self, **headers):
        """Of the model that answers."""
        status, answer = self.ask(**headers)
        assert status == 200, answer
        return answer["meta"]["tags"]["version"]


class Load(Clients):
    """A few clients that ask one after the other, on connections that they keep."""

    def __init__(self, client, clients=2):
        self.client, self.versions, self.ids, self.failures = client, [], [], []
        super().__init__(self._run, clients)

    def _run(self, _):
        connection = http.client.HTTPConnection(*self.client.address, timeout=10)
        while not self.stopping.is_set():
            try:
                status, answer = self.client.ask(connection)
                if status == 200:
                    self.versions.append(answer["meta"]["tags"]["version"])
                    self.ids.append(answer["meta"]["puid"])
                else:
                    self.failures.append((status, answer))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection.close()
            time.sleep(0.005)


@pytest.fixture
def stubs():
    made = [Stub("v1"), Stub("v2")]
    yield made
    for stub in made:
        stub.stop()


@pytest.fixture
def door(stubs, tmp_path):
    with running(tmp_path, stubs, max_bytes=10_000) as envoy:
        yield envoy
