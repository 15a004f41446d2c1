"""The init container: a bundle comes whole and right, or not at all."""

import os
import subprocess
import sys

import pytest

from switchyard.bundle import digest
from switchyard.bundle.digest import FILES
from switchyard.serving.environment import ROOT
from switchyard.serving.fetch import FetchError, fetch
from tests.switchyard.serving.cases import make_bundle


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "to").mkdir()
    return tmp_path / "to"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_bundle_comes_from_a_folder(bundle, folder):
    for uri in (str(bundle), bundle.as_uri()):
        fetch(uri, folder, digest(bundle))
        assert contents(folder) == contents(bundle)


def test_another_bundle_than_was_asked_for_is_not_left_there(bundle, folder):
    with pytest.raises(FetchError, match="not sha256:0"):
        fetch(str(bundle), folder, "sha256:0")
    assert contents(folder) == {}


def test_half_a_bundle_is_not_left_there(bundle, folder):
    wanted = digest(bundle)
    (bundle / FILES[-1]).unlink()
    with pytest.raises(FetchError, match=r"examples\.json"):
        fetch(str(bundle), folder, wanted)
    assert contents(folder) == {}


def test_a_store_of_another_kind_is_named(folder):
    with pytest.raises(FetchError, match="gs://"):
        fetch("gs://bucket/bundle", folder, "sha256:0")


def test_s3_is_asked_by_the_usual_variables_and_its_refusal_is_told(bundle, folder, monkeypatch):
    pytest.importorskip("botocore")
    from botocore.stub import Stubber

    from switchyard.serving import fetch as module

    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_DEFAULT_REGION": "r",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
    }.items():
        monkeypatch.setenv(name, value)
    client = module.s3_client()
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    with Stubber(client) as stub:
        stub.add_client_error("get_object", "NoSuchKey", "there is none", expected_params={"Bucket": "b", "Key": "x/y/model.onnx"})
        with pytest.raises(FetchError, match="s3://b/x/y/model.onnx can't be fetched: .*there is none"):
            fetch("s3://b/x/y/", folder, digest(bundle), lambda: client)
    assert contents(folder) == {}


def test_the_command_says_in_a_line_what_is_wrong(bundle, folder):
    def run(**variables):
        environment = {**os.environ, "SWITCHYARD_BUNDLE_URI": str(bundle), "SWITCHYARD_BUNDLE": str(folder), **variables}
        return subprocess.run([sys.executable, "-m", "switchyard.serving.fetch"], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert run(SWITCHYARD_DIGEST=digest(bundle)).returncode == 0
    wrong = run(SWITCHYARD_DIGEST="sha256:0")
    assert wrong.returncode == 1 and wrong.stderr.startswith("refusing to serve: ") and "Traceback" not in wrong.stderr
    assert "set SWITCHYARD_DIGEST" in run(SWITCHYARD_DIGEST="").stderr
