"""The model: what it answers, and that reading it back changes nothing."""

import numpy as np
import pytest

from switchyard.tabular.model.combiner import Combiner
from switchyard.tabular.model.model import Model
from switchyard.tabular.model.open_format import dump, load
from tests.switchyard.tabular.model.cases import CLASSES, FAMILY_NAMES, TASKS, member_of, mixed_split, model_of, tempered


def ensemble(task: str) -> Model:
    members = [member_of(family, task) for family in FAMILY_NAMES]
    return model_of(task, *members, combiner=Combiner.average([4, 3, 2, 1]), **tempered(task, 1.3))


@pytest.mark.parametrize("task", TASKS)
def test_round_trip_is_exact_and_equal_models_write_equal_bytes(task, tmp_path):
    model, holdout = ensemble(task), mixed_split(task).holdout
    folders = [tmp_path / name for name in ("one", "two")]
    folders[0].mkdir()
    folders[1].mkdir()
    model.write(folders[0])
    again = Model.read(folders[0])
    again.write(folders[1])

    assert np.array_equal(model.predict(holdout), again.predict(holdout))
    if task != "regression":
        assert np.array_equal(model.predict_proba(holdout), again.predict_proba(holdout))
    files = sorted(file.relative_to(folders[0]) for file in folders[0].rglob("*") if file.is_file())
    assert files == sorted(file.relative_to(folders[1]) for file in folders[1].rglob("*") if file.is_file())
    for file in files:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes(), file
    assert len(list(folders[0].glob("preprocessor_*"))) == 2  # one for trees, one for the net


def test_answers_by_threshold_and_interval():
    holdout = mixed_split("binary").holdout
    strict = model_of("binary", member_of("lightgbm", "binary"), threshold=0.9)
    proba = strict.predict_proba(holdout)[:, 1]
    assert np.array_equal(strict.predict(holdout) == "yes", proba >= 0.9)
    assert set(strict.predict(holdout)) <= set(CLASSES["binary"])

    regression = model_of("regression", member_of("xgboost", "regression"))
    holdout = mixed_split("regression").holdout
    lower, upper = regression.interval(holdout)
    assert np.allclose(upper - lower, 1600.0) and np.allclose((upper + lower) / 2, regression.predict(holdout))
    with pytest.raises(ValueError, match="no probabilities"):
        regression.predict_proba(holdout)


def test_a_kept_preprocessor_may_only_name_known_types():
    import decimal

    from sklearn.preprocessing import FunctionTransformer

    with pytest.raises(ValueError, match="decimal"):
        load(dump(FunctionTransformer(decimal.Decimal)))
    from numpy.testing import runstring

    with pytest.raises(ValueError, match="runstring"):
        load(dump(FunctionTransformer(runstring)))


def test_page_and_facts():
    model = ensemble("binary")
    assert model.metadata() == {"family": "ensemble", "members": 4, "columns": 6, "calibration": "temperature"}
    page = model.html()
    assert "neural_network" in page and "<script" not in page
