"""Several processes fit one model to all rows of a large table, and the loss of one ends in another attempt or in one line."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.families.monitor import Monitor
from switchyard.tabular.families.together import Target
from switchyard.tabular.fitting import train
from switchyard.tabular.tables.large.load import load
from switchyard.tabular.workers import engine, fit
from tests.switchyard.tabular.tables.test_large import people


def loaded(tmp_path, family, **training):
    path = tmp_path / "people.csv"
    people(2400).drop(columns="weight").to_csv(path, index=False)
    tuning = {"trials": 1, "families": [family], "folds": 2}
    asked = {"name": "people", "data": {"source": str(path), "target": "left"}, "tuning": tuning}
    return load(problem_from({**asked, "training": {"in_memory": 600, **training}}, "test"), str(path))


def trained(tmp_path, family, **training):
    table, problem, rest, notes = loaded(tmp_path, family, **training)
    return train(table, problem, notes, rest=rest)


def killed_once(job):
    """On a worker: a fit in the middle of which the second worker is killed, the first time."""
    died, step = job.folder.parent / "died", Monitor.step

    def dies(self, done, *more):
        if done == 5:
            died.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, done, *more)

    if job.share.number == 1 and not died.exists():
        Monitor.step = dies
    return _FIT(job)


_FIT = fit._fit_share


def as_alone(tmp_path, family, found):
    alone = trained(tmp_path, family)
    later = people(4000, seed=9).drop(columns="weight")
    right = [float((model.predict(later) == later["left"]).mean()) for model in (found, alone)]
    assert found.served.rows == 2400 and found.served.digest != found.served.evaluated_digest and not found.served.parity.differing_rows
    assert right[0] > right[1] - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_workers_learn_what_one_process_learns_though_one_is_killed_in_the_middle(tmp_path, family, monkeypatch, caplog):
    pytest.importorskip("distributed")
    monkeypatch.setattr(fit, "_fit_share", killed_once)
    found = trained(tmp_path, family, workers=2)

    assert [record.message for record in caplog.records if "begun again (2 of 3)" in record.message]
    as_alone(tmp_path, family, found)
    if family == "lightgbm":
        # Hessians of a binary loss count rows: more than one of them has.
        tree = found.model.members[0].estimator.booster_.dump_model()["tree_info"][0]["tree_structure"]
        assert tree["internal_count"] > 1300


@pytest.mark.slow
def test_a_scheduler_of_ones_own_makes_the_fit_and_has_its_lost_worker_back(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(fit, "_fit_share", killed_once)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        shared = tmp_path / "shared"
        shared.mkdir()
        found = trained(tmp_path, "lightgbm", engine=cluster.scheduler_address, shared=str(shared))
        assert [path.name for path in shared.iterdir()] == ["died"]
    as_alone(tmp_path, "lightgbm", found)


@pytest.mark.slow
def test_a_worker_that_is_lost_again_and_again_or_silent_is_one_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "ATTEMPTS", 2)
    with engine.Engine(1, silent_s=20) as workers:
        with pytest.raises(InputError, match="1 of 1 workers ended in the middle of the work; given up after 2 attempts"):
            workers.insist(lambda: workers.run(os._exit, [(1,)]))
        workers.renew()
        with pytest.raises(ZeroDivisionError):
            workers.run(divmod, [(1, 0)])
        workers._silent_s = 1
        with pytest.raises(engine.LostWorkerError, match="no worker said anything for 1 s"):
            workers.run(time.sleep, [(60,)])


@pytest.mark.parametrize("training", [{"workers": 2}, {"engine": "tcp://127.0.0.1:8786"}])
def test_without_dask_a_table_larger_than_memory_is_refused_before_anything_runs(tmp_path, training, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="need Dask, which is not installed: pip install -r requirements-workers.txt"):
        loaded(tmp_path, "lightgbm", **training)


def test_a_shared_folder_needs_an_engine():
    with pytest.raises(InputError, match="shared is for the workers of an engine"):
        problem_from({"name": "a", "data": {"source": "a.csv", "target": "b"}, "training": {"shared": "/tmp"}}, "test")


@pytest.mark.parametrize("weighed", [False, True], ids=["alike", "weighed"])
def test_what_is_said_of_all_targets_is_the_same_from_parts(weighed):
    rng = np.random.default_rng(0)
    y, weights = rng.normal(7, 3, 1000), rng.uniform(1, 9, 1000) if weighed else None
    codes = np.digitize(y, [5, 8])
    for target, classes in ((y, 0), (codes, 3)):
        parts = [
            Target.of(target[part], None if weights is None else weights[part], classes) for part in np.split(np.arange(1000), [90, 500])
        ]
        merged, whole = Target.merged(parts), Target.of(target, weights, classes)
        for name in ("rows", "weight", "mean", "variance", "counts"):
            np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), err_msg=name)
