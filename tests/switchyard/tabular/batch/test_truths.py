"""Labels in bulk: which column is what, and what is no label."""

from datetime import UTC, datetime

import pytest

from switchyard.bundle import Signature
from switchyard.tabular.batch.truths import TruthColumns, check_truths, read_truths, truth_columns
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.opening import open_rows
from tests.switchyard.serving.cases import make_bundle

PROBLEM = Problem(name="loans", data={"source": "-", "target": "default", "entity_column": "customer", "time_column": "at"})


@pytest.fixture(scope="module")
def signature(tmp_path_factory):
    return Signature.read(make_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    return Signature.read(make_bundle(tmp_path_factory.mktemp("bundle"), "regression"))


def read(folder, text, signature, given=None):
    path = folder / "labels.csv"
    path.write_text(text)
    rows = open_rows(path, "labels.csv", "default")
    columns = truth_columns(rows, PROBLEM, signature, given)
    check_truths(rows, columns, signature)
    return list(read_truths(rows, columns, signature))


def refused(*arguments):
    with pytest.raises(InputError) as error:
        read(*arguments)
    return str(error.value)


def test_by_prediction_id(signature, tmp_path):
    first, second = read(tmp_path, "prediction_id,default,more\nr1,yes,1\nr1/1,no,2\n", signature)
    assert (first.prediction_id, first.value, second.prediction_id, second.value) == ("r1", "yes", "r1/1", "no")


def test_the_answers_in_a_table_that_inference_wrote_are_no_labels(signature, tmp_path):
    scored = "label,confidence,prediction_id,model,version,digest{}\nyes,0.9,batch-1,loans,3,sha256:0{}\n"
    (found,) = read(tmp_path, scored.format(",default", ",no"), signature)
    assert (found.prediction_id, found.value) == ("batch-1", "no")
    assert "put what really happened into a column 'default'" in refused(tmp_path, scored.format("", ""), signature)


def test_by_entity_and_time_of_the_config(signature, tmp_path):
    (found,) = read(tmp_path, "customer,at,label\n17,2026-01-01 10:00:00+02:00,yes\n", signature)
    assert found.entity_id == "17" and found.event_time == datetime(2026, 1, 1, 8, tzinfo=UTC) and found.value == "yes"


def test_an_entity_that_a_gap_turned_into_a_float_is_the_same_entity(signature, tmp_path):
    (found,) = read(tmp_path, "customer,at,label\n17.0,2026-01-01,yes\n", signature)
    assert found.entity_id == "17"


def test_by_columns_that_are_named(signature, tmp_path):
    text = "who,day,truth,prediction_id\nann,2026-01-01,no,r9\n"
    (found,) = read(tmp_path, text, signature, TruthColumns("truth", entity="who", time="day"))
    assert (found.entity_id, found.prediction_id) == ("ann", None)
    assert "no column 'whom' (--entity-column); did you mean 'who'" in refused(
        tmp_path, text, signature, TruthColumns("truth", entity="whom")
    )


def test_numbers_are_labels_of_a_regression(regression, tmp_path):
    assert [truth.value for truth in read(tmp_path, "prediction_id,label\na,3\nb,-2.5e3\n", regression)] == ["3.0", "-2500.0"]
    assert "'much' is not a number" in refused(tmp_path, "prediction_id,label\na,much\n", regression)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "prediction_id,label\na,yes\nb,maybe\n",
            "1 row is wrong, nothing was joined: row 2, label: 'maybe' is not a class of the model; those are no, yes",
        ),
        (
            "prediction_id,label\n,yes\na,\n",
            "2 rows are wrong, nothing was joined: row 1, prediction_id: there is no prediction id; row 2, label",
        ),
        ("customer,at,label\nann,,yes\n", "row 1, at: there is no time"),
        ("customer,at,label\nann,soon,yes\n", "row 1, at: 'soon' is not a moment"),
        ("customer,at,label\n" + "ann,soon,yes\n" * 9, "(and 4 more)"),
        ("customer,label\nann,yes\n", "no column that says when"),
        ("prediction_id,outcome\na,yes\n", "--label-column"),
    ],
)
def test_bad_rows_are_named(signature, tmp_path, text, said):
    assert said in refused(tmp_path, text, signature)


def test_spreadsheets_write_whole_numbers_with_a_point(tmp_path):
    signature = Signature("loans", "binary", "default", (), ("0", "1"))
    assert [truth.value for truth in read(tmp_path, "prediction_id,label\na,1.0\nb,0\n", signature)] == ["1", "0"]
