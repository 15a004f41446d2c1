"""The library by itself: a frame goes in, and a model with everything around it comes out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.bundle import Scorer
from switchyard.plugins import load_plugin
from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.model.model import Model

ROOT = Path(__file__).parents[3]
QUICK = {"families": ("linear",), "trials": 1, "evaluation": {"bootstrap": 20, "explained_rows": 20, "lime_rows": 1}}


@pytest.fixture(scope="module", autouse=True)
def linear() -> None:
    """A family that takes no time: these tests are about what is around a search."""
    load_plugin(str(ROOT / "tests" / "plugins" / "linear.py"))


def shop(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age, city = rng.integers(18, 80, rows).astype(float), rng.choice(["Bonn", "Ulm", "Jena"], rows)
    age[::17] = np.nan
    chance = 1 / (1 + np.exp(-(np.nan_to_num(age, nan=45) - 45) / 10 - (city == "Ulm")))
    return pd.DataFrame({"age": age, "city": city, "answer": np.where(rng.random(rows) < chance, "yes", "no")})


@pytest.fixture(scope="module")
def fitted():
    return switchyard.fit(shop(), "answer", **QUICK)


def test_a_frame_becomes_a_model_with_leaderboard_evaluation_and_bundle(fitted, tmp_path):
    frame = shop()
    fitted.bundle.write(tmp_path)
    answer = Scorer(tmp_path).score({name: frame[name].tolist() for name in ("age", "city")})

    assert fitted.leaderboard.winner.family == "linear"
    assert fitted.evaluation.rows == len(fitted.split.holdout) > 30 and fitted.evaluation.score.value > 0.7
    assert not fitted.parity.differing_rows
    assert answer.labels == fitted.predict(frame).tolist()
    np.testing.assert_allclose(fitted.predict_proba(frame), answer.probabilities, atol=1e-5)
    assert {row.column for row in fitted.explain().summary.importance} == {"age", "city"}
    assert any("positive class of 'answer' is 'yes'" in note for note in fitted.notes)


def test_sets_go_from_the_config_into_model_bundle_and_evaluation(tmp_path):
    asked = switchyard.fit(shop(), "answer", decision={"sets": "each_class", "coverage": 0.8, "review_above": 1}, **QUICK)
    answer = asked.bundle.scorer().score_frame(shop())
    (tmp_path / "model").mkdir()
    asked.model.write(tmp_path / "model")

    assert asked.model.sets == asked.bundle.signature.sets == asked.evaluated.signature.sets
    assert Model.read(tmp_path / "model").sets == asked.model.sets
    assert asked.model.sets.coverage == 0.8 and asked.model.sets.each_class and len(set(asked.model.sets.least)) == 2
    assert (asked.model.predict_sets(asked.split.holdout) == asked.bundle.scorer().score_frame(asked.split.holdout).members).all()
    assert 0.6 < asked.evaluation.scores["set_coverage"].value < 1 and answer.members.shape == (300, 2)
    with pytest.raises(InputError, match="review_above needs sets"):
        switchyard.fit(shop(), "answer", decision={"review_above": 1}, **QUICK)


def test_a_target_whose_spread_is_all_in_the_training_part_is_exported():
    """By the holdout's own spread every rounding of a model that learnt from 1e20 would be a difference."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=300), "when": pd.date_range("2024-01-01", periods=300)})
    frame["amount"] = np.where(frame.index == 5, 1e20, frame.x + rng.normal(size=300))

    fitted = switchyard.fit(frame, "amount", **{**QUICK, "families": ("lightgbm",)}, data={"time_column": "when"})

    assert np.isfinite(fitted.predict(frame)).all()


def test_a_holdout_that_is_hard_to_believe_is_a_note(fitted):
    days = pd.date_range("2024-01-01", periods=500)
    dose, chance = np.random.default_rng(0).normal(size=(2, 500))
    # In the last fifth it is the other way round.
    better = (dose + chance / 2 > 0) != (np.arange(500) >= 400)
    frame = pd.DataFrame({"day": days, "dose": dose, "better": np.where(better, "yes", "no")})
    broken = switchyard.fit(frame, "better", split={"kind": "time"}, data={"time_column": "day"}, **QUICK)

    assert any("makes believable" in note and "the last stretch of time differs" in note for note in broken.notes)
    assert not any("makes believable" in note for note in fitted.notes)


def test_what_is_scored_did_not_see_the_holdout_and_what_is_served_did(fitted):
    target = fitted.problem.data.target
    before, after = (bundle.scorer().score_frame(fitted.split.holdout).probabilities for bundle in (fitted.evaluated, fitted.bundle))

    assert (fitted.served.digest, fitted.served.evaluated_digest) == (fitted.bundle.digest, fitted.evaluated.digest)
    assert fitted.bundle.digest != fitted.evaluated.digest and fitted.served.rows == len(shop()) and fitted.served.sentences in fitted.notes
    truth = (fitted.split.holdout[target] == "yes").to_numpy()
    assert fitted.evaluation.scores["log_loss"].value == pytest.approx(-np.log(before[np.arange(len(truth)), truth.astype(int)]).mean())
    assert not np.array_equal(before, after)
    alone = switchyard.fit(shop(), "answer", training={"refit": "none"}, **QUICK)
    assert alone.bundle.digest == alone.evaluated.digest == fitted.evaluated.digest


def test_it_answers_for_a_frame_without_the_target_in_another_order(fitted):
    frame = shop()
    other = frame[["city", "age"]].set_index(np.arange(1000, 1300))

    assert fitted.predict(other).tolist() == fitted.predict(frame).tolist()


def test_the_same_seed_gives_the_same_bundle_and_the_frame_stays_as_it_was(fitted):
    frame = shop()
    again = switchyard.fit(frame, "answer", **QUICK)

    assert again.bundle.digest == fitted.bundle.digest
    pd.testing.assert_frame_equal(frame, shop())


def test_settings_are_those_of_a_config():
    frame = shop().assign(age=lambda table: table["age"].fillna(40.0))
    fitted = switchyard.fit(frame, "age", task="regression", metric="mae", split={"kind": "time"}, data={"time_column": "@row"}, **QUICK)

    assert (fitted.problem.task, fitted.split.kind, fitted.evaluation.metric) == ("regression", "time", "mae")
    assert fitted.predict(frame).dtype == float
    with pytest.raises(InputError, match="a regression of 'age' has no probabilities"):
        fitted.predict_proba(frame)


def test_costs_decide_the_threshold_that_is_served_and_are_said_by_the_names_of_the_classes():
    dear = {"false_positive": 1, "false_negative": 19, "unit": "EUR"}
    fitted = switchyard.fit(shop(), "answer", costs=dear, **QUICK)
    positive = fitted.model.classes[1]

    assert fitted.bundle.scorer().signature.threshold == fitted.model.threshold < 0.4
    assert any(f"missing a '{positive}' of 'answer' costs 19 EUR" in note and "0.05 on" in note for note in fitted.notes)
    assert fitted.evaluation.money.model.value <= fitted.evaluation.money.others["never"].value


@pytest.fixture(scope="module")
def priced():
    """A regression with quantiles, and its table."""
    rng = np.random.default_rng(0)
    size = rng.uniform(1, 10, 600)
    frame = pd.DataFrame({"size": size, "price": 100 + size * (10 + 3 * rng.normal(size=600))})
    return switchyard.fit(frame, "price", task="regression", quantiles=[0.1, 0.5, 0.9], **QUICK), frame


def test_quantiles_are_answered_scored_and_kept_with_the_model(priced, tmp_path):
    fitted, frame = priced
    (tmp_path / "model").mkdir()
    fitted.model.write(tmp_path / "model")
    (tmp_path / "bundle").mkdir()
    fitted.bundle.write(tmp_path / "bundle")
    scorer = Scorer(tmp_path / "bundle")
    answer = scorer.score({"size": frame["size"].tolist()})
    scores = fitted.evaluation.scores

    assert scorer.signature.quantiles == Model.read(tmp_path / "model").quantiles == fitted.model.quantiles
    assert (np.diff(answer.quantiles, axis=1) > 0).all() and answer.quantiles.shape == (600, 3)
    assert (frame["price"].to_numpy()[:, None] <= answer.quantiles).mean(axis=0) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)
    assert scores["within_0.1_0.9"].value == pytest.approx(0.8, abs=0.12) and scores["pinball"].value > 0
    assert "Outcomes within quantiles 0.1 to 0.9" in fitted.evaluation.html()


def test_quantiles_are_watched_as_labels_come(priced):
    fitted, frame = priced
    monitor = switchyard.Monitor(fitted)
    as_ever = monitor.look(frame).performance
    wider = monitor.look(frame.assign(price=lambda table: table["price"] + 40 * np.random.default_rng(1).normal(size=600))).performance

    assert "Quantiles 0.1 to 0.9 hold" in as_ever.html() and "clearly less" not in " ".join(as_ever.banded)
    assert "made to hold 0.8. That is clearly less." in wider.banded[0]


@pytest.mark.parametrize(
    ("levels", "target", "said"),
    [
        ([0.9, 0.1], "age", "quantiles: give each level once, rising, as in [0.1, 0.5, 0.9] (got [0.9, 0.1])"),
        ([0.0, 0.5], "age", "fit: quantiles.0: must be above 0 (got 0.0)"),
        ([0.1, 0.9], "answer", "quantiles are of a regression, and the task of 'answer' is binary; remove them"),
    ],
)
def test_quantiles_that_are_none_are_one_line(levels, target, said):
    with pytest.raises(InputError, match=re.escape(said)):
        switchyard.fit(shop(), target, quantiles=levels, **QUICK)


MATRIX = {"ill": {"unsure": 5, "well": 50}, "unsure": {"ill": 2, "well": 3}, "well": {"ill": 1, "unsure": 1}}


def patients(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    state = rng.integers(0, 3, rows)
    return pd.DataFrame({"fever": state + rng.normal(size=rows), "state": np.array(["ill", "unsure", "well"])[state]})


def test_costs_of_several_classes_decide_what_the_graph_answers_and_are_said_by_their_names(tmp_path):
    frame = patients()
    fitted = switchyard.fit(frame, "state", costs={"matrix": MATRIX, "unit": "EUR"}, **QUICK)
    answered, proba = fitted.predict(frame), fitted.predict_proba(frame)
    fitted.model.write(tmp_path)
    table = np.array([[0, 5, 50], [2, 0, 3], [1, 1, 0]])

    assert answered.tolist() == np.array(fitted.model.classes)[(proba @ table).argmin(axis=1)].tolist()
    assert (answered == "well").sum() < (proba.argmax(axis=1) == 2).sum() / 2
    assert not fitted.parity.differing_rows
    assert Model.read(tmp_path).predict(fitted.split.holdout).tolist() == fitted.model.predict(fitted.split.holdout).tolist()
    assert any("answering 'well' where it is 'ill' costs 50 EUR, the most" in note for note in fitted.notes)
    assert fitted.evaluation.money.model.value < fitted.evaluation.money.others["likeliest"].value


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ({"il": {"well": 1}}, "costs.matrix: 'il' is no class of target 'state'; did you mean 'ill'?"),
        ({"ill": {"wel": 1}}, "costs.matrix.ill: 'wel' is no class of target 'state'; did you mean 'well'?"),
        ({"ill": MATRIX["ill"]}, "costs.matrix has no row for 'unsure', 'well' of target 'state'"),
        ({**MATRIX, "ill": {"well": 50}}, "costs.matrix.ill does not say what answering 'unsure' costs where it is 'ill'"),
        ({**MATRIX, "ill": {**MATRIX["ill"], "ill": 2}}, "costs.matrix.ill.ill: a right answer costs nothing; remove it (got 2)"),
        ({**MATRIX, "ill": {"unsure": -5, "well": 50}}, "fit: costs.matrix.ill.unsure: must be at least 0 (got -5)"),
        ({true: {"ill": 0, "unsure": 0, "well": 0} for true in MATRIX}, "costs.matrix: every answer costs nothing"),
        (None, "costs.false_positive and costs.false_negative are of two classes, and 'state' has 3"),
    ],
)
def test_costs_that_do_not_fit_the_classes_are_one_line(matrix, said):
    costs = {"false_positive": 1, "false_negative": 2} if matrix is None else {"matrix": matrix}
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        switchyard.fit(patients(), "state", costs=costs, **QUICK)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ({"false_positive": 1}, "fit: costs: say false_positive and false_negative (two classes), or matrix (more)"),
        ({"false_positive": 1, "false_negative": 2, "matrix": MATRIX}, "matrix is of more; remove one of them"),
        ({"matrix": {"yes": {"no": 1}, "no": {"yes": 2}}}, "costs.matrix is of three classes or more, and 'answer' has two"),
    ],
)
def test_costs_of_two_classes_are_their_two_errors(costs, said):
    with pytest.raises(InputError, match=re.escape(said)):
        switchyard.fit(shop(), "answer", costs=costs, **QUICK)


def test_a_budget_of_seconds_is_all_that_needs_to_be_said():
    fitted = switchyard.fit(shop(), "answer", budget_s=2, families=["linear"])

    assert fitted.problem.tuning.budget_s == 2 and fitted.leaderboard.winner.seconds > 0


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        (lambda frame: frame.to_numpy(), {}, "a pandas DataFrame is needed, not ndarray"),
        (lambda frame: frame.iloc[:0], {}, "the frame has 0 rows"),
        (lambda frame: frame.set_axis(["age", "age", "answer"], axis=1), {}, "several columns named 'age'"),
        (lambda frame: frame.rename(columns={"answer": "answers"}), {}, "'answer' is not a column of the frame; did you mean 'answers'?"),
        (lambda frame: frame, {"metrics": "f1"}, "fit: metrics: no such key"),
        (lambda frame: frame, {"data": 3}, "fit: data must be a mapping"),
        (lambda frame: frame, {"families": ("linaer",)}, "'linaer'"),
        (lambda frame: frame, {"budget_s": -1}, "fit: tuning.budget_s"),
        (lambda frame: frame, {"costs": {"false_positive": 0, "false_negative": 1}}, "fit: costs.false_positive"),
        (
            lambda frame: frame.assign(answer=frame["age"]),
            {"costs": {"false_positive": 1, "false_negative": 1}},
            "costs are of the errors of a classification, and the task of 'answer' is regression; remove costs",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_line(change, settings, said):
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        switchyard.fit(change(shop()), "answer", **{**QUICK, **settings})
    assert "\n" not in str(caught.value)


def test_data_that_give_the_answer_away_close_the_gate_unless_a_setting_says_otherwise():
    leaking = shop().assign(paid=lambda table: (table["answer"] == "yes") * 2.5)
    with pytest.raises(GateClosed, match="paid"):
        switchyard.fit(leaking, "answer", **QUICK)

    fitted = switchyard.fit(leaking, "answer", quality={"target_leakage": "warn"}, **QUICK)
    assert any("paid" in note for note in fitted.notes)


def test_expectations_are_held_against_the_holdout_where_they_may_stop():
    frame = shop().assign(
        month=pd.date_range("2026-01-01", periods=300), late=np.where(np.arange(300) < 245, 1.0 + np.arange(300) % 3, np.nan)
    )
    settings = {"split": {"kind": "time"}, "data": {"time_column": "month"}, "quality": {"validation": "stop"}}
    with pytest.raises(GateClosed, match="late"):
        switchyard.fit(frame, "answer", **settings, **QUICK)


def test_importing_the_package_loads_neither_pandas_nor_a_model_library():
    script = (
        "import sys, switchyard\n"
        "print({'numpy', 'pandas', 'sklearn'} & set(sys.modules))\n"
        "print(switchyard.fit.__name__, {'zenml', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout.splitlines() == ["set()", "fit set()"], done.stderr
    assert {"fit", "SwitchyardClassifier"} <= set(dir(switchyard))
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        switchyard.fitt  # noqa: B018


def test_the_user_guides_snippets_run():
    section = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8").partition("## In a notebook\n")[2].partition("\n## ")[0]
    snippets = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert len(snippets) == 2
    # As written, but with a family and a budget for a test.
    code = (
        "\n".join(snippets).replace("budget_s=60", "trials=1, families=['linear']").replace("budget_s=20", "trials=1, families=['linear']")
    )
    scope = {"frame": shop(120), "later": shop(80)}
    exec(compile(code, "docs/user-guide.md", "exec"), scope)

    assert scope["fitted"].predict(scope["frame"]).shape == (120,)
