"""A model, or a version of it, is deleted whole, and never what serves."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from app.upkeep import deleting
from app.upkeep.deployed import Deployed
from deployment.host import Deployment, Instance
from registry.removal import Trained
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import InputError

ONE = Deployed("loans", "1", "sha256:aa", "v1", "local")


class Deployer:
    """A deployer of one version, `v1`."""

    name = "local"

    def __init__(self, state: str) -> None:
        self.done: list[tuple[str, ...]] = []
        instance = Instance("v1", "1", "sha256:aa", "live", "", state)
        self._deployment = Deployment("loans", "", "", None, (instance,), Traffic.all_to("v1") if state == "ready" else Traffic())
        self.host = SimpleNamespace(
            inspect=lambda _model: self._deployment, remove=lambda model, _timeout: self.done.append(("remove", model))
        )

    def retire(self, _model, name, _timeout):
        self.done.append(("retire", name))


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """Versions 1 (the champion) and 2 of `loans`, nothing of it deployed; what is taken away is told."""
    gone, folders = [], {}
    versions = [
        Trained("loans", str(number), f"run{number}", f"zenml{number}", f"sha256:{'ab'[number - 1] * 2}", "", datetime.now(UTC), kept)
        for number, kept in ((1, "is the champion"), (2, "is the newest"))
    ]
    for version in versions:
        folder = tmp_path / "mlartifacts" / version.run_id
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(os.urandom(1000))
        folders[version.run_id] = folder
    monkeypatch.setattr(deleting, "all_deployed", lambda: [])
    monkeypatch.setattr(deleting, "remove_run", lambda run: gone.append(run))
    fake = SimpleNamespace(
        registered=lambda _deployed, name=None: [version for version in versions if name in (None, version.name)],
        folders_of=lambda version: [folders[version.run_id]],
        remove=lambda version: gone.append(f"version {version.version}"),
        remove_model=lambda name: gone.append(name),
    )
    monkeypatch.setattr(deleting, "removal", fake)
    return gone


@pytest.mark.parametrize(
    ("asked", "state", "why"),
    [
        (("loans", "1"), "ready", r"version 1 of 'loans' is served \(100% of the requests\).*run.py stop loans --version 1"),
        (("loans", None), "starting", "is served"),
        (("loans", "1"), "stopped", "is the champion: deploy another first"),
        (("loans", "7"), "stopped", "no version '7' in the registry; there is 1, 2"),
        (("loanz", None), "stopped", "no model 'loanz' in the registry; did you mean 'loans'"),
    ],
)
def test_what_serves_and_what_is_not_there_is_refused(registry, monkeypatch, asked, state, why):
    monkeypatch.setattr(deleting, "all_deployed", lambda: [ONE])

    with pytest.raises(InputError, match=why):
        deleting.deletion_of(*asked, Deployer(state))
    assert not registry


def test_what_another_stack_serves_is_refused(registry, monkeypatch):
    monkeypatch.setattr(deleting, "all_deployed", lambda: [replace(ONE, deployer="cluster")])

    with pytest.raises(InputError, match="deployed by 'cluster' of another stack"):
        deleting.deletion_of("loans", None, Deployer("stopped"))


def test_a_version_goes_with_its_run_bundles_and_pages_and_the_others_stay(registry, tmp_path):
    store, stores = tmp_path / "store", tmp_path / "stores"
    for digest in ("aa", "bb"):
        (store / "switchyard" / "bundles" / digest).mkdir(parents=True)
        (stores / "switchyard" / "serving" / "loans" / "bundles" / digest).mkdir(parents=True)
    for version in "12":
        folder = tmp_path / "reports" / "loans" / version
        folder.mkdir(parents=True)
        facts = {"model": "loans", "version": version, "run_id": version, "ended": "2026-01-01", "verdict": "challenger"}
        (folder / "run.json").write_text(json.dumps(facts))

    size = deleting.deletion_of("loans", "2", None).carry_out(tmp_path, str(store), stores, None)

    assert registry == ["zenml2", "version 2"] and size > 1000
    assert [path.name for path in (tmp_path / "mlartifacts").iterdir()] == ["run1"]
    assert [path.name for path in (store / "switchyard" / "bundles").iterdir()] == ["aa"]
    assert [path.name for path in (stores / "switchyard" / "serving" / "loans" / "bundles").iterdir()] == ["aa"]
    assert sorted(path.name for path in (tmp_path / "reports" / "loans").iterdir()) == ["1", "index.html"]


def test_a_model_whose_services_are_stopped_goes_whole(registry, monkeypatch, tmp_path):
    monkeypatch.setattr(deleting, "all_deployed", lambda: [ONE])
    for folder in ("reports/loans/1", "docs/ml-project/loans", "stores/switchyard/serving/loans/logs"):
        (tmp_path / folder).mkdir(parents=True)
    deployer = Deployer("stopped")

    deleting.deletion_of("loans", None, deployer).carry_out(tmp_path, str(tmp_path / "store"), tmp_path / "stores", deployer)

    assert registry == ["zenml1", "version 1", "zenml2", "version 2", "loans"]
    assert deployer.done == [("retire", "v1"), ("remove", "loans")]
    assert not list(tmp_path.glob("reports/*")) and not list(tmp_path.glob("stores/switchyard/serving/*"))
