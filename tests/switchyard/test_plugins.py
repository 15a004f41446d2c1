"""A part of one's own does what ours do, and a plugin that can't be used is one clear line."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest

from switchyard import parts, plugins
from switchyard.monitoring.alerts import AlertLedger, send
from switchyard.plugins import load_plugin
from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation import evaluate, fit_baselines
from switchyard.tabular.evaluation.names import NAMES
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.export.bundle import check_parity, write_bundle
from switchyard.tabular.model.ensemble import build_ensemble
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tuning.store import StudyStore, study_key
from switchyard.tabular.tuning.tuner import tune_family
from tests.switchyard.tabular.features.conftest import names_of
from tests.switchyard.tabular.tuning.tables import search

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"name": "loans", "data": {"source": "builtin:loans", "target": "defaulted"}}


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch):
    monkeypatch.setattr(parts, "_added", {})
    monkeypatch.setattr(plugins, "_loaded", {})


def problem(**settings) -> Problem:
    return problem_from({**GOOD, **settings}, "test")


def plugin_at(folder: Path, text: str, name: str = "own.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_family_is_tuned_combined_exported_and_evaluated_like_ours(tmp_path):
    load_plugin("tests/plugins/linear.py")
    split, plan, asked = search(families=["lightgbm", "linear"], trials=3)
    store = StudyStore(tmp_path / "studies", study_key(split, plan, asked, "code"))
    studies = [tune_family(split, plan, asked, family, store, n_jobs=1) for family in asked.tuning.families]
    assert studies[1].candidates and len(studies[1].trials) == 3

    model, board = build_ensemble(studies, split, plan, asked, None, n_jobs=1)
    alone, _ = build_ensemble(studies[1:], split, plan, asked, None, n_jobs=1)
    assert {"linear", "blending"} <= {entry.name for entry in board.entries}
    for place, made in enumerate((model, alone)):
        bundle = write_bundle(made, split, tmp_path / f"bundle_{place}", "own")
        assert check_parity(made, bundle, split.holdout).largest_difference < 1e-6
    assert [member.family for member in alone.members] == ["linear"]

    scorer = bundle.scorer()
    baselines = fit_baselines(split, plan.used, asked, scorer.signature.classes)
    evaluation = evaluate(
        predict_served(scorer, split.holdout), split, asked, scorer.signature.classes, scorer.signature.threshold, baselines
    )
    assert evaluation.score.value > 0.6

    # Whoever reads the model in another process has no config at hand.
    (tmp_path / "model").mkdir()
    alone.write(tmp_path / "model")
    code = (
        "import sys; from pathlib import Path; from switchyard.tabular.model.model import Model; "
        "print(Model.read(Path(sys.argv[1])).family)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model")], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "linear\n", done.stderr


def test_a_metric_in_money_is_what_the_search_goes_by(tmp_path):
    load_plugin("tests/plugins/money.py")
    split, plan, asked = search(families=["lightgbm"], trials=2)
    asked = problem_from({**asked.model_dump(exclude={"plugins"}), "metric": "profit"}, "test")
    store = StudyStore(tmp_path, study_key(split, plan, asked, "code"))
    study = tune_family(split, plan, asked, "lightgbm", store, n_jobs=1)
    assert study.metric == "profit" and study.best.trial.score == max(trial.score for trial in study.trials if trial.state == "complete")

    model, _ = build_ensemble([study], split, plan, asked, None, n_jobs=1)
    bundle = write_bundle(model, split, tmp_path / "bundle", "own")
    scorer = bundle.scorer()
    served = predict_served(scorer, split.holdout)
    found = evaluate(
        served, split, asked, scorer.signature.classes, scorer.signature.threshold, fit_baselines(split, plan.used, asked, model.classes)
    )
    truth = (split.holdout["y"] == model.classes[1]).to_numpy()
    assert found.score.value == pytest.approx(np.mean((served.labels == 0) * np.where(truth, -1000.0, 400.0)))
    assert found.greater_is_better and found.score.low < found.score.value < found.score.high
    assert found.baselines["constant"]["profit"].value is not None and found.gains["constant"].low is not None
    assert NAMES["profit"] == "Profit per application" and "Profit per application" in found.html()


def test_a_metric_of_another_task_is_refused_with_those_that_fit():
    from switchyard.tabular.tasks import metric_of

    load_plugin("tests/plugins/money.py")
    with pytest.raises(InputError, match="'profit' is no metric of a regression task; choose one of rmse, mae, r2"):
        metric_of("regression", "profit")


def test_a_source_delivers_tables():
    asked = problem(plugins=["tests/plugins/more.py"], data={"source": "waves:50", "target": "y"})
    raw = read_source(asked.data)
    assert raw.frame.shape == (50, 2) and raw.source == "waves:50" and raw.revision.startswith("sha256:")


def test_a_channel_delivers_alerts_and_says_what_it_lacks(tmp_path):
    from switchyard.predictionlog import connect
    from tests.switchyard.monitoring.receivers import alert

    plugin = "tests/plugins/more.py"
    wanted = [{"kind": "logfile", "options": {"path": str(tmp_path / "log")}}, {"kind": "logfile", "timeout_s": 5}]
    asked = problem(plugins=[plugin], monitoring={"channels": wanted})
    told = alert()
    ledger = AlertLedger(connect(f"sqlite:///{tmp_path}/log.db"))
    first = send(told, asked.monitoring.channels[:1], ledger)
    assert (tmp_path / "log").read_text() == told.title + "\n" and first.deliveries[0].state == "sent"
    second = send(alert(key="other"), asked.monitoring.channels[1:], ledger)
    assert "channel logfile lacks options" in second.deliveries[0].detail


def test_an_encoder_and_a_function_are_the_same_in_the_graph(tmp_path):
    split, plan, asked = search(families=["lightgbm"], trials=1)
    features = {"encoder": "count", "derived": {"b2": "square(b)"}}
    asked = problem_from({**asked.model_dump(), "plugins": ["tests/plugins/more.py"], "features": features}, "test")
    from switchyard.tabular.features.plan import plan_features

    plan = plan_features(split, {}, asked)
    store = StudyStore(tmp_path, study_key(split, plan, asked, "code"))
    model, _ = build_ensemble([tune_family(split, plan, asked, "lightgbm", store, n_jobs=1)], split, plan, asked, None, n_jobs=1)
    bundle = write_bundle(model, split, tmp_path / "bundle", "own")
    assert check_parity(model, bundle, split.holdout).largest_difference < 1e-6
    assert {"b2", "c"} <= set(names_of(model.members[0].preprocessor))

    (tmp_path / "model").mkdir()
    model.write(tmp_path / "model")
    again = type(model).read(tmp_path / "model")
    assert np.array_equal(again.predict(split.holdout), model.predict(split.holdout))


def test_a_task_brings_its_metric_its_families_and_its_pipeline():
    from app.training_runs import pipeline_of
    from switchyard.tabular.tasks import metric_of

    asked = problem(plugins=["tests/plugins/triage.py"], task="triage")
    assert asked.tuning.families == ("triage_trees",)
    assert metric_of("triage", asked.metric).title == "Share caught in the first tenth"
    assert pipeline_of(asked).name == "triage"
    for changes, said in (
        ({"metric": "rmse"}, "'rmse' is no metric of a triage task; choose one of caught"),
        ({"tuning": {"families": ["lightgbm"]}}, "lightgbm is nothing for task triage; choose of triage_trees"),
    ):
        with pytest.raises(InputError, match=said):
            problem(plugins=["tests/plugins/triage.py"], task="triage", **changes)


def test_a_watcher_watches_the_runs_of_the_orchestrator_it_names(tmp_path):
    from stacks.watching import WATCHERS

    plugin = """
from stacks.watching import Watcher

class Watch:
    def look(self): return "nobody took the run"
    def reason(self, step): return None
    def stop(self): pass

class Queue(Watcher):
    name = "queue"
    def watch(self, orchestrator, run): return Watch()

PARTS = (Queue(),)
"""
    load_plugin(plugin_at(tmp_path, plugin))
    assert WATCHERS["queue"].watch(None, None).look() == "nobody took the run"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found' (line 1)"),
        ("x = 1\ny = 1 / 0", "cannot be imported: ZeroDivisionError: division by zero (line 2)"),
        ("def (", "cannot be imported: SyntaxError"),
        ("raise SystemExit(7)", "cannot be imported: SystemExit: 7 (line 1)"),
        ("x = 1", "give it PARTS = (...)"),
        ("PARTS = (1,)", "give it PARTS = (...)"),
        (
            "from switchyard.tabular.features.functions import Function\nPARTS = (Function('log', 1, None),)",
            "the function 'log' lacks compute",
        ),
        (
            "from switchyard.tabular.features.functions import Function\nPARTS = (Function('log', 1, abs),)",
            "there is a function 'log' already; give its own another name",
        ),
        (
            "from tests.plugins.linear import LinearFamily\nclass Own(LinearFamily):\n    packages = ('gone-lib',)\nPARTS = (Own(),)",
            "the model family 'linear' names packages that are not installed: gone-lib",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_line_and_changes_nothing(tmp_path, text, said):
    source = plugin_at(tmp_path, text)
    with pytest.raises(InputError) as caught:
        problem(plugins=[source])
    assert said in str(caught.value) and source in str(caught.value) and "\n" not in str(caught.value)
    assert not parts._added and not plugins._loaded


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("plugins/gone.py", "plugin plugins/gone.py: there is no such file"),
        ("tests/plugins/mony.py", "there is no such file; did you mean 'money.py'"),
        ("no_such_module", "plugin no_such_module is no entry point of switchyard.plugins and no module"),
        ("", "names no file, module or entry point"),
        (7, "names no file, module or entry point"),
    ],
)
def test_a_plugin_that_is_not_there_is_one_line(source, said):
    with pytest.raises(InputError) as caught:
        problem(plugins=[source])
    assert said in str(caught.value) and caught.value.exit_code == 2


def test_modules_and_entry_points_are_plugins_too(monkeypatch):
    assert load_plugin("tests.plugins.money").digest
    point = EntryPoint(name="acme", value="tests.plugins.linear", group=plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints([point]) if group == plugins.GROUP else EntryPoints([]))
    asked = problem(plugins=["acme"], tuning={"families": ["linear"]})
    assert asked.tuning.families == ("linear",)


def test_a_problem_brings_its_plugins_wherever_it_is_read():
    asked = problem(plugins=["tests/plugins/money.py"], metric="profit")
    parts._added.clear()
    plugins._loaded.clear()
    with pytest.raises(InputError, match="no metric 'profit'"):
        problem(metric="profit")
    assert Problem.model_validate_json(asked.model_dump_json()) == asked


def test_an_edit_of_a_plugin_is_seen_and_makes_another_search(tmp_path):
    text = "from switchyard.tabular.features.functions import Function\n"
    text += "PARTS = (Function('twice', 1, lambda op, value: op('Mul', value, {})),)"
    source = plugin_at(tmp_path, text.format("2.0"))
    split, plan, asked = search(trials=1)
    keys, values = [], []
    for factor in ("2.0", "3.0", "2.0"):
        plugin_at(tmp_path, text.format(factor))
        now = problem_from({**asked.model_dump(), "plugins": [source]}, "test")
        keys.append((study_key(split, plan, now, "code"), now.plugins[0].digest))
        values.append(
            parts.registry_at("switchyard.tabular.features.functions:FUNCTIONS")["twice"].compute(lambda name, *args: args[1], 1.0)
        )
    assert keys[0] == keys[2] != keys[1] and keys[0][0] != study_key(split, plan, asked, "code")
    assert values == [2.0, 3.0, 2.0]


def test_a_package_is_one_plugin_and_all_its_files_are_its_content(tmp_path):
    folder = tmp_path / "kit"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from .helper import compute\nfrom switchyard.tabular.features.functions import Function\nPARTS = (Function('own', 1, compute),)"
    )
    (folder / "helper.py").write_text("def compute(op, value):\n    return value")
    first = load_plugin(str(folder))
    (folder / "helper.py").write_text("def compute(op, value):\n    return op('Neg', value)")
    assert load_plugin(str(folder)).digest != first.digest
    assert parts.registry_at("switchyard.tabular.features.functions:FUNCTIONS")["own"].compute(lambda name, value: name, 1.0) == "Neg"
