"""The bundle answers as the model does, is known by its digest, and proves itself by its examples."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle import Scorer, digest
from switchyard.bundle.examples import ExampleMismatch, check_examples
from switchyard.tabular.export.bundle import ExportedBundle, ParityError, check_parity, compare_answers, measure_latency, write_bundle
from switchyard.tabular.model.calibration import Calibrator
from switchyard.tabular.model.combiner import Combiner
from switchyard.tabular.tables.schema import Column, Schema
from tests.switchyard.tabular.model.cases import CLASSES, FAMILY_NAMES, TASKS, member_of, mixed_split, model_of


def odd_rows(task: str) -> pd.DataFrame:
    """The holdout, and rows as it has none: all missing, unknown categories, numbers far outside."""
    holdout = mixed_split(task).holdout
    strange = holdout.head(4).copy()
    strange.loc[0, ["amount", "rate", "flag"]] = np.nan
    strange.loc[0, "day"] = pd.NaT
    strange.loc[0, ["grade", "city"]] = None
    strange.loc[1, ["grade", "city"]] = "Zürich \U0001f600"
    strange.loc[2, ["amount", "rate"]] = [1e300, -1e300]
    strange.loc[3, ["amount", "rate"]] = [-0.0, 1e-310]
    return pd.concat([holdout, strange], ignore_index=True)


def ensemble(task: str, kind: str):
    members = [member_of(family, task) for family in FAMILY_NAMES]
    matrix = Calibrator("matrix", ((1.2, 0.1, 0.0), (0.0, 1.1, -0.1), (0.0, 0.05, 1.3)), (0.1, 0.0, -0.1))
    beta = Calibrator("beta", ((-0.9,), (1.2,)), (0.1,))
    calibration = {} if task == "regression" else {"calibrator": matrix if task == "multiclass" else beta}
    if kind == "average":
        return model_of(task, *members, combiner=Combiner.average([4, 3, 2, 1]), threshold=0.4321, **calibration)
    width = 3 if task == "multiclass" else 1
    weights = np.random.default_rng(0).normal(0.25, 0.1, size=(4 * width, width))
    return model_of(task, *members, combiner=Combiner.stack(weights, np.full(width, 0.1)), threshold=0.4321, **calibration)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_family_is_exact(family, task, tmp_path):
    model = model_of(task, member_of(family, task))
    made = write_bundle(model, mixed_split(task), tmp_path, name="mixed")
    parity = check_parity(model, made, odd_rows(task))
    assert parity.rows == len(odd_rows(task)) and parity.largest_difference < 5e-6
    assert check_examples(tmp_path) == 18


@pytest.mark.parametrize("kind", ["average", "stack"])
@pytest.mark.parametrize("task", TASKS)
def test_ensembles_are_exact(task, kind, tmp_path):
    model = ensemble(task, kind)
    made = write_bundle(model, mixed_split(task), tmp_path, name="mixed")
    check_parity(model, made, odd_rows(task))
    if task == "regression":
        answer = made.scorer().score(_columns(made, task))
        lower, upper = model.interval(odd_rows(task))
        assert np.allclose(answer.lower, lower) and np.allclose(answer.upper, upper)


def _columns(made, task: str) -> dict:
    frame = odd_rows(task)
    return {column.name: frame[column.name].to_numpy() for column in made.signature.columns}


def test_the_signature_names_what_training_left_out(tmp_path):
    split = mixed_split("binary")
    more = [Column(name="row", kind="categorical", role="id"), Column(name="same", kind="numeric", role="feature")]
    split = replace(split, schema=Schema(columns=(*more, *split.schema.columns)))
    made = write_bundle(model_of("binary", member_of("lightgbm", "binary")), split, tmp_path, name="mixed")
    others = {other.name: (other.role, other.kind) for other in made.signature.others}
    assert others == {"row": ("id", "categorical"), "same": ("dropped", "numeric"), "y": ("target", "categorical")}
    assert ExportedBundle.read(tmp_path).signature == made.signature


def test_same_model_same_bytes_and_digest(tmp_path):
    model, split = ensemble("binary", "average"), mixed_split("binary")
    first = write_bundle(model, split, tmp_path / "first", name="mixed", metric="roc_auc")
    second = write_bundle(model, split, tmp_path / "second", name="mixed", metric="roc_auc")
    assert first.files == second.files
    assert first.digest == digest(tmp_path / "second") and first.digest.startswith("sha256:")

    (tmp_path / "kept").mkdir()
    first.write(tmp_path / "kept")
    assert ExportedBundle.read(tmp_path / "kept").files == first.files

    other = write_bundle(model, split, tmp_path / "other", name="mixed2", metric="roc_auc")
    assert other.digest != first.digest


def test_signature_says_what_serving_needs(tmp_path):
    made = write_bundle(ensemble("binary", "average"), mixed_split("binary"), tmp_path, name="mixed", metric="roc_auc")
    signature = json.loads((tmp_path / "signature.json").read_text())
    assert signature["classes"] == ["no", "yes"] and signature["positive_class"] == "yes" and signature["threshold"] == 0.4321
    assert [(column["name"], column["input"], column["position"]) for column in signature["columns"]] == [
        ("amount", "numeric", 0), ("rate", "numeric", 1), ("flag", "numeric", 2), ("day", "numeric", 3),
        ("grade", "categorical", 0), ("city", "categorical", 1),
    ]  # fmt: skip
    assert "model.onnx" in made.html() and "<script" not in made.html()


def test_parity_names_the_rows_that_differ(tmp_path):
    split = mixed_split("binary")
    model = model_of("binary", member_of("lightgbm", "binary"))
    other = model_of("binary", member_of("xgboost", "binary"))
    made = write_bundle(other, split, tmp_path, name="mixed")
    wrong = compare_answers(model, made, split.holdout).differing_rows
    assert wrong
    with pytest.raises(ParityError, match=f"{len(wrong)} of {len(split.holdout)} rows .* rows {wrong[0]}"):
        check_parity(model, made, split.holdout)


def test_parity_sees_a_label_that_differs_by_the_threshold_alone(tmp_path):
    split, member = mixed_split("binary"), member_of("lightgbm", "binary")
    made = write_bundle(model_of("binary", member, threshold=0.5), split, tmp_path, name="mixed")
    with pytest.raises(ParityError):
        check_parity(model_of("binary", member, threshold=0.9), made, split.holdout)


@pytest.mark.parametrize("task", TASKS)
def test_tampered_examples_are_refused(task, tmp_path):
    write_bundle(model_of(task, member_of("lightgbm", task)), mixed_split(task), tmp_path, name="mixed")
    before = digest(tmp_path)
    kept = json.loads((tmp_path / "examples.json").read_text())
    answer = kept["examples"][3]["answer"]
    if task == "regression":
        answer["prediction"] += 10.0
    else:
        answer["probabilities"][CLASSES[task][0]] += 1e-4
    (tmp_path / "examples.json").write_text(json.dumps(kept))
    with pytest.raises(ExampleMismatch, match="example 3"):
        check_examples(tmp_path)
    assert digest(tmp_path) != before


def test_tampered_model_is_noticed(tmp_path):
    split = mixed_split("binary")
    write_bundle(model_of("binary", member_of("lightgbm", "binary")), split, tmp_path / "one", name="mixed")
    write_bundle(model_of("binary", member_of("xgboost", "binary")), split, tmp_path / "two", name="mixed")
    (tmp_path / "one" / "model.onnx").write_bytes((tmp_path / "two" / "model.onnx").read_bytes())
    with pytest.raises(ExampleMismatch):
        check_examples(tmp_path / "one")


def test_one_row_and_many_rows_get_the_same_answers(tmp_path):
    model = ensemble("multiclass", "stack")
    made = write_bundle(model, mixed_split("multiclass"), tmp_path, name="mixed")
    scorer, columns = Scorer(tmp_path), _columns(made, "multiclass")
    whole = scorer.score(columns)
    for row in range(0, len(whole.labels), 37):
        alone = scorer.score({name: values[row : row + 1] for name, values in columns.items()})
        assert alone.labels[0] == whole.labels[row]
        assert np.allclose(alone.probabilities[0], whole.probabilities[row], atol=1e-6)


def test_latency_of_one_row(tmp_path):
    made = write_bundle(ensemble("binary", "average"), mixed_split("binary"), tmp_path, name="mixed")
    assert 0.0 < measure_latency(made, mixed_split("binary").holdout, calls=50) < 20.0
