"""Bytes that were changed since a version was registered: never served, never staged, and what serves is left alone."""

import json
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from deployment import bundles
from deployment.guard import Changes, old_version_keeps_serving
from deployment.host import Deployment, DeploymentError, Instance
from deployment.process.layout import Layout
from switchyard.bundle import Bundle, digest
from switchyard.bundle.digest import FILES
from switchyard.bundle.keys import make_key, public_of
from switchyard.bundle.seal import Seal
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.door import wait_until
from tests.deployment.test_process_host import TIMEOUT, observed, pid, serve


def changed(release):
    """`release` with one byte of its model flipped, as a file of the registry may be."""
    model = bytearray(release.files["model.onnx"])
    model[len(model) // 2] ^= 1
    return replace(release, files={**release.files, "model.onnx": bytes(model)})


def contents(folder):
    """What is in `folder` and when it was written."""
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes()) for path in sorted(Path(folder).rglob("*")) if path.is_file()
    }


def kill(host, name="v1"):
    """Kill all processes of an instance; returns the id that the first of them had."""
    died = pid(host, name)
    os.killpg(died, signal.SIGKILL)
    return died


def is_another_ready(host, died, name="v1"):
    """Whether another process than `died` is ready under `name`."""
    found = observed(host)["processes"][name]
    return found["state"] == "ready" and found["pid"] != died


def folder_of(host, name="v1"):
    return Path(Layout(host._folder / "loans").read_desired().instances[name].settings["bundle"])


def test_a_refused_version_touches_nothing_and_what_serves_comes_back_from_its_death(host, releases):
    client = serve(host, releases["1"])
    layout = Layout(host._folder / "loans")
    before, desired = contents(layout.bundles), layout.desired.read_bytes()
    with pytest.raises(DeploymentError, match="the files of version 1 of 'loans' were changed since it was registered"):
        host.start(changed(releases["1"]), TIMEOUT)
    assert contents(layout.bundles) == before and layout.desired.read_bytes() == desired

    for _ in range(2):
        died = kill(host)
        wait_until(partial(is_another_ready, host, died), 20, "the return")
        wait_until(lambda: client.ask()[0] == 200, 20, "the answer")


def test_a_version_that_was_never_deployed_and_is_refused_leaves_no_trace(host, releases):
    with pytest.raises(DeploymentError, match="changed since it was registered"):
        host.start(changed(releases["1"]), TIMEOUT)
    assert not host._folder.exists() and host.inspect("loans") is None


def test_asking_what_an_instance_would_be_called_writes_nothing(host, releases):
    assert host.name_for(releases["1"]) == "v1"
    assert not host._folder.exists()


def test_the_refusal_is_one_line_with_both_digests_and_the_way_out(releases):
    with pytest.raises(DeploymentError) as refusal:
        changed(releases["1"]).verify()
    line = str(refusal.value)
    assert "\n" not in line and releases["1"].digest in line and "put them back as they were" in line and "--version" in line
    assert line.count("sha256:") == 2 and refusal.value.exit_code == 1
    without = {name: content for name, content in releases["1"].files.items() if name != "examples.json"}
    with pytest.raises(DeploymentError, match=r"examples\.json is missing;"):
        replace(releases["1"], files=without).verify()
    releases["1"].verify()


@pytest.mark.parametrize("damage", ["other bytes", "a file is missing", "it is a file"])
def test_a_wrong_folder_is_mended_and_a_right_one_left_alone(tmp_path, releases, damage):
    layout, release = Layout(tmp_path), releases["1"]
    target = layout.bundle(release.digest)
    layout.keep_bundle(release.files, release.digest)
    assert digest(target) == release.digest
    whole = contents(target)
    layout.keep_bundle(release.files, release.digest)
    assert contents(target) == whole

    if damage == "other bytes":
        (target / "model.onnx").write_bytes(changed(release).files["model.onnx"])
    else:
        (target / "signature.json").unlink()
    if damage == "it is a file":
        for path in target.iterdir():
            path.unlink()
        target.rmdir()
        target.write_text("no bundle")
    layout.keep_bundle(release.files, release.digest)
    assert digest(target) == release.digest and list(layout.bundles.iterdir()) == [target]


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _folder(path):
    path.unlink()
    path.mkdir()


def _link(path):
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def each_tampering(test):
    """`test` of each member, changed in each way."""
    ways = pytest.mark.parametrize("tamper", [_flip, Path.unlink, _folder, _link], ids=["a byte", "missing", "a folder", "a link"])
    return pytest.mark.parametrize("member", FILES)(ways(test))


@each_tampering
def test_each_member_of_a_services_copy_is_mended_however_it_was_changed(tmp_path, releases, member, tamper):
    layout, release = Layout(tmp_path), releases["1"]
    layout.keep_bundle(release.files, release.digest)
    tamper(layout.bundle(release.digest) / member)
    layout.keep_bundle(release.files, release.digest)
    assert Bundle.read(layout.bundle(release.digest)).files == release.files


def test_what_does_not_belong_into_a_services_copy_goes(tmp_path, releases):
    layout, release = Layout(tmp_path), releases["1"]
    layout.keep_bundle(release.files, release.digest)
    (layout.bundle(release.digest) / "evil.py").write_text("import os")
    layout.keep_bundle(release.files, release.digest)
    assert Bundle.read(layout.bundle(release.digest)).files == release.files


def test_a_bundle_that_can_not_be_written_whole_is_not_there(tmp_path, releases, monkeypatch):
    layout, release = Layout(tmp_path), releases["1"]

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        layout.keep_bundle(release.files, release.digest)
    assert list(layout.bundles.iterdir()) == []


def test_a_service_starts_only_with_a_bundle_that_was_signed_by_the_key_of_its_deployment(host, releases):
    private = make_key()
    seal = Seal.make("loans", releases["1"].files, {}, private).content.decode()
    trusted = {"trusted_key": public_of(private), "seal": seal}
    assert host.start(replace(releases["1"], settings=trusted), TIMEOUT).state == "ready"
    with pytest.raises(DeploymentError, match=r"refusing to serve: .*model\.onnx is not what was signed"):
        host.start(replace(releases["2"], settings=trusted), TIMEOUT)
    assert [one.name for one in host.inspect("loans").instances] == ["v1"]


def test_deployed_again_with_the_right_files_it_is_judged_anew(host, releases):
    client = serve(host, releases["1"])
    model = folder_of(host) / "model.onnx"
    model.write_bytes(changed(releases["1"]).files["model.onnx"])
    kill(host)
    wait_until(lambda: host.inspect("loans").stable.state == "failed", 60, "the failure")
    assert client.ask()[0] == 503

    assert host.start(releases["1"], TIMEOUT).state == "ready"
    assert observed(host)["processes"]["v1"]["deaths"] == 0
    assert digest(folder_of(host)) == releases["1"].digest and client.version() == "1"
    running = pid(host, "v1")
    assert host.start(releases["1"], TIMEOUT).restarts == 0 and pid(host, "v1") == running


def test_resumed_after_its_folder_was_mended_by_hand_it_is_judged_anew(host, releases):
    client = serve(host, releases["1"])
    model = folder_of(host) / "model.onnx"
    whole = model.read_bytes()
    model.write_bytes(changed(releases["1"]).files["model.onnx"])
    kill(host)
    wait_until(lambda: host.inspect("loans").stable.state == "failed", 60, "the failure")
    model.write_bytes(whole)
    assert host.resume("loans", "v1", TIMEOUT).state == "ready" and client.version() == "1"


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("ready", "", "loans was not deployed, version 1 still serves: as it happens"),
        (
            "failed",
            "dies again and again",
            "loans was not deployed, version 1 has the traffic and is not ready to answer (failed: dies again and again): as it happens",
        ),
        ("starting", "", "loans was not deployed, version 1 has the traffic and is not ready to answer (starting): as it happens"),
    ],
)
def test_only_what_is_ready_is_said_to_serve(state, reason, words):
    instance = Instance("v1", "1", "sha256:1", "live", "http://127.0.0.1:1", state, reason)
    deployment = Deployment("loans", "http://door", "http://door", None, (instance,), Traffic.all_to("v1"))
    deployer = SimpleNamespace(host=SimpleNamespace(inspect=lambda model: deployment))
    with pytest.raises(DeploymentError) as failure, old_version_keeps_serving(deployer, "loans", Changes(deployment.traffic)):
        raise DeploymentError("as it happens")
    assert str(failure.value) == words


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An artifact store on this disk."""
    monkeypatch.setattr(bundles, "artifact_store", lambda: SimpleNamespace(path=str(tmp_path / "store")))
    return tmp_path / "store"


def test_a_staged_bundle_is_written_once_and_mended_where_it_was_changed(store, releases):
    uri = bundles.stage_bundle(releases["1"])
    assert digest(uri) == releases["1"].digest and Path(uri).is_relative_to(store)
    whole = contents(uri)
    assert bundles.stage_bundle(releases["1"]) == uri and contents(uri) == whole

    # As long as before, which a size does not tell.
    (Path(uri) / "model.onnx").write_bytes(changed(releases["1"]).files["model.onnx"])
    (Path(uri) / "examples.json").unlink()
    bundles.stage_bundle(releases["1"])
    assert digest(uri) == releases["1"].digest and len(list(Path(uri).iterdir())) == 3
    assert bundles.read_bundle(uri) == {name: releases["1"].files[name] for name in FILES}
    assert json.loads((Path(uri) / "examples.json").read_bytes())


@each_tampering
def test_each_member_of_a_staged_bundle_is_mended_however_it_was_changed(store, releases, member, tamper):
    uri = Path(bundles.stage_bundle(releases["1"]))
    tamper(uri / member)
    bundles.stage_bundle(releases["1"])
    assert bundles.read_bundle(str(uri)) == {name: releases["1"].files[name] for name in FILES}


def test_what_is_not_what_it_claims_to_be_is_not_staged(store, releases):
    with pytest.raises(DeploymentError, match="changed since it was registered"):
        bundles.stage_bundle(changed(releases["1"]))
    assert not store.exists()
