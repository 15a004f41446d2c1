"""The image builds, and serves as a stranger on a read-only file system. Where a docker engine answers."""

import json
import time
import urllib.request

import pytest

from stacks.images import context_files
from switchyard.serving.environment import ROOT
from tests.switchyard.serving.cases import ROW, make_bundle

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine():
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(f"no docker engine answers: {error}")
    yield client
    client.close()


def test_it_serves_read_only_and_without_rights(engine, tmp_path):
    bundle = make_bundle(tmp_path / "bundle")
    for path in [bundle, *bundle.iterdir()]:
        path.chmod(0o755)
    tmp_path.chmod(0o755)
    # The classic builder does not know Dockerfile.dockerignore: give it the files alone.
    context = tmp_path / "context"
    for name in context_files("serving"):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_bytes((ROOT / name).read_bytes())
    image, _ = engine.images.build(path=str(context), dockerfile="switchyard/serving/Dockerfile", tag="switchyard-serving:test", rm=True)
    # What is ours; the base is whatever the registry has under its name.
    base = engine.images.get("python:3.11-slim-bookworm")
    assert image.attrs["Size"] - base.attrs["Size"] < 400 * 1024**2
    assert image.attrs["Config"]["User"] == "8888:8888"

    container = engine.containers.run(
        image.id,
        detach=True,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        volumes={str(bundle): {"bind": "/bundle", "mode": "ro"}},
        tmpfs={"/journal": "uid=8888"},
        environment={"SWITCHYARD_LOG_URL": "sqlite:////journal/log.db", "SWITCHYARD_VERSION": "3"},
        ports={"9000/tcp": ("127.0.0.1", None)},
    )
    try:
        deadline = time.monotonic() + 60
        while container.attrs["State"].get("Health", {}).get("Status") != "healthy":
            assert time.monotonic() < deadline and container.status != "exited", container.logs().decode()
            time.sleep(0.5)
            container.reload()
        port = container.ports["9000/tcp"][0]["HostPort"]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", json.dumps({"rows": [ROW]}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["predictions"][0]["label"] == "yes"
        container.stop(timeout=15)
        assert container.wait()["StatusCode"] == 0
    finally:
        container.remove(force=True, v=True)
