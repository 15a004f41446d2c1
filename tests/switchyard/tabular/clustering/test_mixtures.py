"""Groups as densities: found where centres would cut, exported exactly, and not seen where nothing separates them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

import switchyard
from switchyard.tabular.clustering.mixtures import can_be_mixed, mixture_of
from switchyard.tabular.clustering.search import choose_groups
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.tuner import tune_family

CENTRES, DENSITIES = FAMILIES["kmeans"].finder, FAMILIES["gaussian_mixture"].finder
QUICK = {"evaluation": {"bootstrap": 20, "explained_rows": 20, "lime_rows": 1}}


def long_groups(rows: int = 200) -> tuple[pd.DataFrame, np.ndarray]:
    """Two long groups side by side, which centres would cut across, and a column of noise."""
    rng = np.random.default_rng(0)
    X, kind = rng.normal(size=(rows, 2)) @ np.array([[3.0, 3.0], [0.3, -0.3]]), np.arange(rows) % 2
    X[kind == 1] += [3, -3]
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": rng.normal(size=rows)}), kind


@pytest.fixture(scope="module")
def found():
    return switchyard.cluster(long_groups()[0], **QUICK)


def test_long_groups_are_found_by_a_mixture_and_the_graph_gives_its_memberships(found):
    frame, kind = long_groups()
    model, answer = found.fitted.model, found.fitted.bundle.scorer().score_frame(frame)

    assert found.groups.algorithm == "a Gaussian mixture"
    assert adjusted_rand_score(kind, found.labels) > 0.95
    assert [member.family for member in model.members] == ["gaussian_mixture"]
    assert np.abs(model.predict_proba(frame) - answer.probabilities).max() < 1e-9
    assert np.array_equal(model.predict(frame), np.array(answer.labels))
    assert np.abs(model.distances(frame) - answer.distance).max() < 1e-9


def test_what_lies_between_long_groups_is_unlike_them_though_it_is_in_the_middle_of_all_rows(found):
    answer = found.fitted.bundle.scorer().score({"a": [0.0, 1.5, 1.0], "b": [0.0, -1.5, -8.0], "c": [0.0, 0.0, 0.0]})

    assert answer.unlike.tolist() == [False, True, True]


def test_a_mixture_is_read_back_as_it_was_written(tmp_path):
    X = long_groups()[0].to_numpy("float32")
    fitted = FAMILIES["gaussian_mixture"].build("clustering", {}, 0, 2).fit(X, np.arange(len(X)) % 2)
    fitted.write(tmp_path)

    assert np.array_equal(FAMILIES["gaussian_mixture"].read(tmp_path).margins(X), fitted.margins(X))


def test_a_mixture_agrees_with_the_library_that_found_it():
    from sklearn.mixture import GaussianMixture

    X = long_groups()[0].to_numpy()
    found = mixture_of(X, 2)
    theirs = GaussianMixture(2, means_init=found.means, weights_init=found.weights, reg_covar=1e-3, random_state=0).fit(X)

    assert found.covariance == "full"
    assert np.mean(found.groups(X) == theirs.predict(X)) > 0.99
    assert np.isclose(np.logaddexp.reduce(found.log_densities(X), axis=1).mean(), theirs.score(X), atol=1e-3)


def test_a_bent_cloud_has_parts_without_valleys_and_no_groups():
    x = np.random.default_rng(0).normal(size=300)
    bent = np.column_stack([x, x**2 + 0.3 * np.random.default_rng(1).normal(size=300)])

    assert not any(mixture_of(bent, number).apart for number in (2, 3, 4))
    assert choose_groups(bent / bent.std(axis=0), 2, 4, 0, [DENSITIES]).objection.endswith("no valley lies between them")


def test_a_mixture_says_nothing_of_columns_with_few_values():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=200), rng.integers(0, 2, 200)])

    assert not can_be_mixed(X) and can_be_mixed(X[:, :1])
    assert {found.finder for found in choose_groups(X, 2, 3, 0, [CENTRES, DENSITIES]).tried} == {CENTRES}


def test_a_family_that_did_not_find_the_groups_is_not_searched():
    problem = problem_from({"name": "m", "task": "clustering", "data": {"source": "x.csv"}, "tuning": {"families": ["kmeans"]}}, "x")
    study = tune_family(None, None, problem.model_copy(update={"metric": "stability"}), "gaussian_mixture", None)

    assert not study.candidates and study.reason == "the groups are those of kmeans"
