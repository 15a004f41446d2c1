"""Training on a table larger than memory: searched on a sample, served from all rows, and nothing of it silently."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.fitting import train
from switchyard.tabular.profile import profile_table
from switchyard.tabular.tables.large.load import load
from switchyard.tabular.tables.table import Table
from tests.switchyard.tabular.tables.test_large import people


def trained(tmp_path, in_memory, families=("lightgbm",), rows=2400, **settings):
    path = tmp_path / "people.csv"
    people(rows).drop(columns="weight").to_csv(path, index=False)
    tuning = {"trials": 1, "families": families, "folds": 2}
    data = {"source": str(path), "target": "left", **settings.pop("data", {})}
    asked = {"name": "people", "data": data, "tuning": tuning, "training": {"in_memory": in_memory}, **settings}
    table, problem, rest, notes = load(problem_from(asked, "test"), str(path))
    return train(table, problem, notes, rest=rest)


def test_a_table_within_memory_gives_the_bundle_that_it_always_gave(tmp_path):
    automatic, set_higher = trained(tmp_path, "auto"), trained(tmp_path, 2400)

    assert automatic.bundle.digest == set_higher.bundle.digest and automatic.evaluated.digest == set_higher.evaluated.digest
    assert automatic.evaluation.scores == set_higher.evaluation.scores
    assert automatic.served.sentences == set_higher.served.sentences and "uniform sample" not in automatic.served.sentences


def test_the_served_model_has_learnt_from_all_rows_and_its_twin_from_the_sample(tmp_path):
    found, whole = trained(tmp_path, 600), trained(tmp_path, 2400)
    recipe = found.model.members[0].estimator

    assert len(found.split.train) + len(found.split.holdout) == 600
    assert found.served.sentences.startswith("Searched and scored on a uniform sample of 600 of the table's 2,400 rows. The scores are")
    assert found.served.rows == 2400 and "to all 2,400 rows, the holdout among them" in found.served.sentences
    assert found.served.digest != found.served.evaluated_digest and not found.served.parity.differing_rows
    # Hessians of a binary loss count rows: more than a sample has.
    assert recipe.booster_.dump_model()["tree_info"][0]["tree_structure"]["internal_count"] > 600
    later = people(4000, seed=9).drop(columns="weight")
    right = [float((model.predict(later) == later["left"]).mean()) for model in (found, whole)]
    assert right[0] > right[1] - 0.02


def test_a_family_that_needs_a_matrix_says_that_it_learnt_from_the_sample(tmp_path):
    forest = trained(tmp_path, 600, ("random_forest",)).served
    assert forest.rows == 600 and "to a sample of 600 of the table's 2,400 rows, all that random forest can learn from" in forest.sentences


@pytest.mark.parametrize("by", ["time_column", "group_column"])
def test_the_sample_is_split_as_the_table_would_be(tmp_path, by):
    column = {"time_column": "day", "group_column": "town"}[by]
    found = trained(tmp_path, 600, data={by: column})
    train_side, holdout = (part[column] for part in (found.split.train, found.split.holdout))

    assert found.served.rows == 2400
    if by == "time_column":
        assert train_side.max() < holdout.min()
    else:
        assert not set(train_side) & set(holdout)


def test_a_weighed_table_is_learnt_from_with_its_weights(tmp_path):
    path = tmp_path / "people.csv"
    frame = people(2400)
    frame.loc[::4, "weight"] = 0
    frame.to_csv(path, index=False)
    asked = {
        "name": "people",
        "data": {"source": str(path), "target": "left", "weight": "weight"},
        "tuning": {"trials": 1, "families": ["xgboost"], "folds": 2},
        "training": {"in_memory": 600},
    }
    table, problem, rest, notes = load(problem_from(asked, "test"), str(path))
    found = train(table, problem, notes, rest=rest)

    assert found.served.rows == len(table.frame) + rest.rows == int((frame["weight"] > 0).sum())
    assert np.isfinite(found.predict_proba(frame.head(20))).all()


def test_each_page_says_that_its_rows_are_a_sample_and_of_how_many(tmp_path):
    found = trained(tmp_path, 600)
    table = Table(pd.concat([found.split.train, found.split.holdout]), found.split.schema, "people.csv", "sha256:0")
    leads = [page.report().lead for page in (profile_table(table, found.problem), found.quality, found.evaluation, found.explain())]

    assert all("a uniform sample of a table of 2,400 rows" in lead for lead in leads), leads
    assert any("rows of a uniform sample of the table's 2,400" in note for note in found.leaderboard.notes)
    assert any(note.startswith("600 of 2,400 rows, drawn uniformly (seed 0)") for note in found.notes)
    whole = trained(tmp_path, 2400)
    assert not any("uniform sample" in page.report().lead for page in (whole.quality, whole.evaluation))


def test_the_served_model_of_a_time_split_says_that_it_was_trained_until_the_newest_row_of_all(tmp_path):
    found = trained(tmp_path, 600, data={"time_column": "day"})
    newest = pd.to_datetime(people(2400)["day"], format="%d.%m.%Y").max()

    assert pd.Timestamp(found.bundle.signature.trained_until) == newest
    assert pd.Timestamp(found.evaluated.signature.trained_until) == found.split.holdout["day"].min()
