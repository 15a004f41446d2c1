"""Several processes share the trials of one family by a study in a database."""

import json
import shutil
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest

from switchyard.tabular.tuning.claims import Claims
from switchyard.tabular.tuning.study import merged
from tests.switchyard.predictionlog.conftest import mariadb, server_folder  # noqa: F401 - fixtures
from tests.switchyard.tabular.tuning.test_tuner import tune

ROOT = Path(__file__).parents[4]


@pytest.fixture
def database(request, tmp_path):
    """SQLAlchemy URL of an empty database: MariaDB, as clusters have it, or SQLite on a machine without."""
    if not shutil.which("mariadbd"):
        return f"sqlite:///{tmp_path}/studies.db"
    import pymysql
    from sqlalchemy.engine import make_url

    url = make_url(request.getfixturevalue("mariadb")).set(drivername="mysql+pymysql", database=f"studies_{uuid.uuid4().hex[:8]}")
    with pymysql.connect(host=url.host, port=url.port, user=url.username) as connection:
        connection.cursor().execute(f"CREATE DATABASE {url.database}")
    return url.render_as_string(hide_password=False)


def start(database, folder, trials, die_at_beat=0, fresh=""):
    arguments = [database, str(folder / "files"), str(trials), str(die_at_beat), fresh]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.switchyard.tabular.tuning.worker", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(worker):
    output, errors = worker.communicate(timeout=300)
    assert worker.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


def finished(database):
    """Numbers of the finished trials in the database, one for each time that one was finished."""
    (name,) = optuna.get_all_study_names(database)
    trials = optuna.load_study(study_name=name, storage=database).get_trials(deepcopy=False)
    return sorted(trial.user_attrs["outcome"]["number"] for trial in trials if "outcome" in trial.user_attrs)


def test_no_trial_is_lost_and_none_is_run_twice(database, tmp_path):
    workers = [start(database, tmp_path, 8) for _ in range(2)]
    first, second = (ended(worker) for worker in workers)
    assert sorted(first["did"] + second["did"]) == list(range(8)) == finished(database)
    assert first["did"] and second["did"]
    assert first["knows"] == second["knows"] == list(range(8))
    assert first["oof"] == second["oof"] and len(first["oof"]) > 1


def test_trials_of_a_dead_worker_are_taken_up(database, tmp_path):
    dying = start(database, tmp_path, 5, die_at_beat=5)
    dying.wait(timeout=120)
    assert dying.returncode == -9
    kept = finished(database)
    assert 0 < len(kept) < 5
    other = ended(start(database, tmp_path, 5))
    assert sorted(kept + other["did"]) == list(range(5)) == finished(database)
    assert other["knows"] == list(range(5))
    assert ended(start(database, tmp_path, 5)) == {**other, "did": []}


def test_workers_that_begin_again_do_it_once(database, tmp_path):
    ended(start(database, tmp_path, 3))
    workers = [start(database, tmp_path, 3, fresh="run-2") for _ in range(2)]
    first, second = (ended(worker) for worker in workers)
    assert sorted(first["did"] + second["did"]) == [0, 1, 2] == finished(database)


def test_a_claim_is_one_workers_until_it_is_gone(database):
    one, two = Claims(database, "study"), Claims(database, "study", grace=0.0)
    assert one.take([0, 1]) == 0
    assert Claims(database, "study").take([0]) is None
    assert two.take([1]) == 1
    assert two.take([0]) == 0  # without grace a worker is gone at the second look at the latest
    assert two.owns(0) and not one.owns(0)
    for claims in (one, two):
        claims.close()


def test_what_workers_saw_is_gathered_into_one_study(tmp_path):
    whole = tune(tmp_path, trials=6)
    seen = {trial.number for trial in whole.trials[:4]} | {whole.best.trial.number}
    part = replace(
        whole,
        trials=tuple(trial for trial in whole.trials if trial.number in seen),
        candidates=tuple(candidate for candidate in whole.candidates if candidate.trial.number in seen),
        reason="gave up",
    )
    gathered = merged([part, whole])
    assert gathered.trials == whole.trials and gathered.reason == ""
    assert [candidate.trial for candidate in gathered.candidates] == [candidate.trial for candidate in whole.candidates]
    assert all(np.array_equal(one.oof, two.oof) for one, two in zip(gathered.candidates, whole.candidates, strict=True))
    with pytest.raises(ValueError, match="one search"):
        merged([whole, replace(whole, family="xgboost")])
