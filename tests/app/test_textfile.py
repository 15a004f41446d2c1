"""What a run tells Prometheus."""

import json

import pytest

from app import textfile
from switchyard.tabular.errors import GateClosed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(textfile.FOLDER_VARIABLE, str(tmp_path / "metrics"))
    return tmp_path / "metrics"


def test_a_run_is_told_however_it_ends(folder, tmp_path):
    summary = tmp_path / "given.json"
    with pytest.raises(GateClosed), textfile.told_to_prometheus(summary) as told:
        told.model = "loans"
        summary.write_text(json.dumps({"pipeline": "training", "duration_s": 3.5}))
        raise GateClosed("no")
    text = (folder / "training-loans.prom").read_text()

    assert 'switchyard_run_exit_code{pipeline="training",model="loans"} 3.0' in text
    assert "# TYPE switchyard_run_exit_code gauge" in text
    with textfile.told_to_prometheus(None) as told:
        told.model, told.code = "loans", 0
        told.summary.write_text(json.dumps({"pipeline": "training", "duration_s": 3.5}))
    assert 'switchyard_run_exit_code{pipeline="training",model="loans"} 0.0' in (folder / "training-loans.prom").read_text()
    assert [path.name for path in folder.iterdir()] == ["training-loans.prom"]


def test_a_dry_run_tells_nothing(folder):
    with textfile.told_to_prometheus(None) as told:
        told.model, told.code = "loans", 0

    assert not folder.exists()


def test_labels_are_escaped():
    assert (
        textfile.text_of(iter([("switchyard_run_steps", {"model": 'a"b\\c'}, 1)])).splitlines()[-1]
        == 'switchyard_run_steps{model="a\\"b\\\\c"} 1.0'
    )
