"""Groups of rows: found where there are some, named, served as they were found, and not found where there are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

import switchyard
from switchyard.serving.answers import body_of, columns_of, logged
from switchyard.serving.schemas import prediction_answer
from switchyard.tabular.batch.scoring import output_columns
from switchyard.tabular.clustering.search import choose_groups
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.model.model import Model

QUICK = {"evaluation": {"bootstrap": 20, "explained_rows": 20, "lime_rows": 1}}


def three_kinds(rows: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    """Shops of three kinds, told apart by two numbers and a category together."""
    rng = np.random.default_rng(0)
    kind = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    spent = np.array([10.0, 50.0, 55.0])[kind] + rng.normal(0, 3, rows)
    visits = np.array([5.0, 6.0, 25.0])[kind] + rng.normal(0, 1.5, rows)
    spent[::40] = np.nan
    return pd.DataFrame({"spent": spent, "visits": visits, "day": np.array(["week", "weekend", "both"])[kind]}), kind


@pytest.fixture(scope="module")
def clustered():
    return switchyard.cluster(three_kinds()[0], **QUICK)


def test_groups_that_are_there_are_found_and_the_largest_is_the_first(clustered):
    assert adjusted_rand_score(three_kinds()[1], clustered.labels) > 0.9
    assert [group.name for group in clustered.groups.groups] == ["1", "2", "3"]
    assert [group.rows for group in clustered.groups.groups] == sorted((group.rows for group in clustered.groups.groups), reverse=True)
    assert clustered.groups.scores["stability"] > 0.9


def test_the_bundle_gives_the_groups_that_were_found(clustered):
    bundle = clustered.fitted.bundle
    answer = bundle.scorer().score_frame(three_kinds()[0])

    assert (bundle.signature.task, bundle.signature.classes) == ("clustering", ("1", "2", "3"))
    assert np.mean(np.array(answer.labels) == clustered.labels) > 0.99
    assert not clustered.fitted.parity.differing_rows


def test_a_row_far_from_all_groups_is_called_unlike_and_a_hundredth_of_each_group_is(clustered):
    bundle, frame = clustered.fitted.bundle, three_kinds()[0]
    answer, limits = bundle.scorer().score_frame(frame), bundle.signature.unlike
    strange = bundle.scorer().score({"spent": [10.0, 500.0], "visits": [5.0, 5.0], "day": ["week", "week"]})

    assert limits.rate == 0.01
    assert np.array_equal(answer.unlike, answer.distance > np.array(limits.farthest)[answer.label_index])
    assert answer.unlike.sum() <= 3
    assert strange.unlike.tolist() == [False, True] and strange.distance[1] > 10 * strange.distance[0]
    assert np.abs(answer.distance - clustered.fitted.model.distances(frame)).max() < 1e-6


def test_the_examples_that_prove_a_server_hold_its_distances_too(clustered):
    kept = clustered.fitted.bundle.examples["examples"][0]["answer"]

    assert set(kept) == {"label", "probabilities", "distance"}


def test_distance_and_flag_are_in_batches_and_in_each_form_of_an_answer(clustered):
    bundle = clustered.fitted.bundle
    columns = columns_of(bundle.scorer().score({"spent": [10.0, 500.0], "visits": [5.0, 5.0], "day": ["week", "week"]}), bundle.signature)
    rows = body_of(columns, "rows", "id", bundle.signature, {})["predictions"]
    array = body_of(columns, "ndarray", "id", bundle.signature, {})

    assert [row["unlike"] for row in rows] == [False, True] and rows[0]["distance"] == columns["distance"][0]
    assert array["meta"]["tags"]["distances"] == columns["distance"] and array["meta"]["tags"]["unlike"] == [False, True]
    assert logged(columns)["prediction"] == columns["distance"]
    assert {"distance", "unlike"} <= set(output_columns(bundle.signature))
    fields = prediction_answer(bundle.signature)["oneOf"][0]["properties"]["predictions"]["items"]["properties"]
    assert fields["unlike"]["type"] == "boolean" and "all but 1.0% of the group's training rows" in fields["unlike"]["description"]


def test_a_model_of_groups_is_read_back_with_its_limits(clustered, tmp_path):
    clustered.fitted.model.write(tmp_path)

    assert Model.read(tmp_path).unlike == clustered.fitted.model.unlike


def test_a_rule_says_what_makes_a_group_itself(clustered):
    for group in clustered.groups.groups:
        assert group.rule and min(group.coverage, group.precision) > 0.9
    assert "stability" in clustered.fitted.evaluation.scores
    assert "What makes each group itself" in clustered.groups.html()


def test_each_group_says_how_sure_it_is_and_all_are_drawn_on_a_map(clustered):
    groups, page = clustered.groups, clustered.groups.html()

    assert all(group.stability > 0.8 for group in groups.groups)
    assert len(groups.map.x) == len(groups.map.y) == len(groups.map.groups) == 240 and 0 < groups.map.held <= 1
    assert "second component</text>" in page and "<script" not in page
    assert page == clustered.groups.html()


def test_names_of_the_config_are_the_classes():
    found = switchyard.cluster(three_kinds()[0], 3, names=("small", "large", "weekend"), **QUICK)

    assert set(found.fitted.bundle.signature.classes) == {"small", "large", "weekend"}
    with pytest.raises(InputError, match="clustering.names has 2 names, and 3 groups were found"):
        switchyard.cluster(three_kinds()[0], 3, names=("a", "b"), **QUICK)


@pytest.mark.parametrize("long", [False, True])
def test_a_cloud_has_no_groups_and_a_long_one_has_none_either(long):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(200, 3)) + (3 * rng.normal(size=(200, 1)) if long else 0)
    frame = pd.DataFrame(table, columns=["a", "b", "c"])
    with pytest.raises(GateClosed, match="no groups were found"):
        switchyard.cluster(frame, **QUICK)


def test_a_single_column_has_no_groups_though_it_has_heaps_and_a_number_makes_them():
    frame = pd.DataFrame({"a": np.r_[np.linspace(0, 1, 100), np.linspace(9, 10, 100)]})
    with pytest.raises(GateClosed, match="a single column says nothing of rows that are alike in several"):
        switchyard.cluster(frame, **QUICK)
    assert len(switchyard.cluster(frame, 2, **QUICK).groups.groups) == 2


def test_a_row_far_from_all_others_is_no_group_and_clipping_is_the_way_out():
    table = three_kinds()[0].select_dtypes("number")
    table.loc[len(table)] = table.mean() + 1e4
    with pytest.raises(InputError, match=rf"^1 row \(the first: row {len(table)} of {len(table)}\) would be a group alone"):
        switchyard.cluster(table, 3, tuning={"families": ["kmeans"]}, **QUICK)
    clipped = switchyard.cluster(
        table, 3, tuning={"families": ["kmeans"]}, features={"outliers": {"method": "iqr", "action": "clip"}}, **QUICK
    )
    assert min(group.rows for group in clipped.groups.groups) > 10


def test_equal_rows_and_few_rows_are_refused_in_one_line():
    with pytest.raises(InputError, match="at least 20 are needed"):
        switchyard.cluster(three_kinds()[0].head(10))
    with pytest.raises(InputError, match="^all 50 rows are equal in every column; there are no groups to find$"):
        switchyard.cluster(pd.DataFrame({"a": [1.0] * 50, "b": ["x"] * 50}))


def test_a_column_called_as_the_answer_is_refused_with_a_way_out():
    frame = three_kinds()[0].assign(group="x")
    with pytest.raises(InputError, match="clustering.answer: segment"):
        switchyard.cluster(frame)


def test_a_config_of_a_clustering_names_no_target_and_reads_back_what_it_says():
    problem = problem_from({"name": "m", "task": "clustering", "data": {"source": "x.csv"}}, "x")

    assert (problem.data.target, problem.tuning.families, problem.metric) == ("group", ("kmeans", "gaussian_mixture"), "auto")
    assert problem_from(problem.model_dump(mode="json"), "x") == problem
    with pytest.raises(InputError, match="predicts no column"):
        problem_from({"name": "m", "task": "clustering", "data": {"source": "x.csv", "target": "y"}}, "x")


def test_the_number_of_groups_is_the_one_that_is_found_again():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(centre, 1, (60, 4)) for centre in (0, 6, 12, 18)])

    assert choose_groups(X * [1, -1, 1, -1] + rng.normal(0, 1, (240, 1)), 2, 6, 0, [FAMILIES["kmeans"].finder]).best.clusters == 4
