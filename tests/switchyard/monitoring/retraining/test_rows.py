"""Old rows and labelled predictions become one training table, in which nobody who was held out is trained on."""

import json
import time
from datetime import datetime, timedelta

import pandas as pd
import pytest

from switchyard.monitoring.retraining.labelled import count_labelled, labelled_predictions
from switchyard.monitoring.retraining.rows import put_together
from switchyard.predictionlog import Label, add_labels, connect, create_tables
from switchyard.predictionlog.database import predictions
from switchyard.predictionlog.records import prediction_record, rows_of
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED
from switchyard.tabular.tables.reading.loans import loans
from switchyard.tabular.tables.reading.sources import RawTable, read_source
from switchyard.tabular.tables.reading.staged import to_staged
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import split_table

FEATURES = ["age", "sex", "income", "loan_amount", "purpose", "is_customer", "account_opened"]
USED = frozenset(FEATURES)


def problem(**changes):
    data = {"source": "builtin:loans", "target": "defaulted", "time_column": "application_date", "entity_column": "applicant_id"}
    return problem_from({"name": "loans", "data": {**data, **changes.pop("data", {})}, **changes}, "test")


def applications(months, rows):
    return loans(rows, months=months)[["application_date", "applicant_id", *FEATURES, "defaulted"]]


def resolved(frame, asked):
    return resolve(RawTable(frame, "builtin:loans", "sha256:old"), asked)[:2]


@pytest.fixture
def engine(tmp_path):
    made = connect(f"sqlite:///{tmp_path}/log.db")
    create_tables(made)
    return made


def serve(engine, frame, name="r", role="live", model="loans", columns=FEATURES):
    """Log `frame` as the service would after answering it row by row; requests hold `columns`."""
    rows = []
    for number, row in enumerate(json.loads(frame.to_json(orient="records", date_format="iso"))):
        moment = pd.Timestamp(row["application_date"]).timestamp()
        record = prediction_record(
            request_id=f"{name}{number}", origin={"model": model, "version": "1", "digest": "sha256:1", "role": role},
            inputs={column: [row[column]] for column in columns}, answers={"label": ["0"], "probabilities": [{"0": 0.7, "1": 0.3}]},
            entity_ids=[row["applicant_id"]], event_times=[moment], moment=time.time(),
        )  # fmt: skip
        rows += rows_of(record)[0]
    with engine.begin() as connection:
        connection.execute(predictions.insert(), rows)


def label(engine, values, name="r"):
    add_labels(engine, [Label(str(value), f"{name}{number}") for number, value in enumerate(values)])


def test_labelled_predictions_read_like_the_rows_they_were(engine):
    old, new = applications((0, 5), 600), applications((6, 6), 100)
    table, settled = resolved(old, problem())
    serve(engine, new)
    label(engine, new.defaulted)
    read = labelled_predictions(engine, "loans", table.schema, settled, USED).rows

    whole, _ = resolved(pd.concat([old, new], ignore_index=True), problem())
    expected = whole.frame.iloc[600:].reset_index(drop=True)
    pd.testing.assert_frame_equal(read.reset_index(drop=True)[list(expected.columns)], expected, check_dtype=False)


def test_only_live_predictions_of_this_model_whose_outcome_is_known_count_and_the_last_label_holds(engine):
    table, settled = resolved(applications((0, 5), 600), problem())
    new = applications((6, 6), 50)
    serve(engine, new)
    serve(engine, new, "s", role="shadow")
    serve(engine, new, "o", model="others")
    label(engine, [0] * 30)
    label(engine, [1] * 10)
    label(engine, [1] * 50, "s")
    label(engine, [1] * 50, "o")
    read = labelled_predictions(engine, "loans", table.schema, settled, USED).rows

    assert read.defaulted.tolist().count("1") == 10 and len(read) == 30


def test_rows_of_scored_tables_whose_outcome_is_known_are_learnt_from(engine):
    old, new = applications((0, 5), 600), applications((6, 6), 60)
    table, settled = resolved(old, problem())
    serve(engine, new.head(40))
    serve(engine, new, "batch-", role="batch")
    label(engine, new.defaulted.head(40))
    label(engine, new.defaulted, "batch-")
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert (rows.old, rows.new) == (600, 60) and count_labelled(engine, "loans", datetime(2000, 1, 1)) == 100
    assert not rows.frame.duplicated().any()


def test_what_was_scored_twice_or_is_in_the_table_by_now_counts_once(engine):
    old, new = applications((0, 5), 600), applications((6, 6), 100)
    serve(engine, new)
    serve(engine, new, "again")
    label(engine, new.defaulted)
    label(engine, new.defaulted, "again")
    table, settled = resolved(pd.concat([old, new.head(40)], ignore_index=True), problem())
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert (rows.old, rows.new) == (640, 60)
    assert not rows.frame.duplicated().any()


@pytest.mark.parametrize("kind", ["random", "time"])
def test_held_out_rows_are_not_trained_on(engine, kind, tmp_path):
    old, new = applications((0, 11), 1200), applications((12, 14), 600)
    table, settled = resolved(old, problem(split={"kind": kind}))
    before = split_table(table, settled)
    serve(engine, new)
    label(engine, new.defaulted)
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)
    path = tmp_path / "rows.parquet"
    path.write_bytes(to_staged(rows.frame, rows.label))
    asked = rows.problem.model_copy(update={"data": rows.problem.data.model_copy(update={"source": f"{STAGED}{path}"})})
    again, found, _ = resolve(read_source(asked.data), asked)
    after = split_table(again, found)

    if kind == "random":
        assert not set(before.holdout.applicant_id) & set(after.train.applicant_id)
        assert len(after.holdout) > len(before.holdout)
    else:
        assert after.holdout.application_date.min() > old.application_date.max()
        assert (after.train.application_date > old.application_date.max()).sum() > 400
    assert len(after.train) + len(after.holdout) == 1800
    assert [(column.name, column.kind, column.role) for column in again.schema.columns] == [
        (column.name, column.kind, column.role) for column in table.schema.columns
    ]
    assert again.source == "builtin:loans (sha256:old) and 600 labelled predictions until 2024-03-31"
    assert again.revision.startswith("sha256:")


def test_a_window_keeps_the_last_days(engine):
    old, new = applications((0, 11), 1200), applications((12, 12), 100)
    table, settled = resolved(old, problem())
    serve(engine, new)
    label(engine, new.defaulted)
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", 90)

    assert rows.new == 100 and 150 < rows.old < 300
    assert rows.frame.application_date.min() >= new.application_date.max() - timedelta(days=90)
    undated, without = resolved(old.drop(columns="application_date"), problem(data={"time_column": None}))
    with pytest.raises(InputError, match="needs the rows' dates"):
        put_together(undated, labelled_predictions(engine, "loans", undated.schema, without, USED), without, "x", 90)


def test_equal_content_is_an_equal_file(engine):
    table, settled = resolved(applications((0, 5), 600), problem())
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert (rows.new, to_staged(rows.frame, "x")) == (0, to_staged(rows.frame.copy(), "x"))


def test_what_the_log_leaves_out_is_named(engine):
    table, settled = resolved(applications((0, 5), 600), problem())
    new = applications((6, 6), 10)
    serve(engine, new)
    label(engine, new.defaulted)
    with engine.begin() as connection:
        connection.execute(predictions.update().values(inputs={name: 1 for name in FEATURES if name != "age"}))
    with pytest.raises(InputError, match="has no column 'age' to train on; take it out of serving.log_exclude"):
        labelled_predictions(engine, "loans", table.schema, settled, USED)
    without = labelled_predictions(engine, "loans", table.schema, settled, USED, frozenset({"age"}))
    assert without.left_out == ("age",) and "none of 10 labelled predictions came with it" in without.notes[0]


def with_pool(frame):
    """`frame` with a column that hardly a row has, as training drops it by itself."""
    return frame.assign(Pool_QC=[("good", "poor")[row % 3 == 0] if row % 40 < 2 else None for row in range(len(frame))])


def trained_again(rows, tmp_path):
    """The rows as the retraining's own training reads them."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(to_staged(rows.frame, rows.label))
    asked = rows.problem.model_copy(update={"data": rows.problem.data.model_copy(update={"source": f"{STAGED}{path}"})})
    return resolve(read_source(asked.data), asked)[:2]


def test_a_column_that_the_model_does_not_use_and_no_request_holds_is_left_out_and_named(engine, tmp_path):
    asked = problem(
        data={"slice_columns": ["Pool_QC"], "columns": {"Pool_QC": {"encoder": "onehot"}}},
        features={"derived": {"ratio": "loan_amount / income"}},
    )
    old, new = with_pool(applications((0, 5), 600)), applications((6, 6), 100)
    table, settled = resolved(old, asked)
    serve(engine, new)
    label(engine, new.defaulted)
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)
    again, found = trained_again(rows, tmp_path)

    assert (rows.old, rows.new) == (600, 100)
    [note] = rows.notes
    assert "'Pool_QC'" in note and "left out" in note
    assert rows.label.endswith("without 'Pool_QC'")
    assert [column.name for column in again.schema.features] == [
        column.name for column in table.schema.features if column.name != "Pool_QC"
    ]
    assert found.features.derived == {"ratio": "loan_amount / income"}


def test_a_feature_derived_from_a_column_that_is_left_out_is_left_out_too(engine, tmp_path):
    asked = problem(features={
        "derived": {"per_pool": "income / pools", "twice": "per_pool * 2", "ratio": "loan_amount / income"},
        "lags": [{"column": "pools", "lags": [1]}, {"column": "income", "lags": [1]}],
    })  # fmt: skip
    old, new = applications((0, 5), 600).assign(pools=1.5), applications((6, 6), 100)
    old.loc[::50, "pools"] = 2.5
    table, settled = resolved(old, asked)
    serve(engine, new)
    label(engine, new.defaulted)
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert list(rows.problem.features.derived) == ["ratio"]
    assert [lag.column for lag in rows.problem.features.lags] == ["income"]


def test_a_column_that_the_model_does_not_use_is_trained_on_where_every_request_holds_it(engine):
    old, new = with_pool(applications((0, 5), 600)), with_pool(applications((6, 6), 100))
    table, settled = resolved(old, problem())
    serve(engine, new, columns=[*FEATURES, "Pool_QC"])
    label(engine, new.defaulted)
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert rows.notes == () and rows.frame.Pool_QC.tail(100).notna().sum() == 6
    assert rows.problem.data.columns["Pool_QC"].role == "feature"

    # One request without it, and which rows have it tells when they were asked.
    serve(engine, applications((7, 7), 5), "later")
    label(engine, [0] * 5, "later")
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)
    assert rows.problem.data.columns["Pool_QC"].role == "ignored"
    assert "5 of 105" in rows.notes[0]


def test_rows_of_an_earlier_version_lack_what_only_the_present_one_uses(engine):
    table, settled = resolved(applications((0, 5), 600), problem())
    before, after = applications((6, 6), 60), applications((7, 7), 40)
    serve(engine, before, columns=[name for name in FEATURES if name != "age"])
    serve(engine, after, "later")
    label(engine, before.defaulted)
    label(engine, after.defaulted, "later")
    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert rows.frame.age.isna().sum() == table.frame.age.isna().sum() + 60 + after.age.isna().sum()
    assert "'age'" in rows.notes[0] and "60 of 100" in rows.notes[0]


def test_a_group_that_the_log_does_not_keep_is_refused(engine):
    frame = applications((0, 5), 600).assign(branch=lambda rows: "b" + (rows.index % 50).astype(str))
    table, settled = resolved(frame, problem(data={"group_column": "branch"}, split={"kind": "group"}))

    with pytest.raises(InputError, match="set data.entity_column: branch"):
        labelled_predictions(engine, "loans", table.schema, settled, USED)


def test_a_file_of_another_origin_is_not_taken_for_one(tmp_path):
    applications((0, 1), 100).to_parquet(tmp_path / "plain.parquet")

    with pytest.raises(InputError, match="was not put together from the prediction log"):
        read_source(replace_source(problem(), f"{STAGED}{tmp_path}/plain.parquet"))
    with pytest.raises(InputError, match=r"gone\.parquet"):
        read_source(replace_source(problem(), f"{STAGED}{tmp_path}/gone.parquet"))


def replace_source(asked, source):
    return asked.data.model_copy(update={"source": source})


def test_of_a_clustering_each_row_that_was_asked_for_counts_once_without_a_label(engine):
    old, new = applications((0, 5), 600).drop(columns="defaulted"), applications((6, 6), 50)
    asked = problem(task="clustering", data={"target": "group"})
    table, settled = resolved(old, asked)
    serve(engine, pd.concat([new, new, old.head(10)], ignore_index=True))

    rows = put_together(table, labelled_predictions(engine, "loans", table.schema, settled, USED), settled, "builtin:loans", None)

    assert (rows.old, rows.new) == (600, 50) and "and 50 predictions until" in rows.label
    assert [count_labelled(engine, "loans", datetime(2000, 1, 1), task) for task in ("clustering", "binary")] == [110, 0]
