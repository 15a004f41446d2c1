"""The config says what is wrong with it, where, and the way out."""

from __future__ import annotations

import pytest

from switchyard.tabular.config.problem import Problem, problem_from, read_settings
from switchyard.tabular.errors import InputError

GOOD = {"name": "loans", "data": {"source": "builtin:loans", "target": "defaulted"}}


def test_the_smallest_config_is_enough():
    problem = problem_from(GOOD, "here")

    assert problem.task == "auto"
    assert problem.tuning.families == ("lightgbm", "xgboost", "random_forest", "neural_network")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tunning": {}}, "tunning: no such key"),
        ({"tuning": {"budget": 5}}, "tuning.budget: no such key"),
        ({"tuning": {"trials": -1}}, "tuning.trials"),
        ({"tuning": {"families": ["catboost"]}}, "tuning.families.0"),
        ({"tuning": {"families": []}}, "name at least one family"),
        ({"task": "clustering"}, "task: clustering predicts no column; remove it"),
        ({"tuning": {"families": ["kmeans"]}, "task": "binary"}, "kmeans is nothing for task binary"),
        ({"tuning": {"families": ["ease"]}}, "ease is nothing for task auto"),
        ({"tuning": {"families": ["eese"]}, "task": "recommendation"}, "there is no recommender 'eese'; did you mean 'ease'"),
        (
            {"tuning": {"families": ["lightgbm"]}, "task": "recommendation"},
            "lightgbm is nothing for task recommendation; choose of popularity",
        ),
        ({"name": "my model"}, "use letters"),
        ({"data": {"source": "x.csv"}}, "data.target: is missing"),
        ({"data": {"source": "x.csv", "target": "y", "time_column": "y"}}, "both 'y'"),
        ({"split": {"holdout": 1.5}}, "split.holdout: must be 'auto' or below 1 (got 1.5)"),
        ({"tuning": {"families": "lightgbm"}}, "tuning.families: must be a list, as in [a, b] (got 'lightgbm')"),
        ({"tuning": {"folds": True, "seed": [1, None]}}, "tuning.seed: must be a whole number (got [1, null])"),
        ({"tuning": {"families": {"lightgbm": True}}}, 'must be a list, as in [a, b] (got {"lightgbm": true})'),
        ({"tuning": {"folds": "many"}}, "tuning.folds: must be a whole number"),
        ({"tuning": {"ensemble": "perhaps"}}, "tuning.ensemble: must be true or false"),
        ({"tuning": "fast"}, "tuning: must be a mapping of keys to values"),
        ({"serving": {"max_rows": None}}, "serving.max_rows: must be a whole number (got null)"),
        ({"tuning": {"budget_s": float("inf")}}, "tuning.budget_s: must be a finite number"),
        ({"tuning": {"budget_s": 10**9}}, "tuning.budget_s: must be at most 604,800"),
        ({"tuning": {"trials": 10**24}}, "tuning.trials"),
        ({"tuning": {"seed": 2**40}}, "tuning.seed"),
        ({"serving": {"max_rows": 100_000_000_000}}, "serving.max_rows"),
        ({"serving": {"retention_days": float("nan")}}, "serving.retention_days"),
        ({"retraining": {"window_days": 1e300}}, "retraining.window_days"),
        ({"constraints": {"metric_floor": float("-inf")}}, "constraints.metric_floor"),
        ({"monitoring": {"window": "99999999w"}}, "monitoring.window: a window lasts 36,500 days at most"),
        ({"monitoring": {"window": "9" * 5000}}, "monitoring.window"),
        (
            {"monitoring": {"channels": [{"kind": "webhook", "url": "file:///etc/passwd"}]}},
            "monitoring.channels.0.url: must begin with https://",
        ),
        ({"monitoring": {"channels": [{"kind": "webhook", "url": "https:///nobody"}]}}, "monitoring.channels.0.url"),
        ({"metric": "accurracy"}, "there is no metric 'accurracy'; did you mean 'accuracy'?"),
        ({"metric": "rmse", "task": "binary"}, "'rmse' is no metric of a binary task; choose one of roc_auc"),
    ],
)
def test_a_wrong_config_is_one_clear_line(change, said):
    with pytest.raises(InputError) as caught:
        problem_from({**GOOD, **change}, "configs/x.yaml")

    assert said in str(caught.value)
    assert str(caught.value).startswith("configs/x.yaml: ")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize(("text", "said"), [("a: [1", "is not YAML"), ("- 1", "must be a mapping"), ("", "must be a mapping")])
def test_a_broken_file_is_named(tmp_path, text, said):
    path = tmp_path / "x.yaml"
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        read_settings(path)


BOMB = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, r"x\.yaml, line 7: its aliases stand for more than"),
        ("a: &a [*a]\n", r"x\.yaml, line 1: \*a is part of what it stands for"),
        ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)), "nested more than 50 levels"),
        ("a: " + "[" * 5000 + "]" * 5000, r"x\.yaml, line 1: it is nested more than 50 levels"),
        ("\n".join(" " * n + "a:" for n in range(900)), r"x\.yaml, line 50: it is nested more than 50 levels"),
        ("name: a\ndata:\n  target: b\n  source: c\n  target: d\n", r"x\.yaml, line 5: key 'target' stands in line 3 already"),
        ("name: a\nname: a\n", r"x\.yaml, line 2: key 'name' stands in line 1 already"),
        ("? [a, b]\n: c\n", r"x\.yaml, line 1: a key must be a plain text"),
        ("a: 2024-99-99\n", r"x\.yaml is not YAML"),
        (f"a: {'9' * 5000}\n", r"x\.yaml is not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", r"x\.yaml is not YAML"),
        ("# " + "x" * 600_000, r"x\.yaml has more than 500,000 characters"),
    ],
)  # fmt: skip
@pytest.mark.timeout(10)
def test_yaml_that_means_harm_or_two_things_is_one_line_with_its_place(tmp_path, text, said):
    path = tmp_path / "x.yaml"
    path.write_text(text)

    with pytest.raises(InputError, match=said) as caught:
        read_settings(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_aliases_and_merges_that_save_typing_are_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: &a {x: 1, y: [1, 2]}\nb: *a\nc: {<<: *a, x: 3}\n")

    assert read_settings(path) == {"a": {"x": 1, "y": [1, 2]}, "b": {"x": 1, "y": [1, 2]}, "c": {"x": 3, "y": [1, 2]}}


def test_a_channel_may_name_a_secret_instead_of_an_address():
    monitoring = {"channels": [{"kind": "webhook", "url": "{{hook.url}}"}, {"kind": "slack", "url": "https://hooks.example.com/x"}]}

    assert len(problem_from({**GOOD, "monitoring": monitoring}, "here").monitoring.channels) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="nothere.yaml does not exist"):
        read_settings(tmp_path / "nothere.yaml")


def test_the_json_schema_refuses_unknown_keys_too():
    assert Problem.model_json_schema()["additionalProperties"] is False


def test_an_option_of_another_pipeline_is_an_error_and_names_its_own(capsys, monkeypatch):
    import run

    monkeypatch.setattr("sys.argv", ["run.py", "--pipeline", "training", "--share", "0.2"])
    with pytest.raises(SystemExit) as end:
        run.main()

    assert end.value.code == 2
    assert "--share is for deployment, not for training" in capsys.readouterr().err


def test_later_life_is_no_part_of_training():
    data = {"source": "builtin:loans", "target": "defaulted"}
    one, other = (problem_from({"name": "loans", "data": data, "serving": {"max_rows": rows}}, "test") for rows in (1, 2))

    assert one != other
    assert one.for_training() == other.for_training()
