"""The estimators do what scikit-learn's tools expect of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import check_classifiers_train, parametrize_with_checks

from switchyard import SwitchyardClassifier, SwitchyardRegressor
from switchyard.bundle import Scorer
from switchyard.plugins import load_plugin

# A family that takes no time: scikit-learn's checks fit more than a hundred times.
load_plugin(str(Path(__file__).parents[2] / "plugins" / "linear.py"))
QUICK = {"families": ("linear",), "trials": 1}


def expected_failures(estimator: BaseEstimator) -> dict[str, str]:
    """Checks that fail, and why that is right."""
    if isinstance(estimator, SwitchyardRegressor):
        return {}
    return {
        "check_classifiers_train": "wants predict to be the most probable class; of two classes it is what the tuned threshold says, "
        "and with threshold=0.5 the check passes (below)"
    }


@parametrize_with_checks(
    [SwitchyardClassifier(**QUICK), SwitchyardRegressor(**QUICK)],
    expected_failed_checks=expected_failures,
)
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


def test_with_a_threshold_of_a_half_the_answer_is_the_more_probable_class():
    check_classifiers_train("SwitchyardClassifier", SwitchyardClassifier(**QUICK, threshold=0.5))


def visits(rows: int = 90) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.normal(45, 10, rows), "city": rng.choice(["Bonn", "Ulm"], rows), "seen": pd.Timestamp("2026-01-01")})
    X.loc[::9, "age"] = np.nan
    return X, pd.Series(np.where((X["city"] == "Ulm") ^ (rng.random(rows) < 0.1), "a", "b"), name="age")


def test_a_frames_columns_stay_what_they_are():
    X, y = visits()
    model = SwitchyardClassifier(**QUICK).fit(X, y)

    assert model.feature_names_in_.tolist() == ["age", "city", "seen"]
    assert {column.name: column.kind for column in model.model_.columns}["city"] == "categorical"
    assert model.score(X, y) > 0.8
    assert model.predict(X.assign(city="Rome")).shape == (90,)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns={"city": "town"}))


@pytest.mark.parametrize("labels", [(1, 0), (False, True), ("yes", "no"), (2.0, 1.0), ("1", "01")])
def test_classes_keep_their_type_and_probabilities_their_order(labels):
    X, y = visits()
    y = np.where(y == "a", labels[0], labels[1])
    # The model's own order differs: its positive class comes last.
    keep = np.flatnonzero((y == y[0]) | (np.arange(90) % 3 == 0))
    model = SwitchyardClassifier(**QUICK, threshold=0.5).fit(X.iloc[keep], y[keep])
    answers = model.predict(X)

    assert model.classes_.tolist() == sorted(labels) and answers.dtype == y.dtype
    assert (model.classes_[model.predict_proba(X).argmax(axis=1)] == answers).all()
    assert (answers == y).mean() > 0.8


def test_labels_that_read_as_one_are_refused():
    X, y = visits()
    with pytest.raises(ValueError, match="y has classes that read as missing or as the same label"):
        SwitchyardClassifier(**QUICK).fit(X, np.where(y == "a", "1.0", np.where(np.arange(90) % 2, "1", "2")))


def test_scikit_learns_tools_work_on_them(tmp_path):
    X, y = visits()
    amounts = X["age"].fillna(45) * 2 + (X["city"] == "Ulm")
    search = GridSearchCV(SwitchyardClassifier(**QUICK), {"seed": [0, 1]}, cv=2).fit(X, y)
    search.best_estimator_.bundle_.write(tmp_path)

    assert cross_val_score(SwitchyardRegressor(**QUICK), X, amounts, cv=3).mean() > 0.8
    assert Scorer(tmp_path).score(X.to_dict("list")).labels == search.predict(X).tolist()
    assert clone(search.best_estimator_).get_params()["trials"] == 1


def test_a_wrong_parameter_is_named():
    X, y = visits()
    for parameters, said in (({"families": ("gone",)}, "'gone'"), ({"budget_s": 0}, "tuning.budget_s"), ({"metric": "rmse"}, "rmse")):
        with pytest.raises(ValueError, match=said):
            SwitchyardClassifier(**parameters).fit(X, y)
