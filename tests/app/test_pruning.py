"""What a workspace gathers is bounded, and nothing goes that somebody needs."""

from __future__ import annotations

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.upkeep import files
from app.upkeep.item import freed, remove_empty
from app.upkeep.retention import DAYS, Retention, retention_from
from materializers.once import put
from registry.removal import Trained
from switchyard.tabular.errors import InputError
from tests.app.test_zenml_private import folder, told_by  # noqa: F401

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MB = {"runs": 0.9, "windows": 0.2, "trainings": 22.5, "studies": 0.7, "tables": 1.0, "bundles": 17.3, "reports": 1.8}
"""Of the built-in loans, four families, as `docs/operations.md` has them."""
KEPT_MB = {"version": 17.2, "monitoring": 0.01}
"""What stays for ever: a version that was in production, and of a look at it the row of the ledger and ZenML's metadata."""


def test_a_year_of_hourly_monitoring_and_weekly_retraining_stays_below_2_gb():
    retention, kept, forever, peak = Retention(), [], 0.0, 0.0
    start = NOW - timedelta(days=365)
    for hour in range(365 * 24):
        now = start + timedelta(hours=hour)
        kept += [("runs", now), ("windows", now)]
        forever += KEPT_MB["monitoring"]
        if hour % (7 * 24) == 0:
            # Each becomes the champion: the most that a version can leave.
            kept += [(kind, now) for kind in ("runs", "trainings", "studies", "tables", "bundles", "reports")]
            forever += KEPT_MB["version"]
        if hour % 24 == 0:
            kept = [(kind, made) for kind, made in kept if not retention.is_due(kind, made, now)]
        if hour % 24 == 23:
            counts = Counter(kind for kind, _made in kept)
            peak = max(peak, forever + sum(MB[kind] * count for kind, count in counts.items()))

    assert peak < 2000


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("rums=3", "no kind 'rums'; did you mean 'runs'"),
        ("runs=soon", "give days, as in runs=30, or runs=all"),
        ("runs=-1", "give 0 to 36,500 days"),
        ("runs=nan", "give 0 to 36,500 days"),
    ],
)
def test_a_retention_that_makes_no_sense_is_refused(change, why):
    with pytest.raises(InputError, match=why):
        retention_from([change])


def test_a_retention_is_changed_by_kind_and_all_is_for_ever():
    retention = retention_from(["runs=3", "windows=all"])

    assert retention.days == {**DAYS, "runs": 3, "windows": None}
    assert retention.is_due("runs", NOW - timedelta(days=4), NOW) and not retention.is_due("runs", NOW - timedelta(days=2), NOW)
    assert not retention.is_due("windows", NOW - timedelta(days=4000), NOW)


def test_what_is_said_to_be_freed_is_what_the_last_links_hold(tmp_path):
    store, source = tmp_path / "store", tmp_path / "bundle"
    source.write_bytes(os.urandom(50_000))
    for run in "abc":
        put(source, store / "release" / run / "1" / "model.onnx", store)
    runs = [store / "release" / run / "1" for run in "abc"]

    assert freed(runs[:2]) == 0 and freed(runs) == 50_000


def test_folders_that_hold_nothing_go_up_to_the_root(tmp_path):
    uri = tmp_path / "store" / "step" / "output" / "run" / "1"
    (uri.parent.parent / "another").mkdir(parents=True)
    uri.parent.mkdir()

    remove_empty(uri, tmp_path / "store")

    assert not uri.parent.exists() and (uri.parent.parent / "another").is_dir()


def trained(version: str | None, digest: str = "sha256:aa", source: str = "") -> Trained:
    return Trained("loans", version, f"run{version}", "", digest, source, NOW)


def old(path: Path, content: str = "x") -> Path:
    """A file that was last touched in 2001."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    for touched in (path, path.parent):
        os.utime(touched, (1e9, 1e9))
    return path


def test_files_that_something_refers_to_stay(tmp_path):
    store, stores = tmp_path / "store", tmp_path / "stores"
    for name in ("aa11", "bb22"):
        old(store / "switchyard" / "bundles" / name / "model.onnx")
        old(stores / "switchyard" / "serving" / "loans" / "bundles" / name / "model.onnx")
        old(store / "switchyard" / "data" / name / "table.csv")
        old(store / "switchyard" / "studies" / name / "study.db")
    fresh = store / "switchyard" / "studies" / "cc33" / "study.db"
    fresh.parent.mkdir()
    fresh.write_text("x")
    old(stores / "switchyard" / "studies" / "dd44" / "study.db")
    old(stores / "switchyard" / "serving" / "loans" / "logs" / "v1.log")
    old(stores / "switchyard" / "serving" / "loans" / "logs" / "access.log")
    old(stores / "switchyard" / "evidently" / "project" / "snapshots" / "1.json")
    versions = [trained("1", source=f"log:{store}/switchyard/data/aa11/table.csv")]

    items = list(files.old_files(Retention(), NOW, str(store), stores, {"sha256:aa1100"}, versions))

    found = {str(path.relative_to(tmp_path)) for item in items for path in item.paths}
    assert found == {
        "store/switchyard/bundles/bb22",
        "stores/switchyard/serving/loans/bundles/bb22",
        "store/switchyard/data/bb22",
        "store/switchyard/studies/aa11",
        "store/switchyard/studies/bb22",
        "stores/switchyard/studies/dd44",
        "stores/switchyard/serving/loans/logs/v1.log",
        "stores/switchyard/evidently/project/snapshots/1.json",
    }
    for item in items:
        item.free()
        item.free()
    assert not any(path.exists() for item in items for path in item.paths)


def test_reports_go_with_their_version_unless_a_link_leads_to_them_and_the_index_follows(tmp_path):
    model = tmp_path / "reports" / "loans"
    facts = {"model": "loans", "ended": "2024-01-01T00:00:00+00:00", "verdict": "challenger"}
    for name in ("1", "2", "run-3f", "run-4a"):
        version = None if name.startswith("run") else name
        old(model / name / "run.json", json.dumps({**facts, "version": version, "run_id": name.removeprefix("run-")}))
    old(model / "monitoring" / "drift.html")
    (model / "latest").symlink_to("run-4a")

    items = list(files.old_reports(Retention(), NOW, tmp_path, [trained("2")]))

    assert sorted(item.what for item in items) == ["reports/loans/1", "reports/loans/run-3f"]
    for item in items:
        item.free()
    page = (model / "index.html").read_text()
    assert page.count("challenger") == 2 and (model / "2").is_dir()
    assert not list(files.old_reports(Retention(), NOW, tmp_path, [])), "a model that the registry does not know may be another stack's"


RUNS = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from app.upkeep.retention import Retention
from app.upkeep.runs import old_runs
from sqlalchemy import event
from sqlalchemy.engine import Engine
from zenml.config.global_config import GlobalConfiguration


@step(enable_cache=False)
def speak() -> str:
    return "x" * 10_000


def speaking():
    speak()


asked = []
def statements():
    asked.clear()
    due = list(old_runs(Retention(), later, ()))
    assert all(path.is_dir() for item in due for path in item.paths) and all(item.paths for item in due)
    return len(asked)


later = datetime.now(UTC) + timedelta(days=15)
counts = []
for name in ("monitoring", "asking"):
    for number in range(3):
        pipeline(name=name)(speaking).with_options(run_name=f"{name}-loans-20260101-00000{number}-000000")()
    if name == "monitoring":
        event.listen(Engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts.append(statements())
assert counts[0] == counts[1] > 0, f"how often ZenML is asked grows with the runs: {counts}"
stores = Path(GlobalConfiguration().local_stores_path)
client = Client()
early = len(list(old_runs(Retention(), datetime.now(UTC), ())))
needed = client.list_pipeline_runs(name="monitoring-loans-20260101-000001-000000").items[0].id
spared = [item.what.split(",")[0][-13:] for item in old_runs(Retention(), later, {str(needed)})]
from app.upkeep.runs import remove_run
for nobody in ("", "mon", "monitoring-loans-20260101-000001-000000", "00000000-0000-0000-0000-000000000000"):
    remove_run(nobody)
for item in old_runs(Retention(), later, ()):
    item.free()
    item.free()
left = sorted(run.name[-13:] for run in client.list_pipeline_runs(pipeline_name="monitoring"))
print("TOLD", early, ",".join(spared), ",".join(left), client.list_pipeline_runs(pipeline_name="asking").total,
      client.list_snapshots(named_only=False).total, client.list_artifact_versions().total,
      sum(path.is_dir() for path in stores.glob("*/speak/output/*")))
"""


def test_runs_that_are_due_go_with_all_they_left_but_the_newest_the_needed_and_those_of_others(folder):  # noqa: F811
    assert told_by(folder, RUNS) == ["0", "000000-000000", "000002-000000", "3", "4", "4", "4"]
