"""Plugins through run.py: trained with, cached by their content, refused in one line."""

from __future__ import annotations

import shutil

import pytest

from tests.app.project import ROOT, Project

OURS = ("linear", "money", "more")


@pytest.fixture
def own(project: Project) -> Project:
    for name in OURS:
        shutil.copy(ROOT / "tests" / "plugins" / f"{name}.py", project.root / "plugins")
    return project


def test_a_plugin_that_is_missing_or_broken_ends_a_command_before_it_begins(project):
    project.config("absent", plugins=["plugins/gone.py"])
    (project.root / "plugins" / "broken.py").write_text("import no_such_library\n")
    project.config("broken", plugins=["plugins/broken.py"])
    project.config("misspelt", tuning={"families": ["lightgmb"]})
    results = project.batch(*(["--pipeline", "training", "--config", f"configs/{name}.yaml"] for name in ("absent", "broken", "misspelt")))

    assert [result.code for result in results] == [2, 2, 2]
    for result, said in zip(
        results, ("plugins/gone.py: there is no such file", "No module named 'no_such_library' (line 1)", "'lightgbm'")
    ):
        assert said in result.output and "Traceback" not in result.output


@pytest.mark.slow
def test_training_with_plugins_is_cached_by_their_content(own):
    own.config(
        "own",
        plugins=[f"plugins/{name}.py" for name in OURS],
        metric="profit",
        tuning={"families": ["linear", "lightgbm"]},
        features={"encoder": "count", "derived": {"square_income": "square(income)"}},
    )
    first = own.train("own")
    assert first.code == 0, first.output
    assert (
        first.summary["metric"] == "profit"
        and first.summary["scores"]["holdout"]["profit"] > first.summary["scores"]["holdout"]["log_loss"]
    )
    card = (own.root / first.summary["reports"]["model_card"]).read_text()
    assert "Profit per application" in card

    again = own.train("own")
    assert {"tune_linear", "build_ensemble", "evaluate_model"} <= again.cached

    path = own.root / "plugins" / "money.py"
    path.write_text(path.read_text().replace("GAIN, COST = 400.0", "GAIN, COST = 300.0"))
    edited = own.train("own")
    assert edited.code in (0, 3), edited.output
    assert {"tune_linear", "build_ensemble", "evaluate_model"} <= edited.ran
