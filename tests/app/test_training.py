"""The main job, driven as a user drives it, on a store of its own."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.app.project import Project, Result, kill, wait_until

ALWAYS_RUN = {"load_table", "find_champion"}


@pytest.fixture(scope="module")
def first(project: Project) -> Result:
    project.config("small")
    result = project.train("small")
    assert result.code == 0, result.output
    return result


def test_the_summary_says_what_happened(first):
    summary = first.summary

    assert {
        "pipeline",
        "run_id",
        "status",
        "duration_s",
        "steps",
        "cached_steps",
        "stages",
        "task",
        "metric",
        "model",
        "scores",
        "verdict",
        "reports",
    } <= set(summary)
    assert (summary["pipeline"], summary["status"], summary["task"], summary["metric"]) == ("training", "completed", "binary", "roc_auc")
    assert summary["verdict"] == "challenger"
    assert summary["model"]["digest"].startswith("sha256:")
    # Its two trials, of one family, may be blended.
    assert summary["model"]["family"] in ("lightgbm", "ensemble")
    assert summary["steps"] == len(summary["stages"]) > 14
    assert summary["cached_steps"] == 0
    assert 0.75 < summary["scores"]["holdout"]["roc_auc"] < 0.97
    assert set(summary["scores"]) == {"cv", "holdout", "baseline"}


def test_a_person_is_told_what_happened(project, first):
    assert "load_table" in first.output
    assert "Leaderboard" in first.output
    assert "next " in first.output
    for path in first.summary["reports"].values():
        assert (project.root / path).stat().st_size > 500, path
    assert {"model_card", "problem_definition", "data_analysis_report", "ml_requirements"} <= set(first.summary["reports"])
    reports = project.root / "reports" / "small"
    assert (reports / "latest").resolve().name == first.summary["model"]["version"] == "1"
    assert "small, version 1, " in (reports / "1" / "evaluation.html").read_text()
    assert '<a href="1/evaluation.html">' in (reports / "index.html").read_text()


def test_its_files_are_this_accounts_alone_and_reports_are_for_others_too(project, first):
    made = [path for path in (project.store, *project.store.rglob("*")) if not path.is_symlink()]
    # MLflow copies our code with the rights that it has.
    assert [path for path in made if path.stat().st_mode & 0o077 and path.suffix != ".py"] == []
    assert list(project.store.rglob("mlflow.db")) and list(project.store.rglob("zenml.db"))
    shown = [project.root / first.summary["reports"]["model_card"], project.root / "docs/ml-project/small/metrics.json"]
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in shown)


def test_a_store_that_an_earlier_version_left_open_is_closed_by_the_next_command(project, first):
    database = next(project.store.rglob("mlflow.db"))
    database.chmod(0o644)
    project.store.chmod(0o755)
    assert project.run("--help").code == 0
    assert database.stat().st_mode & 0o777 == 0o600 and project.store.stat().st_mode & 0o777 == 0o700


def test_the_registry_has_one_challenger_and_zenml_the_same(project, first):
    versions = project.versions("small")

    assert [version["aliases"] for version in versions] == [["challenger"]]
    assert versions[0]["tags"]["digest"] == first.summary["model"]["digest"] != versions[0]["tags"]["evaluated_digest"]
    assert versions[0]["tags"]["data_revision"].startswith("sha256:")
    stage = project.python("from zenml.client import Client; print(Client().get_model_version('small.local', 'v1').stage)")
    assert stage.splitlines()[-1] == "staging"


def test_the_registered_model_scores_raw_rows(project, first):
    code = """
import json, mlflow, numpy as np
from stacks.active import connect_mlflow
connect_mlflow()
model = mlflow.pyfunc.load_model('models:/small@challenger')
from switchyard.tabular.tables.reading.loans import loans
rows = loans(rows=50, seed=3)
print(json.dumps(model.predict(rows).head(50).to_dict('list')))
"""
    answer = json.loads(project.python(code).splitlines()[-1])

    assert set(answer) == {"label", "probability_0", "probability_1"}
    assert all(0 <= value <= 1 for value in answer["probability_1"])
    assert len(set(answer["probability_1"])) > 30


def test_one_mlflow_run_holds_everything(project, first):
    code = """
import json, mlflow
from stacks.active import connect_mlflow
connect_mlflow()
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name('small').experiment_id
runs = client.search_runs([experiment])
parents = [run for run in runs if 'mlflow.parentRunId' not in run.data.tags]
def walk(path=None):
    for item in client.list_artifacts(parents[0].info.run_id, path):
        if item.is_dir: yield from walk(item.path)
        else: yield item.path
print(json.dumps([len(parents), len(runs) - len(parents), list(walk()), parents[0].data.metrics, parents[0].info.status]))
"""
    parents, children, files, metrics, status = json.loads(project.python(code).splitlines()[-1])

    assert (parents, children, status) == (1, 2, "FINISHED")
    assert {
        "bundle/model.onnx",
        "evaluated/model.onnx",
        "documents/model_card.md",
        "reports/evaluation.html",
        "reports/profile.html",
        "expectations.json",
    } <= set(files)
    assert any(name.startswith("data_docs/") for name in files)
    assert metrics["holdout_roc_auc"] == pytest.approx(first.summary["scores"]["holdout"]["roc_auc"])


def test_the_same_again_is_cached_and_unchanged(project, first):
    again = project.train("small")

    assert again.code == 0, again.output
    assert again.ran == ALWAYS_RUN
    assert again.summary["model"] == first.summary["model"]
    assert again.summary["verdict"] == "unchanged"
    assert len(project.versions("small")) == 1


def test_without_cache_the_same_model_comes_out(project, first):
    again = project.train("small", "--no-cache")

    assert again.code == 0, again.output
    assert not again.cached
    assert again.summary["model"] == first.summary["model"]
    assert again.summary["verdict"] == "unchanged"
    assert len(project.versions("small")) == 1


def test_a_version_that_somebody_removed_is_registered_again(project, first):
    project.python(
        "import mlflow; from stacks.active import connect_mlflow; connect_mlflow()\n"
        "mlflow.MlflowClient().delete_model_version('small', '1')"
    )
    again = project.train("small")

    assert again.code == 0, again.output
    assert [version["tags"]["digest"] for version in project.versions("small")] == [first.summary["model"]["digest"]]
    assert again.summary["model"]["version"] == project.versions("small")[0]["version"]


def test_changed_data_changes_the_model(project, first):
    project.config("small", data={"source": "builtin:loans?rows=1500&seed=1"})
    changed = project.train("small")

    assert changed.code == 0, changed.output
    assert changed.summary["model"]["digest"] != first.summary["model"]["digest"]
    assert changed.summary["verdict"] == "challenger"
    project.config("small")


@pytest.mark.parametrize(
    ("file", "runs", "stays"),
    [
        ("switchyard/tabular/explanation/surrogate.py", "explain_model", "tune_lightgbm"),
        ("switchyard/tabular/families/lightgbm.py", "tune_lightgbm", "profile_table"),
        ("switchyard/tabular/documents/model_card.md.j2", "document_model", "explain_model"),
    ],
)
def test_an_edit_runs_what_depends_on_it(project, first, file, runs, stays):
    project.train("small")
    path = project.root / file
    path.write_text(path.read_text() + ("\n" if file.endswith(".j2") else "\n# edited\n"))
    edited = project.train("small")

    assert edited.code == 0, edited.output
    assert runs in edited.ran
    assert stays in edited.cached


def test_a_closed_gate_registers_nothing(project):
    project.config("strict", constraints={"metric_floor": 0.999})
    result = project.train("strict")

    assert result.code == 3, result.output
    assert result.summary["verdict"] == "rejected"
    assert "constraints.metric_floor" in result.output
    assert project.versions("strict") == []


def test_what_a_stopped_run_found_is_kept(project):
    project.config("leaky", data={"source": "builtin:loans?rows=1500&leaks=target_copy"})
    stopped = project.train("leaky")

    assert stopped.code == 3, stopped.output
    (folder,) = (project.root / "reports" / "leaky").glob("run-*")
    assert f"reports/leaky/{folder.name}/" in stopped.output
    assert {"profile.html", "quality.html", "data_profile.html"} <= {path.name for path in folder.iterdir()}
    assert "not registered (stopped: " in (folder / "quality.html").read_text()
    assert "stopped" in (folder.parent / "index.html").read_text()


def test_the_champion_is_compared_on_the_same_holdout_and_never_with_itself(project):
    # Whichever is better on these few rows: here it matters that they meet.
    project.config("duel", gates={"champion": "ignore"})
    assert project.train("duel").code == 0
    project.python(
        "import mlflow; from stacks.active import connect_mlflow; connect_mlflow()\n"
        "mlflow.MlflowClient().set_registered_model_alias('duel', 'champion', '1')"
    )
    same = project.train("duel")
    project.config("duel", gates={"champion": "ignore"}, tuning={"seed": 5, "trials": 3})
    other = project.train("duel")

    assert (same.code, same.summary["verdict"]) == (0, "unchanged")
    assert other.code == 0, other.output
    assert other.summary["model"]["digest"] != same.summary["model"]["digest"]
    page = (project.root / other.summary["reports"]["comparison"]).read_text()
    assert "champion 1" in page
    assert {alias for version in project.versions("duel") for alias in version["aliases"]} == {"champion", "challenger"}


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    project = Project(tmp_path)
    project.config("killed", tuning={"families": ["lightgbm", "random_forest"], "trials": 6, "folds": 3})
    studies = project.store / "local_stores"

    def predictions() -> dict:
        return {path: path.stat().st_mtime_ns for path in studies.glob("*/switchyard/studies/*/*/oof_*.npy")}

    process = project.start("--pipeline", "training", "--config", "configs/killed.yaml")
    wait_until(lambda: len(predictions()) >= 3, 180, "the third trial")
    kill(process)
    before = predictions()
    finished = project.train("killed")

    assert finished.code == 0, finished.output
    assert all(predictions()[path] == written for path, written in before.items())
    assert len(project.versions("killed")) == 1
    unbroken = Project(tmp_path / "again")
    unbroken.config("killed", tuning={"families": ["lightgbm", "random_forest"], "trials": 6, "folds": 3})
    assert unbroken.train("killed").summary["model"]["digest"] == finished.summary["model"]["digest"]


def test_a_full_artifact_store_ends_the_run_clearly(tmp_path):
    project = Project(tmp_path)
    project.config("full")
    assert project.run("stack", "up", "local").code == 0
    store = project.python("from zenml.client import Client; print(Client().active_stack.artifact_store.path)").splitlines()[-1]
    subprocess.run(["mkdir", "-p", store], check=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "none", store], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        full = project.train("full")
    finally:
        subprocess.run(["umount", store], check=True)

    assert full.code == 1 and "step load_table found no room to write" in full.output, full.output
    assert "Traceback" not in full.output
    assert project.versions("full") == []
