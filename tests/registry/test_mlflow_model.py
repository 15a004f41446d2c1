"""The bundle as MLflow loads it takes what the endpoint takes."""

from types import SimpleNamespace

import pandas as pd
import pytest

from registry.mlflow_model import BundleModel
from switchyard.bundle import BadInput
from tests.switchyard.serving.cases import ROWS, make_bundle


@pytest.fixture
def model(tmp_path):
    loaded = BundleModel()
    loaded.load_context(SimpleNamespace(artifacts={"bundle": str(make_bundle(tmp_path / "bundle"))}))
    return loaded


def test_sets_are_columns_where_the_model_has_them(tmp_path):
    loaded = BundleModel()
    loaded.load_context(SimpleNamespace(artifacts={"bundle": str(make_bundle(tmp_path / "bundle", "multiclass"))}))
    found = loaded.predict(None, pd.DataFrame(ROWS))
    held = found[["set_high", "set_low", "set_mid"]]

    assert (held.to_numpy() == (found[["probability_high", "probability_low", "probability_mid"]].to_numpy() >= (0.2, 0.1, 0.3))).all()
    assert found["decision"].tolist() == ["answer" if count == 1 else "review" for count in held.sum(axis=1)]


@pytest.mark.filterwarnings("error")
def test_columns_that_training_left_out_pass_in_silence_and_unknown_ones_with_a_warning(model):
    frame = pd.DataFrame(ROWS)
    plain = model.predict(None, frame)
    pd.testing.assert_frame_equal(model.predict(None, frame.assign(default="no", **{"Unnamed: 0": range(len(frame))})), plain)
    with pytest.warns(UserWarning, match="left out, since the model does not know them: 'shoe'"):
        pd.testing.assert_frame_equal(model.predict(None, frame.assign(shoe=42)), plain)
    with pytest.raises(BadInput, match="'job' is missing .*, and so is 'owner'|'owner' is missing .*, and so is 'job'"):
        model.predict(None, frame.drop(columns=["job", "owner"]))
