"""What the locks hold is under licences that may be; what is not is named."""

from __future__ import annotations

import json
import subprocess
from email.message import Message
from types import SimpleNamespace

import pytest

from app import audit


def package(**said):
    message = Message()
    for key, values in said.items():
        for value in values if isinstance(values, list) else [values]:
            message[key.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("Apache-2.0 OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)", True),
        ("GPL-3.0-only OR MIT AND GPL-2.0-only", False),
        ("Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("MIT License", True),
    ],
)
def test_a_licence_may_be_where_it_can_be_met(expression, allowed):
    assert audit.is_allowed(expression) is allowed


def test_each_package_that_may_not_be_is_named():
    there = {
        "good": package(License_Expression="MIT"),
        "old": package(Classifier=["License :: OSI Approved :: MIT License"], License="a long text"),
        "closed": package(Classifier=["License :: Other/Proprietary License"]),
        "copied": package(License="GPLv3"),
        "silent": package(License="UNKNOWN"),
    }
    assert list(audit.licence_findings([*there, "grandalf"], there.__getitem__)) == [
        "closed: Other/Proprietary License is not among the licences of app/audit.py",
        "copied: GPLv3 is not among the licences of app/audit.py",
        "silent: its metadata name no licence; look, and note it in EXCEPTIONS of app/audit.py",
    ]


def test_the_locks_are_under_licences_that_may_be(capsys):
    assert audit.main(["--offline"]) == 0, capsys.readouterr().out


def answering(monkeypatch, stdout, stderr=""):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=stdout, stderr=stderr))


def test_an_advisory_is_named_with_its_way_out_and_silence_is_said(monkeypatch, tmp_path):
    flaw = {"id": "PYSEC-1", "fix_versions": ["3.1.3"]}
    known = {"name": "jinja2", "version": "3.1.2", "vulns": [flaw]}
    answering(monkeypatch, json.dumps({"dependencies": [known, {"name": "ours", "skip_reason": "not found"}]}))
    assert audit.advisories(tmp_path) == (["jinja2 3.1.2: PYSEC-1, mended in 3.1.3"], "1 of 2 packages were passed over: not found")
    answering(monkeypatch, "", "error: no network\n")
    assert audit.advisories(tmp_path) == ([], "error: no network")
