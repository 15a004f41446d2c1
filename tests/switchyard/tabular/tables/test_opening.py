"""One reader: what it gives in parts is what training gets whole, and what it refuses it refuses everywhere."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading import delimited
from switchyard.tabular.tables.reading.opening import open_rows
from tests.switchyard.tabular.tables.reading import read, sample


def in_parts(path: Path, *wanted: str) -> pd.DataFrame:
    """The table as scoring reads it, put together."""
    parts = [pd.DataFrame({name: column.to_pylist() for name, column in part.columns.items()}) for part in _open(path, *wanted).chunks()]
    return pd.concat(parts, ignore_index=True)


def _open(path, *wanted):
    return open_rows(path, str(path), wanted or ("y",))


def _write(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz", "t.parquet"])
def test_the_parts_are_the_whole(tmp_path, name):
    frame, path = sample(), tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if "tsv" in name else ",")

    whole, parts = read(path).frame, in_parts(path)

    assert list(parts.columns) == list(whole.columns)
    assert all(parts[column].tolist() == whole[column].tolist() for column in parts)


def test_blocks_may_end_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 64)
    text = "stadt,note,y\n" + "".join(f'Köln{i},"a, ""b""\nc",{i}\n' for i in range(200))
    plain, packed = _write(tmp_path, text), _write(tmp_path, gzip.compress(text.encode()), "t.csv.gz")

    for path in (plain, packed, _write(tmp_path, text.encode("utf-16"), "16.csv"), _write(tmp_path, text.encode("cp1252"), "1252.csv")):
        found = in_parts(path)
        assert found["stadt"].tolist() == [f"Köln{i}" for i in range(200)], path
        assert set(found["note"]) == {'a, "b"\nc'}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,y\n" + "1,2,3\n" * 30 + "1,2\n", "line 32: 2 fields where the header has 3"),
        ("a,b,y\n" + "1,2,3\n" * 30 + '1,2,"3\n1,2,3\n', "line 32: a quote is opened and never closed"),
        (b"a,y\n" + b"1,2\n" * 40 + b"1,\x00\n", "zero byte on line 42"),
        (b"a,y\n" + b"\x81\x8d,1\n" * 30, "neither UTF-8 nor Windows-1252: byte 0x81 on line 2"),
        (gzip.compress(b"a,y\n1,2\n" * 99, mtime=0)[:-10], "damaged or incomplete gzip"),
        (gzip.compress(gzip.compress(b"a,y\n1,2\n", mtime=0), mtime=0), "packed twice"),
        (b"PAR1" + b"rubbish" * 20 + b"PAR1", "damaged Parquet"),
        ("x\n1\n2\n", "has one column, 'x', and no column 'y'"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_training_and_scoring_refuse_with_the_same_words(tmp_path, content, message):
    path = _write(tmp_path, content)

    with pytest.raises(InputError) as trained:
        read(path)
    with pytest.raises(InputError) as scored:
        in_parts(path)

    assert message in str(trained.value) and str(trained.value) == str(scored.value)


def test_a_row_that_goes_beyond_a_nameless_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_BLOCK", 1024)
    path = _write(tmp_path, "a,y,\n" + "1,2,\n" * 1000 + "1,2,3\n")

    for reading in (read, in_parts):
        with pytest.raises(InputError, match=r"column 3 has no name in the header, though some rows have a value there \('3'\)"):
            reading(path)


class TestStoredIndex:
    @pytest.mark.parametrize("order", [range(60), [*range(30, 60), *range(30)], range(0, 120, 2)], ids=["counter", "shuffled", "filtered"])
    @pytest.mark.parametrize("name", ["csv", "unnamed.csv", "parquet"])
    def test_the_index_of_pandas_is_left_out_with_a_note(self, tmp_path, order, name):
        frame, path = sample().set_index(pd.Index(list(order))), tmp_path / name
        if name == "parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index_label="Unnamed: 0" if "unnamed" in name else None)

        raw, rows = read(path), _open(path)

        assert list(raw.frame.columns) == list(rows.names) == list(sample().columns)
        assert raw.notes == rows.notes
        # A range is in a Parquet file's metadata and no column of it.
        assert any("is left out" in note for note in raw.notes) or (name == "parquet" and isinstance(order, range))

    def test_a_column_that_is_asked_for_stays(self, tmp_path):
        sample().to_csv(tmp_path / "t.csv", index_label="Unnamed: 0")

        assert "Unnamed: 0" in read(tmp_path / "t.csv", columns={"Unnamed: 0": {"kind": "numeric"}}).frame
        assert "Unnamed: 0" in _open(tmp_path / "t.csv", "y", "Unnamed: 0").names

    def test_a_column_that_pandas_named_and_that_holds_words_stays(self, tmp_path):
        text = "v1,y,Unnamed: 2\n" + "".join(f"x{i},{i % 2},{'' if i % 9 else 'more'}\n" for i in range(60))

        assert list(read(_write(tmp_path, text)).frame.columns) == ["v1", "y", "Unnamed: 2"]
