"""What earlier releases left in files is read as it was meant, to the last bit (docs/compatibility.md)."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from switchyard.bundle import Bundle, Scorer
from switchyard.bundle.examples import answer_of
from switchyard.bundle.seal import Seal
from switchyard.bundle.signature import FORMAT
from switchyard.monitoring.alerts.ledger import AlertLedger
from switchyard.monitoring.ledger import Ledger
from switchyard.monitoring.retraining.ledger import Ledger as RetrainingLedger
from switchyard.predictionlog import Drain, connect, create_tables, read_window
from switchyard.predictionlog.schema import REVISIONS, revision_of
from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.tuning.store import StudyStore

HERE = Path(__file__).parent
STORED, MOVED = HERE / "formats", HERE / "moved"
BUNDLES = {1: (MOVED / "bundle",), 2: (STORED / "bundle2" / "regression", STORED / "bundle2" / "multiclass")}
DIGESTS = {
    "bundle": "sha256:207c392b6afeab5d6f3e1908a5d7cc27ca7c41a6db6a1999dd0151d03021ec77",
    "regression": "sha256:a75a26387231ed99b19064c04572e510c7e4fb01512751811af068ffe17bb292",
    "multiclass": "sha256:d9195cb526d8564475036c6d67eef0adf034e46e6792011860e16646f85f9b3e",
}
FIRST = ("33b7a405-399e-4134-8a2f-ecbd54880dda", "1", 14630)
PROBABILITY, TIME = 0.30664192402705204, datetime(2025, 11, 27, 20, 19, 1, 473533, UTC)
DECISION = ("1", "nothing", 60)
"""In the log of before."""
LAST_BIT = 1e-15
"""Of a number near 1: processors differ in the last bits of an exponential, and in nothing else."""


def test_every_format_of_bundles_has_one_here():
    """A new one: store what the code of before wrote, first of all."""
    assert set(BUNDLES) == set(range(1, FORMAT + 1))


@pytest.mark.parametrize("folder", [folder for folders in BUNDLES.values() for folder in folders], ids=lambda folder: folder.name)
def test_a_bundle_answers_as_it_did_and_has_the_digest_that_it_had(folder):
    bundle = Bundle.read(folder).verify(DIGESTS[folder.name])
    scorer = Scorer(folder)
    for example in bundle.examples["examples"]:
        answer = answer_of(scorer.score({name: [value] for name, value in example["row"].items()}), 0, scorer.signature)
        now, then = flat(answer), flat(example["answer"])
        assert now.keys() == then.keys()
        for place, value in then.items():
            exact = not (isinstance(value, float) and scorer.signature.classes)
            assert now[place] == (value if exact else pytest.approx(value, rel=LAST_BIT, abs=0)), place


def flat(answer, path=""):
    """Leaf by leaf, by its place."""
    if isinstance(answer, dict):
        return {place: leaf for name, value in answer.items() for place, leaf in flat(value, f"{path}.{name}").items()}
    if isinstance(answer, list):
        return {place: leaf for number, value in enumerate(answer) for place, leaf in flat(value, f"{path}.{number}").items()}
    return {path: answer}


def test_a_signature_of_a_model_is_believed_as_it_was():
    seal = Seal((STORED / "bundle2" / "model.sig").read_bytes())
    seal.check_content("loans", Bundle.read(STORED / "bundle2" / "regression").files)
    assert seal.check_key([(STORED / "bundle2" / "public.pem").read_text()])
    assert seal.claims == {"code_commit": "abc", "metrics": {"rmse": 0.5}}


@pytest.fixture
def moved(tmp_path):
    """The prediction log of before revisions were counted."""
    kept = sqlite3.connect(tmp_path / "log.db")
    kept.executescript((MOVED / "predictions.sql").read_text(encoding="utf-8"))
    kept.close()
    engine = connect(f"sqlite:///{tmp_path}/log.db")
    yield engine
    engine.dispose()


def test_a_prediction_log_of_before_is_read_and_written_on(moved, tmp_path):
    create_tables(moved)
    (frame,) = read_window(moved, datetime(2025, 1, 1), datetime(2026, 1, 1), "moved")
    first = frame.iloc[0]

    assert revision_of(moved) == REVISIONS[-1].name and len(frame) == 12
    assert (first.prediction_id, first.label, first["input.existing_debt"]) == FIRST
    assert first["probability.1"] == PROBABILITY and first.time == TIME


def test_ledgers_of_before_are_read(moved):
    create_tables(moved)
    (decision,) = Ledger(moved).decisions("moved")
    assert (decision.version, decision.action, decision.rows) == DECISION
    assert RetrainingLedger(moved, "moved").history() == [] and AlertLedger(moved).entries(decision.key) == {}


def test_a_journal_of_before_is_drained(tmp_path):
    engine = connect(f"sqlite:///{tmp_path}/log.db")
    shutil.copy(STORED / "log1.journal", tmp_path / "01700000000000000000-1-aaaaaaaa.journal")
    assert Drain(engine, tmp_path).run_once().records == 2
    (frame,) = read_window(engine, datetime(2023, 11, 14), datetime(2023, 11, 15), "loans")
    engine.dispose()

    assert list(frame.prediction_id) == ["first", "first/1"] and list(frame.entity_id) == ["anna", None]
    assert frame["probability.yes"].tolist() == [0.75, 0.75] and frame["input.age"].tolist() == [30, 31]
    assert frame.actual.tolist() == ["yes", None]
    assert frame.event_time[0] == datetime.fromtimestamp(1_700_000_000.25, UTC)


def test_a_study_of_before_is_read(tmp_path):
    shutil.copytree(MOVED / "studies", tmp_path / "studies")
    (folder,) = (tmp_path / "studies").iterdir()
    (standing,) = StudyStore(folder.parent, folder.name).standings(("lightgbm",), "roc_auc", 1)
    assert (standing.trials, standing.finished) == (1, True)


def test_a_config_of_before_means_what_it_meant():
    problem = problem_from(read_settings(MOVED / "moved.yaml"), "moved.yaml")
    assert (problem.name, problem.data.target) == ("moved", "defaulted")
