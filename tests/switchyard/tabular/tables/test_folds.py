import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split


def split_of(frame, kind="random", **roles):
    columns = tuple(
        Column(name=name, kind="datetime" if name == "when" else "numeric", role=roles.get(name, "target" if name == "y" else "feature"))
        for name in frame
    )
    return Split(frame, frame.iloc[:0], Schema(columns=columns), kind, None)


def problem(task="binary", folds=5, **data):
    return problem_from({"name": "t", "task": task, "data": {"source": "x", "target": "y", **data}, "tuning": {"folds": folds}}, "test")


def labels(counts):
    return np.concatenate([np.repeat(name, count) for name, count in counts.items()])


def test_every_row_is_held_out_once_and_classes_are_spread():
    split = split_of(pd.DataFrame({"x": np.arange(100.0), "y": labels({"no": 80, "yes": 20})}))
    folds = make_folds(split, problem())
    assert sorted(np.concatenate([valid for _, valid in folds])) == list(range(100))
    assert all((split.train["y"].to_numpy()[valid] == "yes").sum() == 4 for _, valid in folds)
    assert all(not set(train) & set(valid) for train, valid in folds)


def test_the_seed_decides():
    split = split_of(pd.DataFrame({"x": np.arange(60.0), "y": np.arange(60.0)}))
    first, again = make_folds(split, problem("regression")), make_folds(split, problem("regression"))
    other = make_folds(split, problem("regression").model_copy(update={"tuning": problem().tuning.model_copy(update={"seed": 1})}))
    assert all((a[1] == b[1]).all() for a, b in zip(first, again))
    assert any((a[1] != b[1]).any() for a, b in zip(first, other))


def test_a_rare_class_reduces_the_folds_and_says_so():
    folds = make_folds(split_of(pd.DataFrame({"y": labels({"a": 50, "b": 3})})), problem())
    assert len(folds) == 3
    assert "class 'b' has only 3" in folds.note


def test_a_class_with_one_row_is_an_error_that_names_it():
    with pytest.raises(InputError, match="class 'b' of target 'y' has a single training row"):
        make_folds(split_of(pd.DataFrame({"y": labels({"a": 50, "b": 1})})), problem())


@pytest.mark.parametrize("rare", [1, 2, 4])
def test_a_rare_class_among_several_costs_the_others_no_folds(rare):
    values = labels({"a": 50, "b": 30, "c": rare})
    folds = make_folds(split_of(pd.DataFrame({"y": values})), problem("multiclass"))

    assert len(folds) == 5 and not folds.note
    assert all(set(values[train]) == {"a", "b", "c"} and set(values[valid]) >= {"a", "b"} for train, valid in folds)
    assert len(np.unique(np.concatenate([valid for _, valid in folds]))) == 80 + (rare if rare > 1 else 0)


@pytest.mark.parametrize("role", ["group", "entity"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_groups_are_never_shared(role, task):
    rng = np.random.default_rng(0)
    owner = rng.integers(0, 30, 300).astype(float)
    target = np.where(rng.random(300) < 0.4, "yes", "no") if task == "binary" else rng.normal(size=300)
    frame = pd.DataFrame({"owner": owner, "y": target})
    if role == "group":
        folds = make_folds(split_of(frame, "group", owner="group"), problem(task))
    else:
        folds = make_folds(split_of(frame, owner="id"), problem(task, entity_column="owner"))
    assert len(folds) == 5
    assert all(not set(owner[train]) & set(owner[valid]) for train, valid in folds)
    assert sorted(np.concatenate([valid for _, valid in folds])) == list(range(300))


def test_rows_without_an_owner_are_on_their_own():
    frame = pd.DataFrame({"owner": [None] * 40 + ["a"] * 10, "y": labels({"no": 25, "yes": 25})[np.random.default_rng(0).permutation(50)]})
    folds = make_folds(split_of(frame, "group", owner="group"), problem(folds=3))
    assert max(len(valid) for _, valid in folds) < 25


def test_two_groups_give_two_folds_and_one_gives_an_error():
    frame = pd.DataFrame({"owner": ["a", "b"] * 20, "y": np.arange(40.0)})
    folds = make_folds(split_of(frame, "group", owner="group"), problem("regression"))
    assert len(folds) == 2 and "2 values to keep together" in folds.note
    with pytest.raises(InputError, match="share one value of 'owner'"):
        make_folds(split_of(frame.assign(owner="a"), "group", owner="group"), problem("regression"))


def test_time_folds_do_not_look_ahead_even_within_a_moment():
    rng = np.random.default_rng(1)
    when = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 20, 200), unit="D")
    frame = pd.DataFrame({"when": when, "y": np.where(rng.random(200) < 0.5, "yes", "no")})
    folds = make_folds(split_of(frame, "time", when="time"), problem())
    assert len(folds) == 5
    moments = frame["when"].to_numpy()
    assert all(moments[train].max() < moments[valid].min() for train, valid in folds)
    assert len(folds[0][0]) < len(folds[1][0]) < len(folds[4][0])
    assert sum(len(valid) for _, valid in folds) > 100


def test_file_order_is_time_without_a_time_column():
    frame = pd.DataFrame({"y": ["yes", "no"] * 50})
    folds = make_folds(split_of(frame, "time"), problem(time_column="@row"))
    assert all(train.max() < valid.min() for train, valid in folds)


def test_windows_before_a_class_appears_are_left_out():
    frame = pd.DataFrame({"y": ["no", "yes"] * 30 + ["new", "yes", "no"] * 30})
    folds = make_folds(split_of(frame, "time"), problem("multiclass", time_column="@row"))
    assert 2 <= len(folds) < 5 and "expanding windows" in folds.note
    assert all("new" in frame["y"].to_numpy()[train] for train, _ in folds)


def test_a_single_moment_cannot_be_cut():
    frame = pd.DataFrame({"when": [pd.Timestamp("2026-01-01")] * 30, "y": np.arange(30.0)})
    with pytest.raises(InputError, match="too few distinct moments"):
        make_folds(split_of(frame, "time", when="time"), problem("regression"))
