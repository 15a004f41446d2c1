"""One table in many dresses, each read by the same code in training and in scoring; what is no table says what it is."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading import jsontext
from switchyard.tabular.tables.reading.opening import open_rows
from tests.switchyard.tabular.tables.reading import load, read, sample

SHARED = Path(__file__).resolve().parents[5] / "shared" / "tables"
FRAME = sample().drop(columns="seen")
CSV = FRAME.to_csv(index=False)
NAMES = list(FRAME.columns)


def _semicolons(text: str) -> str:
    return text.replace(",", ";")


TEXTS = {
    "sep": "sep=;\n" + _semicolons(CSV),
    "sep in quotes, Windows line ends": ('"sep=;"\n' + _semicolons(CSV)).replace("\n", "\r\n"),
    "sep of a tab": "SEP=\t\n" + CSV.replace(",", "\t"),
    "titles, padded": "Customer export;;;\nprinted 2026-02-03;;;\n\n" + _semicolons(CSV),
    "title": "Customer export\n\n" + CSV,
    "title with a delimiter": "Customer export, printed 2026-02-03\n" + CSV,
    "comments": "# exported by shop 4.2\n# rows: 60, more or less\n" + CSV,
    "comments below, too": "# exported\n" + CSV.replace("\n", "\n# in the middle, of all\n", 3) + "# the end\n",
    "a delimiter at line ends": CSV.replace("\n", ",\n"),
    "a delimiter at the ends of rows": CSV.replace("\n", ",\n").replace(",\n", "\n", 1),
}


# Only a name tells a title with a delimiter from a header.
NAMELESS = [(name, "misspelt") for name in TEXTS if name != "title with a delimiter"]


@pytest.mark.parametrize(("name", "wanted"), [*((name, "y") for name in TEXTS), *NAMELESS])
def test_what_spreadsheets_and_exports_add_is_no_part_of_the_table(tmp_path, name, wanted):
    path = tmp_path / "t.csv"
    path.write_text(TEXTS[name], newline="")

    frame, rows = read(path, wanted).frame, open_rows(path, "t.csv", wanted)

    assert list(frame.columns) == list(rows.names) == NAMES
    assert len(frame) == sum(part.size for part in rows.chunks()) == 60
    assert frame["size"].astype(float).tolist() == FRAME["size"].tolist() and set(frame["y"]) == {"yes", "no"}


def test_what_stands_above_the_header_is_told(tmp_path):
    (tmp_path / "t.csv").write_text(TEXTS["titles, padded"])

    assert "the header is on line 4; what stands above it is left out ('Customer export', ...)" in read(tmp_path / "t.csv").notes


def test_a_header_that_begins_with_a_hash_is_a_header(tmp_path):
    (tmp_path / "t.csv").write_text("#" + CSV)

    assert list(read(tmp_path / "t.csv").frame.columns) == ["#size", *NAMES[1:]]


def _records(path: Path, **options) -> None:
    FRAME.to_json(path, orient="records", **options)


WRITERS = {
    "lines.jsonl": lambda path: _records(path, lines=True),
    "list.json": _records,
    "pretty.json": lambda path: _records(path, indent=2),
    "marked.json": lambda path: path.write_bytes(b"\xef\xbb\xbf" + FRAME.to_json(orient="records").encode()),
    "lines.jsonl.gz": lambda path: path.write_bytes(gzip.compress(FRAME.to_json(orient="records", lines=True).encode())),
    "t.feather": FRAME.to_feather,
    "compressed.arrow": lambda path: pa.feather.write_feather(pa.Table.from_pandas(FRAME), path, compression="zstd"),
    "t.arrows": lambda path: _stream(path),
    "packed.feather.gz": lambda path: (FRAME.to_feather(path), path.write_bytes(gzip.compress(path.read_bytes()))),
    "parts": lambda path: FRAME.to_parquet(path, partition_cols=["colour"]),
    "plain-parts": lambda path: _parts(path),
}


def _stream(path: Path) -> None:
    table = pa.Table.from_pandas(FRAME)
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)


def _parts(folder: Path) -> None:
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for number in range(3):
        FRAME.iloc[number * 20 : number * 20 + 20].to_parquet(folder / f"part-{number}.parquet", index=False)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_holds_the_same_table(tmp_path, name):
    (tmp_path / "t.csv").write_text(CSV)
    WRITERS[name](tmp_path / name)

    table, rows = load(tmp_path / name).table, open_rows(tmp_path / name, name, "y")

    plain = load(tmp_path / "t.csv").table.frame.sort_values(["size"]).reset_index(drop=True)
    assert table.frame.sort_values(["size"]).reset_index(drop=True)[NAMES].equals(plain)
    assert set(rows.names) == set(NAMES) and sum(part.size for part in rows.chunks()) == 60


def test_json_is_read_in_blocks_of_which_each_may_know_other_keys(tmp_path, monkeypatch):
    monkeypatch.setattr(jsontext, "_BLOCK", 256)
    rows = [{"a": row if row < 40 else row + 0.5, "text": f'[{{"{row}\n', "y": row % 2} for row in range(80)]
    rows += [{"late": "2026-01-01 10:00:00", "y": 1}, {"late": "never", "a": None, "y": 0}]
    (tmp_path / "t.json").write_text(json.dumps(rows, indent=1))
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    for name in ("t.json", "t.jsonl"):
        frame = read(tmp_path / name).frame
        assert list(frame.columns) == ["a", "text", "y", "late"] and len(frame) == 82
        assert frame["a"].tolist()[:80] == [row["a"] for row in rows[:80]] and frame["text"][7] == '[{"7\n'
        assert frame["late"].tolist()[80:] == ["2026-01-01 10:00:00", "never"]


def test_a_json_column_of_several_kinds_is_one_of_text(tmp_path):
    rows = [{"a": ("?" if row % 9 == 0 else row), "y": row % 2} for row in range(60)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert read(tmp_path / "t.jsonl").frame["a"].tolist() == [str(row["a"]) for row in rows]


def test_a_pattern_names_files_of_the_same_columns(tmp_path):
    for number in range(3):
        FRAME.iloc[number * 20 : number * 20 + 20][NAMES if number else NAMES[::-1]].to_csv(tmp_path / f"s{number}.csv", index=False)

    raw = read(tmp_path / "s*.csv")

    assert raw.frame["size"].astype(float).tolist() == FRAME["size"].tolist() and raw.source.endswith("s*.csv")
    assert raw.revision == read(tmp_path / "s?.csv").revision != read(tmp_path / "s[01].csv").revision
    (tmp_path / "s3.csv").write_text("size,color,open,y\n1,2,3,4\n")
    with pytest.raises(InputError, match=r"s3\.csv: its columns are not those of \S*s0\.csv: 'colour' is missing; did you mean 'color'"):
        read(tmp_path / "s*.csv")
    with pytest.raises(InputError, match="no file fits this pattern"):
        read(tmp_path / "t*.csv")


def test_parts_whose_types_differ_have_a_common_one_or_are_named(tmp_path):
    for name, values in (("a", [1, 2]), ("b", [1.5, None]), ("c", [None, None])):
        pd.DataFrame({"x": values, "y": [0, 1]}).to_parquet(tmp_path / f"{name}.parquet")

    assert read(tmp_path).frame["x"].tolist()[:3] == [1.0, 2.0, 1.5]
    pd.DataFrame({"x": ["many", "few"], "y": [0, 1]}).to_parquet(tmp_path / "d.parquet")
    with pytest.raises(InputError, match=r"d\.parquet: its columns have other types than in the files before"):
        read(tmp_path)


def test_a_folder_that_keeps_older_versions_is_no_table(tmp_path):
    WRITERS["parts"](tmp_path / "t")
    (tmp_path / "t" / "_delta_log").mkdir()

    with pytest.raises(InputError, match="is a Delta table, whose folder holds rows of older versions too"):
        read(tmp_path / "t")


def test_what_lies_beside_the_parts_and_is_not_read_is_said(tmp_path):
    WRITERS["parts"](tmp_path / "t")
    (tmp_path / "t" / "_SUCCESS").touch()
    assert not any("not read" in note for note in read(tmp_path / "t").notes)
    FRAME.to_csv(tmp_path / "t" / "late.csv")
    assert "'late.csv' in this folder is not read: its table is its Parquet files" in read(tmp_path / "t").notes
    (tmp_path / "t" / "more").mkdir()
    assert "'late.csv' and 1 other in this folder are not read: its table is its Parquet files" in read(tmp_path / "t").notes


def test_parts_are_limited_together(tmp_path):
    for number in range(3):
        pd.DataFrame({"a": range(60_000), "y": [0.5] * 60_000}).to_parquet(tmp_path / f"{number}.parquet")

    assert len(read(tmp_path / "0.parquet", max_unpacked_mb=2).frame) == 60_000
    with pytest.raises(InputError, match="more than 2 MB when unpacked"):
        read(tmp_path, max_unpacked_mb=2)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b'[{"a": 1}, {"a": 2', "t.json", "was it cut off?"),
        (b'{"a": 1}\n{"a": \n', "t.json", "row 2 is no JSON object"),
        (b'{"a": {"0": 1, "1": 2}, "y": {"0": 1, "1": 0}}', "t.json", "is JSON, but no table; a table is a list of objects"),
        (b"[]", "t.json", "has no rows"),
        (b"ARROW1\0\0 and no more", "t.feather", "damaged or incomplete Arrow file"),
        (b"FEA1....", "t.feather", "Feather file of version 1; write it again"),
        (b"%PDF-1.7", "t.csv", "is a PDF document"),
        (b"ORC\x0a\x03\x00", "t.orc", "is an ORC file"),
        (b"\0" * 8 + b"DUCK" + b"\0" * 90, "t.db", "is a DuckDB database"),
        (b"\0" * 12 + b"\xc2\xea\x81\x60" + b"\0" * 90, "t.sas7bdat", "is a SAS file"),
        (b"\x72\x02\x01\x00\x08\x00" + b"\0" * 90, "t.dta", "is a Stata file"),
        (b'<table border="1"><tr><th>a</th></tr></table>', "t.xls", "is a web page or XML"),
        (b"\x80\x04\x95....", "t.pkl", "is a Python pickle, which may run code"),
        (b"\x89HDF\r\n", "t.h5", "is an HDF5 file; write the table as Parquet"),
    ],
)
def test_what_is_no_table_says_what_it_is(tmp_path, content, name, message):
    (tmp_path / name).write_bytes(content)

    for reading in (read, lambda path: list(open_rows(path, name, "y").chunks())):
        with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
            reading(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_folders_and_databases_say_the_way_out(tmp_path):
    (tmp_path / "inner").mkdir()
    with sqlite3.connect(tmp_path / "inner" / "shop.db") as connection:
        FRAME.to_sql("t", connection)

    with pytest.raises(InputError, match="is a folder; it holds folders only"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"is a folder; name a file in it, for example \S*shop\.db"):
        read(tmp_path / "inner")
    with pytest.raises(InputError, match="is an SQLite database; give sqlite:///PATH"):
        read(tmp_path / "inner" / "shop.db")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/tables")
@pytest.mark.parametrize("name", ["sepline.csv", "titled.csv", "commented.csv", "pretty.json", "lines.jsonl", "shop.feather", "parts"])
def test_shared_tables_have_their_600_rows(name):
    rows = open_rows(SHARED / name, name, "back")

    assert sum(part.size for part in rows.chunks()) == len(read(SHARED / name, "back").frame) == 600
    assert set(rows.names) == {"spend", "visits", "region", "age", "back"}


def test_text_that_is_spelt_as_a_formula_is_that_text(tmp_path):
    rows = [f'="0{row % 7}0",="{row / 8:.3f}",="",{row % 2}' for row in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["code,size,note,y", *rows]))
    raw = read(tmp_path / "t.csv")

    assert raw.frame["code"][1] == "010" and raw.frame["size"][1] == "0.125" and raw.frame["note"].isna().all()
    assert 'values written as formulas of text (="007") are read as that text' in raw.notes
