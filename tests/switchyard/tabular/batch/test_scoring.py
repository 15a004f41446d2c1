"""Scoring of tables by the library: what comes in as what, what is refused where, what comes out."""

import bz2
import gzip
import json
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from switchyard.bundle import Bundle
from switchyard.bundle.examples import answer_of
from switchyard.bundle.explainer import Explainer
from switchyard.tabular.batch.columns import layout_of
from switchyard.tabular.batch.output import TableWriter, format_of
from switchyard.tabular.batch.report import Scored, report_on
from switchyard.tabular.batch.scoring import Origin, check_table, output_columns, score_rows
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables import progress
from switchyard.tabular.tables.reading import delimited
from switchyard.tabular.tables.reading import rows as reading
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.rows import rows_of_frame
from tests.switchyard.serving.cases import ROW, ROWS, make_bundle

HEADER = "customer,at,age,since,owner,job"
LINES = [
    "a,2026-01-01,40,2020-01-01,true,nurse",
    "b,2026-01-02,,,,",
    "c,2026-01-03T10:00:00Z,70.5,2020-09-13T12:26:40Z,no,pilot",
    'd,2026-01-04,18,2021-05-06 07:08:09,1,"smith"',
]
PROBLEM = Problem(name="loans", data={"source": "-", "target": "default", "entity_column": "customer", "time_column": "at"})
ORIGIN = Origin("loans", "7", "sha256:abc", "batch-1")


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def scorer(request, tmp_path_factory):
    folder = make_bundle(tmp_path_factory.mktemp(request.param), request.param)
    return Bundle.read(folder).scorer()


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    folder = make_bundle(tmp_path_factory.mktemp("binary"))
    return Bundle.read(folder).scorer()


def csv(folder, lines=LINES, header=HEADER, name="in.csv"):
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def run(path, scorer, folder, name="out.parquet", extra="drop", problem=PROBLEM, log=None):
    """Check and score the file; the output as a frame, and what was counted."""
    rows = open_rows(path, path.name, "age")
    layout = layout_of(rows, scorer.signature, problem, extra)
    checked = check_table(rows, scorer, layout)
    target = folder / name
    with TableWriter(target, format_of(name)) as writer:
        counts = score_rows(rows, scorer, layout, ORIGIN, writer, checked.rows, log)
    if name.endswith(("parquet", ".pq")):
        return pd.read_parquet(target), checked, counts
    return pd.read_csv(target, sep="\t" if ".tsv" in name else ",", dtype={"label": str, "version": str}), checked, counts


def refused(path, scorer, **options):
    with pytest.raises(InputError) as error:
        run(path, scorer, path.parent, **options)
    return str(error.value)


def test_a_table_gets_the_answers_that_the_service_gives(scorer, tmp_path):
    found, checked, _ = run(csv(tmp_path), scorer, tmp_path)
    sent = {
        "age": [40, None, 70.5, 18], "since": ["2020-01-01", None, 1.6e9, "2021-05-06T07:08:09"],
        "owner": [True, None, False, True], "job": ["nurse", None, "pilot", "smith"],
    }  # fmt: skip
    answer = scorer.score(sent)

    assert checked.rows == 4 and list(found["customer"]) == ["a", "b", "c", "d"]
    for row in range(4):
        must, got = answer_of(answer, row, scorer.signature), found.iloc[row]
        if scorer.signature.classes:
            assert got["label"] == must["label"]
            assert {name: got[f"probability.{name}"] for name in scorer.signature.classes} == pytest.approx(must["probabilities"])
            assert got["confidence"] == pytest.approx(must["probabilities"][must["label"]])
            if scorer.signature.sets is not None:
                held = [got[f"set.{name}"] for name in scorer.signature.classes]
                assert held == answer.members[row].tolist()
                assert got["decision"] == ("answer" if sum(held) == 1 else "review")
        else:
            assert [got["prediction"], got["lower"], got["upper"]] == pytest.approx([must["prediction"], must["lower"], must["upper"]])
    assert list(found["prediction_id"]) == ["batch-1", "batch-1/1", "batch-1/2", "batch-1/3"]
    assert set(found["version"]) == {"7"} and set(found["digest"]) == {"sha256:abc"}


def test_with_an_explainer_contributions_add_up_to_the_answer(scorer, tmp_path):
    path = csv(tmp_path)
    rows = open_rows(path, path.name, "age")
    layout = layout_of(rows, scorer.signature, PROBLEM)
    checked = check_table(rows, scorer, layout, explained=True)
    explainer = Explainer(scorer, [{"row": row} for row in ROWS])
    with TableWriter(tmp_path / "out.parquet", ".parquet") as writer:
        score_rows(rows, scorer, layout, ORIGIN, writer, checked.rows, explainer=explainer)
    found = pd.read_parquet(tmp_path / "out.parquet")
    total = found["explained.base"] + found[[f"contribution.{name}" for name in ROW]].sum(axis=1)

    assert list(found.columns) == [*layout.keys, *output_columns(scorer.signature, explained=True)]
    if scorer.signature.task == "binary":
        assert total.tolist() == pytest.approx(found["probability.yes"].tolist())
    else:
        assert total.tolist() == pytest.approx(found["confidence" if scorer.signature.classes else "prediction"].tolist())


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz", "zip", "semicolon", "utf-16", "windows-1252", "blanks", "mark"])
def test_text_comes_in_many_forms(binary, tmp_path, pack):
    plain, _, _ = run(csv(tmp_path), binary, tmp_path)
    text = csv(tmp_path).read_bytes()
    path = tmp_path / "packed.csv"
    changed = {
        "gz": lambda: gzip.compress(text),
        "bz2": lambda: bz2.compress(text),
        "xz": lambda: lzma.compress(text),
        "semicolon": lambda: text.replace(b",", b";"),
        "utf-16": lambda: text.decode().encode("utf-16"),
        "windows-1252": lambda: text.replace(b"a,2026", b"\xe4,2026"),
        "blanks": lambda: text.replace(b'"', b"").replace(b",", b", "),
        "mark": lambda: b"\xef\xbb\xbf" + text,
    }
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("in.csv", text)
    else:
        path.write_bytes(changed[pack]())
    found, _, _ = run(path, binary, tmp_path)

    assert found.drop(columns="customer").equals(plain.drop(columns="customer"))
    assert found["customer"][0] == ("ä" if pack == "windows-1252" else "a")


def test_parquet_keeps_its_types(binary, tmp_path):
    table = pa.table(
        {
            "customer": pa.array([1, 2, None], pa.int64()),
            "at": pa.array([0, 1, 2], pa.timestamp("ms", "UTC")),
            "age": pa.array([40, None, 70], pa.int32()),
            "since": pa.array([18_262, None, 18_000], pa.date32()),
            "owner": pa.array([True, None, False]),
            "job": pa.array(["nurse", None, "pilot"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    found, checked, _ = run(tmp_path / "in.parquet", binary, tmp_path)
    answer = binary.score(
        {"age": [40, None, 70], "since": ["2020-01-01", None, "2019-04-14"], "owner": [1, None, 0], "job": ["nurse", None, "x"]}
    )

    assert found["probability.yes"].tolist() == pytest.approx(answer.probabilities[:, 1].tolist())
    assert found["customer"].isna().tolist() == [False, False, True]
    assert {column.name: column.missing for column in checked.columns} == {"age": 1, "since": 1, "owner": 1, "job": 1}


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.tsv", "out.pq"])
def test_the_name_says_what_is_written(binary, tmp_path, name):
    found, _, _ = run(csv(tmp_path), binary, tmp_path, name)
    expected, _, _ = run(csv(tmp_path), binary, tmp_path)
    assert list(found.columns) == list(expected.columns) and np.allclose(found["probability.yes"], expected["probability.yes"])
    with pytest.raises(InputError, match=r"\.parquet"):
        format_of("out.xlsx")


def test_chunks_make_no_difference(scorer, tmp_path, monkeypatch):
    lines = [LINES[place % 4] for place in range(1000)]
    whole, _, counted = run(csv(tmp_path, lines), scorer, tmp_path)
    monkeypatch.setattr(reading, "CHUNK", 7)
    monkeypatch.setattr(delimited, "_BLOCK", 4096)
    parts, _, again = run(csv(tmp_path, lines), scorer, tmp_path)

    pd.testing.assert_frame_equal(parts, whole)
    assert again.distribution()["score"] == pytest.approx(counted.distribution()["score"])
    assert len(set(parts["prediction_id"])) == 1000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("70.5", "old"), "in.csv: column 'age', row 3: 'old' is not a number"),
        (("70.5", "inf"), "in.csv: column 'age', row 3: is infinite"),
        (("2020-09-13T12:26:40Z", "someday"), "in.csv: column 'since', row 3: 'someday' is not a moment"),
        (("true", "perhaps"), "in.csv: column 'owner', row 1: 'perhaps' is neither true nor false"),
        (("2026-01-02", "never"), "in.csv: column 'at', row 2: 'never' is not a moment"),
        (("b,2026-01-02,,,,", "b,2026-01-02,,"), "in.csv, line 3: 4 fields where the header has 6"),
        (("job", "jobs"), "in.csv: column 'job' is missing (categorical); did you mean 'job' by 'jobs'?"),
        (
            ("age,since", "Age,sinse"),
            "in.csv: column 'age' is missing (numeric), and so is 'since' (datetime); did you mean 'age' by 'Age' and",
        ),
        (("job", "age"), "in.csv, line 1: 1 column name appears twice: 'age'"),
    ],
)
def test_what_is_wrong_is_named_by_column_and_row(binary, tmp_path, change, said):
    path = csv(tmp_path)
    path.write_text(path.read_text().replace(*change, 1))
    assert said in refused(path, binary)
    assert not (tmp_path / "out.parquet").exists()


def test_the_row_is_counted_over_all_chunks(binary, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 100)
    lines = [LINES[0]] * 5_000
    lines[4_321] = lines[4_321].replace("40", "forty")
    assert "column 'age', row 4,322: 'forty'" in refused(csv(tmp_path, lines), binary)


def test_columns_that_nobody_knows_are_refused_dropped_or_kept(binary, tmp_path):
    path = csv(tmp_path, [f"{line},{number},no" for number, line in enumerate(LINES)], HEADER + ",shoe,default")
    assert "1 column of the table is not the model's ('shoe'); --extra drop" in refused(path, binary, extra="refuse")
    rows = open_rows(path, path.name, "age")
    assert layout_of(rows, binary.signature, PROBLEM).notes[0].startswith("1 column of the table is not the model's ('shoe'): left out")
    kept, _, _ = run(path, binary, tmp_path, extra="keep")
    dropped, _, _ = run(path, binary, tmp_path)
    assert list(kept["shoe"]) == ["0", "1", "2", "3"] and "shoe" not in dropped and "default" not in kept
    clash = csv(tmp_path, [f"{line},x" for line in LINES], HEADER + ",label")
    assert "'label' would be written twice" in refused(clash, binary, extra="keep")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (HEADER.encode() + b"\n", "has a header but no rows"),
        (b"PAR1 and no more", "is not a Parquet file or was cut off"),
        (b"\x1f\x8b\x08 broken", "damaged or incomplete gzip"),
        (b'{"age": 3}', "column 'since' is missing (datetime)"),
        (bytes(range(256)) * 100, "binary"),
    ],
)
def test_what_is_no_table_is_refused(binary, tmp_path, content, said):
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    assert said in refused(path, binary)


def test_the_log_gets_plain_json_with_entity_and_time(binary, tmp_path):
    logged = []
    run(csv(tmp_path), binary, tmp_path, log=logged.append)
    (part,) = logged
    assert part.entity_ids == ["a", "b", "c", "d"] and part.event_times[:3] == [1767225600.0, 1767312000.0, 1767434400.0]
    rows = part.as_rows()
    inputs = rows["inputs"]
    assert inputs["age"] == [40.0, None, 70.5, 18.0] and inputs["owner"] == [True, None, False, True]
    assert inputs["job"] == ["nurse", None, "pilot", "smith"] and inputs["since"][:2] == ["2020-01-01T00:00:00.000000", None]
    assert [sum(row.values()) for row in rows["answers"]["probabilities"]] == pytest.approx([1.0] * 4)
    json.dumps(rows, allow_nan=False)


def test_the_report_says_what_differs_from_training(binary, tmp_path):
    lines = ["a,2026-01-01,200,,yes,pilot"] * 100
    _, checked, counts = run(csv(tmp_path, lines), binary, tmp_path)
    edges, shares = counts.histogram()
    scored = Scored(
        model="loans", version="7", digest="d", source="in.csv", content="c", request_id="batch-1", rows=checked.rows, logged=0,
        columns=checked.columns, distribution=counts.distribution(), edges=edges, shares=shares,
    )  # fmt: skip
    report = report_on(scored)
    assert [finding.split(":")[0] for finding in report.findings] == ["age", "since", "job", "no row was answered 'no'"]
    assert scored.distribution["labels"] == {"no": 0, "yes": 100} and sum(shares) == pytest.approx(1)
    assert "outside the range" in report.html() and "<script" not in report.html()


def test_frames_are_scored_as_files_are(binary, tmp_path):
    rows = rows_of_frame(pd.read_csv(csv(tmp_path), dtype=str), "builtin:x")
    layout = layout_of(rows, binary.signature, PROBLEM)
    assert check_table(rows, binary, layout).rows == 4


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.csv.gz", "out.parquet"])
def test_a_text_is_no_formula_in_a_spreadsheet_and_a_number_stays_a_number(tmp_path, name):
    texts = ["=1+1", "@cmd", "-2+3|x", "-2.5", "+1e3", "a=b", None]
    target = tmp_path / name
    with TableWriter(target, format_of(name)) as writer:
        writer.write({"=name": texts, "number": [-1.0, 2, 3, 4, 5, 6, 7]})
        writer.write({"=name": pa.array(["=2"]).dictionary_encode().cast("string"), "number": [8.0]})
    if name.endswith("parquet"):
        assert pd.read_parquet(target)["=name"].tolist() == [*texts, "=2"]
        return
    found = pd.read_csv(target, sep="\t" if "tsv" in name else ",", dtype={"'=name": str})
    assert found["'=name"].tolist()[:6] == ["'=1+1", "'@cmd", "'-2+3|x", "-2.5", "+1e3", "a=b"] and found["'=name"][7] == "'=2"
    assert found["number"].tolist() == [-1, 2, 3, 4, 5, 6, 7, 8]


def test_a_long_scoring_says_how_far_it_is_and_how_long_the_rest_takes(binary, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(reading, "CHUNK", 10)
    clock = iter(range(0, 10_000, 6))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO"):
        run(csv(tmp_path, LINES * 10), binary, tmp_path)

    assert "scored 10 of 40 (25%) rows, 1.7 a second, about 18 s left" in caplog.messages
    assert caplog.messages[0] == "checked 10 rows, 1.7 a second"
