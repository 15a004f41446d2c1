"""What the scorer takes, and what it refuses, naming column and row."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle import BadInput, Scorer, Sets, Signature
from switchyard.bundle.encoding import MISSING
from switchyard.bundle.examples import check_examples
from switchyard.tabular.export.bundle import write_bundle
from switchyard.tabular.tables.table import model_frame
from tests.switchyard.tabular.model.cases import member_of, mixed_split, model_of, plan_of

ROW = {"amount": 1200.5, "rate": 0.3, "flag": True, "day": "2024-05-01", "grade": "a", "city": "city 3"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(model_of("binary", member_of("lightgbm", "binary")), mixed_split("binary"), folder, name="mixed")
    return folder


@pytest.fixture(scope="module")
def scorer(folder) -> Scorer:
    return Scorer(folder)


def columns(rows: int = 1, **changes: object) -> dict[str, list]:
    return {name: [value] * rows for name, value in {**ROW, **changes}.items()}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    "changes, column, problem",
    [
        ({"amount": "much"}, "amount", "not a number"),
        ({"amount": float("inf")}, "amount", "infinite"),
        ({"amount": "-inf"}, "amount", "infinite"),
        ({"amount": 10**400}, "amount", "too large"),
        ({"amount": [1.0]}, "amount", "not a number"),
        ({"amount": {"value": 1}}, "amount", "not a number"),
        ({"flag": "perhaps"}, "flag", "neither true nor false"),
        ({"flag": 2}, "flag", "neither true nor false"),
        ({"day": "tomorrow"}, "day", "not a moment"),
        ({"day": "2024-13-01"}, "day", "not a moment"),
        ({"day": "1066-10-14"}, "day", "outside the years"),
        ({"day": True}, "day", "not a moment"),
        ({"grade": ["a"]}, "grade", "not a category"),
        ({"grade": {"a": 1}}, "grade", "not a category"),
        ({"grade": float("inf")}, "grade", "infinite"),
    ],
)
def test_bad_values_are_named(scorer, rows, changes, column, problem):
    with pytest.raises(BadInput, match=problem) as caught:
        scorer.score(columns(rows, **changes))
    assert (caught.value.column, caught.value.row) == (column, 0)


def test_the_row_is_the_faulty_one(scorer):
    faulty = {"amount": [1, 2, "x"], "rate": np.array([1, 2, np.inf]), "day": ["2024-01-01", None, "x"], "grade": ["a", None, []]}
    for name, values in faulty.items():
        with pytest.raises(BadInput) as caught:
            scorer.score({**columns(3), name: values})
        assert (caught.value.column, caught.value.row) == (name, 2)


def test_columns_that_are_not_the_models_change_nothing(scorer):
    more = {**columns(), "grades": ["a"], "target": [1]}
    assert np.array_equal(scorer.score(more).probabilities, scorer.score(columns()).probabilities)


def test_all_that_is_missing_is_named_at_once(scorer):
    less = {name: values for name, values in columns().items() if name not in ("day", "grade", "rate")}
    with pytest.raises(BadInput) as caught:
        scorer.score({**less, "Grad": ["a"]})
    assert caught.value.column == "rate" and caught.value.row is None
    said = "is missing (numeric), and so are 'day' (datetime) and 'grade' (categorical); did you mean 'grade' by 'Grad'?; send a value"
    assert caught.value.problem.startswith(said)


def test_columns_must_be_lists_of_one_length(scorer):
    with pytest.raises(BadInput, match="2 values"):
        scorer.score({**columns(1), "rate": [1.0, 2.0]})
    with pytest.raises(BadInput, match="list"):
        scorer.score({**columns(1), "grade": "a"})
    with pytest.raises(BadInput, match="list"):
        scorer.score({**columns(1), "rate": 1.0})


@pytest.mark.parametrize("rows", [1, 2])
def test_moments_in_every_form_are_the_same_moment(scorer, rows):
    moment = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    forms = [
        "2024-05-01T12:30:00", "2024-05-01 12:30:00", "2024-05-01T12:30:00Z", "2024-05-01T14:30:00+02:00", "2024-05-01T12:30:00.000000000",
        moment, moment.replace(tzinfo=None), moment.astimezone(timezone(timedelta(hours=-5))), pd.Timestamp(moment),
        np.datetime64("2024-05-01T12:30"), moment.timestamp(), int(moment.timestamp()),
    ]  # fmt: skip
    for form in forms:
        assert scorer.encode(columns(rows, day=form))["numeric"][0, 3] == moment.timestamp(), form
    assert scorer.encode(columns(rows, day=date(2024, 5, 1)))["numeric"][0, 3] == datetime(2024, 5, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("rows", [1, 2])
def test_booleans_categories_and_gaps(scorer, rows):
    for form in (True, 1, 1.0, "1", "true", "TRUE", "yes", np.True_):
        assert scorer.encode(columns(rows, flag=form))["numeric"][0, 2] == 1.0
    for form in (False, 0, "false", "No"):
        assert scorer.encode(columns(rows, flag=form))["numeric"][0, 2] == 0.0
    names = [
        (7, "7"),
        (7.0, "7"),
        (np.float64(7), "7"),
        (0.5, "0.5"),
        (True, "True"),
        ("true", "True"),
        ("7.0", "7"),
        ("ç", "ç"),
        (" x", " x"),
        (2**60, str(2**60)),
    ]
    for form, name in names:
        assert scorer.encode(columns(rows, grade=form))["categorical"][0, 0] == name
    for gap in (None, float("nan"), np.nan, pd.NA, pd.NaT, ""):
        encoded = scorer.encode(columns(rows, **dict.fromkeys(ROW, gap)))
        assert np.isnan(encoded["numeric"]).all(), gap
        assert (encoded["categorical"] == MISSING).all(), gap
    assert scorer.encode(columns(rows, amount="12.5"))["numeric"][0, 0] == 12.5


def test_a_frame_is_encoded_as_training_saw_it(scorer):
    frame = mixed_split("binary").holdout
    encoded = scorer.encode({name: frame[name].to_numpy() for name in ROW})
    seen = model_frame(frame, plan_of("binary").used)
    assert np.array_equal(encoded["numeric"], seen[["amount", "rate", "flag", "day"]].to_numpy(), equal_nan=True)
    assert np.array_equal(encoded["categorical"], seen[["grade", "city"]].to_numpy(object))
    rows = [scorer.encode({name: [frame[name].iloc[row]] for name in ROW}) for row in range(20)]
    assert np.array_equal(np.vstack([row["numeric"] for row in rows]), encoded["numeric"][:20], equal_nan=True)
    assert np.array_equal(np.vstack([row["categorical"] for row in rows]), encoded["categorical"][:20])


def test_no_rows_and_many_rows(scorer):
    empty = scorer.score({name: [] for name in ROW})
    assert empty.probabilities.shape == (0, 2) and empty.labels == []
    many = scorer.score(columns(40_000))
    assert len(many.labels) == 40_000 and np.ptp(many.probabilities, axis=0).max() == 0.0


def test_a_signature_without_sets_is_the_text_that_older_code_reads(folder):
    text = (folder / "signature.json").read_text()
    signature = Signature.from_json(text)
    sets = Sets(0.9, True, (0.25, 0.75), review_above=1)
    assert "sets" not in json.loads(text) and signature.sets is None
    assert Signature.from_json(replace(signature, sets=sets).to_json()).sets == sets


def test_members_of_a_set_reach_their_least_probability_and_wide_or_empty_sets_are_for_review():
    sets = Sets(0.9, True, (0.25, 0.8), review_above=1)
    members = sets.members(np.array([[0.25, 0.75], [0.2, 0.8], [0.21, 0.79], [0.1, 0.9]]))
    assert members.tolist() == [[True, False], [False, True], [False, False], [False, True]]
    assert sets.decisions(members) == ["answer", "answer", "review", "answer"]
    assert sets.decisions(np.array([[True, True]])) == ["review"]
    assert replace(sets, review_above=2).decisions(np.array([[True, True], [False, False]])) == ["answer", "review"]
    assert replace(sets, review_above=None).decisions(members) is None


def test_another_format_is_refused(folder):
    text = (folder / "signature.json").read_text()
    assert Signature.from_json(text).to_json() == text
    with pytest.raises(ValueError, match="format 4"):
        Signature.from_json(text.replace('"format": 2', '"format": 4'))
    with pytest.raises(ValueError, match="damaged"):
        Signature.from_json(text.replace('"target"', '"aim"'))


def test_a_bundle_of_format_1_scores_as_its_own_code_did():
    stored = Path(__file__).parents[2] / "compatibility" / "moved" / "bundle"
    signature = Signature.read(stored)

    assert check_examples(stored) == 18
    assert signature.format == 1
    category = next(column for column in signature.columns if column.kind == "categorical").reading
    assert [category.value(value) for value in (True, "True", "1.0", "NA", 1.0)] == ["true", "True", "1.0", "NA", "1"]
    with pytest.raises(ValueError, match="not a number"):
        next(column for column in signature.columns if column.kind == "numeric").reading.value("NA")


def test_scoring_needs_numpy_and_onnxruntime_alone(folder):
    code = (
        "import sys; from switchyard.bundle import Scorer, digest; from switchyard.bundle.examples import check_examples;"
        f"check_examples({str(folder)!r}); digest({str(folder)!r});"
        "known = set(sys.stdlib_module_names) | {'numpy', 'onnxruntime', 'switchyard'};"
        "print(*sorted({n.partition('.')[0] for n in sys.modules} - known));"
        "print(*[n for n in sys.modules if n.startswith('switchyard.tabular')])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    heavy = {"pandas", "sklearn", "onnx", "torch", "lightgbm", "xgboost", "switchyard.tabular", "pydantic", "scipy"}
    assert not heavy & set(done.stdout.split())
