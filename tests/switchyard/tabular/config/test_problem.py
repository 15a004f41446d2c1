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
        ({"task": "clustering"}, "clustering is planned"),
        ({"task": "recommendation"}, "recommendation is planned"),
        ({"name": "my model"}, "use letters"),
        ({"data": {"source": "x.csv"}}, "data.target: is missing"),
        ({"data": {"source": "x.csv", "target": "y", "time_column": "y"}}, "both 'y'"),
        ({"split": {"holdout": 1.5}}, "split.holdout"),
    ],
)
def test_a_wrong_config_is_one_clear_line(change, said):
    with pytest.raises(InputError) as caught:
        problem_from({**GOOD, **change}, "configs/x.yaml")

    assert said in str(caught.value)
    assert str(caught.value).startswith("configs/x.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "said"), [("a: [1", "is not YAML"), ("- 1", "must be a mapping"), ("", "must be a mapping")])
def test_a_broken_file_is_named(tmp_path, text, said):
    path = tmp_path / "x.yaml"
    path.write_text(text)

    with pytest.raises(InputError, match=said):
        read_settings(path)


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
