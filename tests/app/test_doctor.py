"""`run.py doctor` finds what is wrong and says how to mend it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from zenml.config import global_config

from app.commands import doctor
from tests.app.project import Project


def test_a_sound_machine_is_found_sound(tmp_path):
    project = Project(tmp_path)
    before, _, after, told = project.batch(["doctor"], ["stack", "up", "local"], ["doctor"], ["doctor", "--json"])

    assert before.code == 1
    assert "python run.py stack up local" in before.output
    assert after.code == 0, after.output
    for check in ("Python", "packages", "free disk", "active stack", "MLflow", "port 8237"):
        assert check in after.output
    checks, _ = json.JSONDecoder().raw_decode(told.output[told.output.index("[") :])
    assert told.code == 0 and all(check["fine"] for check in checks) and checks[0]["found"].startswith("3.11")


def test_a_package_that_is_not_as_locked_is_named(tmp_path):
    project = Project(tmp_path)
    lock = project.root / "requirements.txt"
    lock.write_text(lock.read_text().replace("rich==", "rich==0."))
    _, result = project.batch(["stack", "up", "local"], ["doctor"])

    assert result.code == 1
    assert "rich" in result.output
    assert "make setup" in result.output


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("sqlite:////home/x/zenml.db", "python run.py stack up local"),
        ("http://10.96.0.7:8080", "http://10.96.0.7:8080 answer.*stack up kubernetes"),
    ],
)
def test_a_store_that_cannot_be_looked_at_is_mended_where_it_is(monkeypatch, store, told):
    monkeypatch.setattr(global_config, "GlobalConfiguration", lambda: SimpleNamespace(store_configuration=SimpleNamespace(url=store)))

    def stack(_root):
        raise ConnectionError("no route")

    found = doctor._safely(stack, Path())
    assert re.search(told, found[0].mend) and not found[0].fine
