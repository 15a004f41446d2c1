"""Groups that follow a champion's: names and numbers stay with the rows, and who moved is said and may be too many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.clustering.finding import find_groups
from switchyard.tabular.clustering.fitting import resolved_for
from switchyard.tabular.clustering.succession import GroupsBefore, groups_before, succeed
from tests.switchyard.tabular.bundles import logistic_bundle
from tests.switchyard.tabular.clustering.test_clustering import three_kinds


def before(*groups: str, classes: tuple[str, ...] = ("a", "b", "c")) -> GroupsBefore:
    return GroupsBefore("3", classes, np.array([classes.index(group) for group in groups]))


def test_groups_keep_the_names_of_those_whose_rows_they_have():
    names, moved, lost = succeed(np.array([0, 0, 0, 1, 1, 2]), 3, before("b", "b", "c", "a", "a", "c"), ())

    assert (names, lost) == (["b", "a", "c"], ())
    assert moved == pytest.approx(1 / 6)


def test_a_new_group_gets_the_next_number_and_a_lost_one_is_named():
    codes, old = np.array([0, 0, 1, 1, 2]), before("1", "1", "2", "2", "2", classes=("1", "2"))

    assert succeed(codes, 3, old, ()) == (["1", "2", "3"], pytest.approx(0.2), ())
    assert succeed(np.array([0, 0, 0, 1, 1]), 2, before("a", "a", "b", "c", "c"), ()) == (["a", "c"], pytest.approx(0.2), ("b",))


def test_the_config_names_new_groups_and_may_rename_all():
    codes, old = np.array([0, 0, 1, 1, 2]), before("a", "a", "b", "b", "b", classes=("a", "b"))

    assert succeed(codes, 3, old, ("new", "b", "a"))[0] == ["a", "b", "new"]
    assert succeed(codes, 3, old, ("x", "y", "z"))[0] == ["x", "y", "z"]


def test_a_new_training_takes_names_over_and_says_how_many_rows_moved():
    frame, kind = three_kinds()
    names = ("small", "large", "weekend")
    table, problem = resolved_for(frame, clustering={"clusters": 3})
    old = np.where(np.arange(len(kind)) < 6, (kind + 1) % 3, kind)
    grouped, _, groups = find_groups(table, problem, GroupsBefore("3", names, old))

    assert set(grouped.frame["group"]) == set(names)
    assert 5 / len(kind) <= groups.succession.moved <= 12 / len(kind)
    assert "Against the champion, version 3" in groups.sentence and groups.metadata()["moved"] == groups.succession.moved
    assert groups.succession.silhouette < groups.succession.silhouette_now


def test_a_champion_that_cant_score_the_rows_is_said_and_nobody_is_none():
    class Strange:
        def scorer(self):
            return logistic_bundle()

    assert "can't score these rows: " in groups_before("2", Strange(), pd.DataFrame({"z": [1.0]})).note
    assert groups_before(None, None, pd.DataFrame()).version == ""


def test_the_champions_groups_are_read_back_as_they_were_written(tmp_path):
    kept = before("a", "b")
    kept.write(tmp_path)
    again = GroupsBefore.read(tmp_path)
    assert (again.version, again.classes, again.codes.tolist()) == ("3", ("a", "b", "c"), [0, 1])
