import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.model.ensemble import budget_left, build_ensemble
from switchyard.tabular.tuning import Study, StudyStore, latest, study_key, tune_family, tune_further
from tests.switchyard.tabular.tuning.tables import search

ROOT = Path(__file__).parents[4]


def tune(root, family="lightgbm", progress=None, fresh="", n_jobs=1, **tuning):
    split, plan, problem = search(families=[family], **tuning)
    store = StudyStore(root, study_key(split, plan, problem, "code"), fresh=fresh)
    return tune_family(split, plan, problem, family, store, progress, n_jobs=n_jobs)


def written(study, folder):
    folder.mkdir()
    study.write(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_equal_runs_write_equal_bytes(tmp_path):
    first = written(tune(tmp_path / "one", trials=4), tmp_path / "a")
    again = written(tune(tmp_path / "two", trials=4), tmp_path / "b")
    other = written(tune(tmp_path / "three", trials=4, seed=1), tmp_path / "c")
    assert first == again
    assert first != other


@pytest.mark.parametrize("family", ["lightgbm", "neural_network"])
def test_folds_side_by_side_find_what_folds_one_after_the_other_find(tmp_path, family):
    alone = tune(tmp_path / "one", family, trials=8)
    beside = tune(tmp_path / "three", family, trials=8, n_jobs=3)
    assert {trial.state for trial in alone.trials} == {"complete", "pruned"}
    assert written(beside, tmp_path / "b") == written(alone, tmp_path / "a")


def test_a_study_reads_back_as_it_was_and_shows_itself(tmp_path):
    study = tune(tmp_path / "store", trials=3)
    before = written(study, tmp_path / "a")
    again = Study.read(tmp_path / "a")
    assert written(again, tmp_path / "b") == before
    assert np.array_equal(again.best.oof, study.best.oof)
    page = study.html()
    assert "<svg" in page and "<script" not in page and page == study.html()
    assert study.metadata()["trials"] == 3


def test_the_first_trial_is_the_published_defaults_and_scores_are_of_held_out_rows(tmp_path):
    study = tune(tmp_path, trials=3)
    split, plan, _ = search()
    assert study.trials[0].params == FAMILIES["lightgbm"].default_params("binary", len(split.train), len(plan.used))
    truth = (split.train["y"] == "q").to_numpy()
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(truth, study.best.oof[:, 1]) == pytest.approx(study.best.trial.score, abs=0.03)
    assert 0.7 < study.best.trial.score < 0.97


@pytest.mark.parametrize("die_at_beat", [4, 6])
def test_killed_in_a_trial_it_goes_on_without_repeating_one(tmp_path, die_at_beat):
    """A beat follows every fold; the child dies in its second trial."""
    child = textwrap.dedent(f"""
        import os, signal, sys
        sys.path.insert(0, {str(ROOT)!r})
        from tests.switchyard.tabular.tuning.test_tuner import tune
        from switchyard.tabular.tuning.familylog import FamilyLog
        beats, beat = [], FamilyLog.beat
        def counted(log):
            beat(log)
            beats.append(1)
            if len(beats) == {die_at_beat} + 1:
                os.kill(os.getpid(), signal.SIGKILL)
        FamilyLog.beat = counted
        tune({str(tmp_path / "store")!r}, trials=5)
    """)
    died = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("oof_*.npy")}
    assert len(kept) == 1
    journal = next((tmp_path / "store").rglob("journal.log"))
    with open(journal, "ab") as file:
        file.write(b'{"op_code":4,"wor')  # what a kill in the middle of a write leaves

    done = []
    study = tune(tmp_path / "store", trials=5, progress=lambda event: done.append(event.trial.number) if event.trial else None)
    assert done == [1, 2, 3, 4]
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    assert written(study, tmp_path / "killed") == written(tune(tmp_path / "other", trials=5), tmp_path / "whole")


def test_more_trials_continue_and_equal_ones_do_nothing(tmp_path):
    short = tune(tmp_path, trials=2)
    events = []
    again = tune(tmp_path, trials=2, progress=events.append)
    assert not events and again.trials == short.trials
    longer = tune(tmp_path, trials=4, progress=events.append)
    assert [event.trial.number for event in events if event.trial] == [2, 3]
    assert longer.trials[:2] == short.trials


def test_fresh_begins_a_finished_search_again_but_resumes_an_unfinished_one(tmp_path):
    first = tune(tmp_path, trials=2)
    numbers = []

    def note(event):
        if event.trial:
            numbers.append(event.trial.number)

    tune(tmp_path, trials=2, fresh="again", progress=note)
    assert numbers == [0, 1]
    # What the run has begun itself it takes up: a step that is tried again does not repeat its trials.
    tune(tmp_path, trials=2, fresh="again", progress=note)
    assert numbers == [0, 1]

    def interrupt(event):
        if event.trial and event.trial.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "other", trials=4, fresh="again", progress=interrupt)
    numbers.clear()
    study = tune(tmp_path / "other", trials=4, fresh="again", progress=note)
    assert numbers == [3]
    assert [trial.params for trial in study.trials[:2]] == [trial.params for trial in first.trials]


def test_the_key_changes_with_what_matters_and_not_with_the_size_of_the_search():
    def key(code="code", **tuning):
        return study_key(*search(**tuning), code)

    assert key(trials=2) == key(trials=9)
    assert key(budget_s=5) == key(budget_s=50)
    others = [key(budget_s=5), key(trials=2, seed=1), key(trials=2, folds=4), key("other", trials=2), key(trials=2, rows=401)]
    assert len({key(trials=2), *others}) == 6


def test_a_small_budget_is_kept_and_every_family_has_a_model_or_a_reason(tmp_path):
    for name in ("lightgbm", "xgboost", "random_forest", "neural_network"):
        FAMILIES[name].load()  # a run has imported the libraries by then, and a busy machine takes its time for it

    split, plan, problem = search(budget_s=5)
    store = StudyStore(tmp_path, study_key(split, plan, problem, "code"))
    began = time.monotonic()
    studies = [tune_family(split, plan, problem, family, store, n_jobs=1) for family in problem.tuning.families]
    tuned = time.monotonic() - began
    left = budget_left(studies, split, problem)
    assert left == pytest.approx(5 - tuned, abs=1)
    model, _ = build_ensemble(studies, split, plan, problem, left, n_jobs=1)
    assert time.monotonic() - began < 15  # of a busy machine
    assert studies[0].candidates
    assert all(study.candidates or study.reason for study in studies)
    assert len(model.predict(split.holdout)) == len(split.holdout)

    longer = problem.model_copy(update={"tuning": problem.tuning.model_copy(update={"budget_s": 7.0})})
    began = time.monotonic()
    again = tune_family(split, plan, longer, "lightgbm", store, n_jobs=1)
    assert time.monotonic() - began < 7 and len(again.trials) >= len(studies[0].trials)


class Stubborn(type(FAMILIES["xgboost"])):
    """A family that takes no notice of deadlines, or fails."""

    stops_early, start_points = False, ()

    def __init__(self, seconds=0.0, error=None):
        self.seconds, self.error = seconds, error

    def default_params(self, task, n_rows, n_features):
        return {"iterations": 1}

    def suggest(self, trial, task, n_rows, n_features):
        return {"iterations": trial.suggest_int("iterations", 1, 5)}

    def build(self, **settings):
        return self

    best_iteration_ = 1

    def fit(self, X, y, deadline=None, weights=None):
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


def test_a_family_that_cannot_be_fitted_is_dropped_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES._own(), "xgboost", Stubborn(error=ValueError("no such split")))
    study = tune(tmp_path, "xgboost", trials=5)
    assert not study.candidates
    assert "no such split" in study.reason and len(study.trials) == 3


def test_a_family_too_slow_for_its_share_is_dropped_when_another_has_a_model(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES._own(), "xgboost", Stubborn(seconds=1.5))
    split, plan, problem = search(families=["lightgbm", "xgboost"], budget_s=7)
    store = StudyStore(tmp_path, study_key(split, plan, problem, "code"))
    assert tune_family(split, plan, problem, "lightgbm", store, n_jobs=1).candidates
    study = tune_family(split, plan, problem, "xgboost", store, n_jobs=1)
    assert not study.candidates and "out of time after" in study.reason


def test_a_family_far_behind_gives_its_time_to_the_others(tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES._own(), "xgboost", Stubborn(seconds=0.01))
    split, plan, problem = search(families=["lightgbm", "xgboost"], budget_s=8)
    store = StudyStore(tmp_path, study_key(split, plan, problem, "code"))
    leader = tune_family(split, plan, problem, "lightgbm", store, n_jobs=1)
    began = time.monotonic()
    study = tune_family(split, plan, problem, "xgboost", store, n_jobs=1)
    assert "far behind lightgbm" in study.reason and study.candidates
    assert time.monotonic() - began < 6
    further = tune_further([leader, study], split, plan, problem, store, n_jobs=1)
    assert further.family == "lightgbm" and not further.reason and further.clock_s < 8
    assert further.trials[: len(leader.trials)] == leader.trials and len(further.trials) > len(leader.trials)
    assert further.best.trial.score >= leader.best.trial.score
    assert latest([leader, study, further]) == [further, study]


def test_a_number_of_trials_is_that_number_whoever_leads(tmp_path):
    split, plan, problem = search(families=["lightgbm"], trials=1)
    store = StudyStore(tmp_path, study_key(split, plan, problem, "code"))
    study = tune_family(split, plan, problem, "lightgbm", store, n_jobs=1)
    assert tune_further([study], split, plan, problem, store, n_jobs=1) is study


def test_a_database_keeps_studies_like_a_folder_does(tmp_path):
    split, plan, problem = search(families=["lightgbm"], trials=3)
    key = study_key(split, plan, problem, "code")
    store = StudyStore(f"sqlite:///{tmp_path}/studies.db", key, files=f"memory://oof-{os.getpid()}")
    study = tune_family(split, plan, problem, "lightgbm", store, n_jobs=1)
    events = []
    again = tune_family(split, plan, problem, "lightgbm", store, events.append, n_jobs=1)
    assert not events and again.trials == study.trials
    assert written(study, tmp_path / "sql") == written(tune(tmp_path / "folder", trials=3), tmp_path / "file")


@pytest.mark.parametrize(("task", "kind"), [("regression", None), ("multiclass", None), ("binary", "time")])
def test_other_tasks_and_time(tmp_path, task, kind):
    study = tune(tmp_path, trials=1, task=task, kind=kind)
    rows = len(study.best.oof)
    held_out = ~np.isnan(study.best.oof.reshape(rows, -1)).any(axis=1)
    assert held_out.all() if kind is None else 0.5 < held_out.mean() < 0.8
    assert (study.best.trial.pooled is None) == (kind is None)
    assert study.best.oof.shape == {"regression": (rows,), "multiclass": (rows, 3), "binary": (rows, 2)}[task]


def test_nets_are_left_out_when_the_model_must_be_explainable(tmp_path):
    study = tune(tmp_path, "neural_network", trials=2, constraints={"explainable_only": True})
    assert not study.candidates and "explainable_only" in study.reason
