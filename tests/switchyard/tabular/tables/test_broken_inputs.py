"""What users really bring: each a clear error or a sound table, never a traceback.

`test_random_damage` goes beyond the list: whatever bytes come, only an `InputError` may come out.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.table import digest_frame
from tests.switchyard.tabular.tables.reading import load, load_frame, read, sample

ROOT = Path(__file__).resolve().parents[4]


def _rows(header: str, row: str, count: int = 40) -> str:
    """A CSV whose rows are `row` with {i} filled in."""
    return header + "\n" + "".join(row.format(i=i, yes=("no", "yes")[i % 3 == 0]) + "\n" for i in range(count))


def _error(source: Path | str, target: str = "y", **settings) -> str:
    with pytest.raises(InputError) as caught:
        load(source, target, **settings)
    message = str(caught.value)
    assert "\n" not in message and "Traceback" not in message
    return message


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


class TestEncodings:
    TEXT = _rows("stadt,größe,y", "Köln{i},{i},{yes}")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    def test_marked_encodings_need_no_word(self, write, encoding):
        table, _, notes = load(write(self.TEXT.encode(encoding)))

        assert list(table.frame.columns) == ["stadt", "größe", "y"]
        assert table.frame["stadt"][0] == "Köln0"
        assert not any("read as" in note for note in notes)

    def test_windows_1252_is_read_with_a_note(self, write):
        table, _, notes = load(write(self.TEXT.encode("windows-1252")))

        assert table.frame["stadt"][0] == "Köln0"
        assert any("Windows-1252" in note and "line 1" in note for note in notes)

    def test_the_config_can_name_the_encoding(self, write):
        text = "город,y\n" + "".join(f"Омск{i % 3},{i % 2}\n" for i in range(40))

        table = load(write(text, "a.csv"), data={"encoding": "utf-8"}).table
        russian = load(write(text.encode("windows-1251"), "b.csv"), data={"encoding": "cp1251"}).table

        assert digest_frame(table.frame) == digest_frame(russian.frame)

    def test_wrong_and_unknown_encodings_are_named(self, write):
        path = write(self.TEXT.encode("windows-1252"))

        assert "not utf-8" in _error(path, data={"encoding": "utf-8"})
        assert "did you mean 'utf-8'" in _error(path, data={"encoding": "utf8x"})
        assert "data.encoding" in _error(write(b"a,y\n" + b"\x81\x8d,1\n" * 30))


class TestShape:
    def test_ragged_rows_name_their_line(self, write):
        text = _rows("a,b,y", "{i},2,{yes}").splitlines()
        text[16] = "1,2,3,yes"
        text[30] = "1,yes"

        message = _error(write("\n".join(text)))

        assert "line 17: 4 fields where the header has 3 (1 more such row)" in message

    def test_lines_are_counted_as_editors_count_them(self, write):
        text = 'a,b,y\n"two\nlines",1,no\n' + "x,1,yes\n" * 30 + "x,1\n"

        assert "line 34: 2 fields" in _error(write(text))

    def test_an_open_quote_names_its_line(self, write):
        text = _rows("a,b,y", "{i},z,{yes}").splitlines()
        text[20] = '1,2,"yes'

        assert "line 21: a quote is opened and never closed" in _error(write("\n".join(text)))

    def test_duplicate_names(self, write):
        message = _error(write(_rows("a,b,a ,y", "{i},1,2,{yes}")))

        assert "'a'" in message and "columns 1 and 3" in message

    def test_wrong_delimiter(self, write):
        semicolons = write(_rows("a;b;y", "{i};2;{yes}"))

        assert load(semicolons).table.frame.shape == (40, 3)
        assert "separated by a semicolon" in _error(semicolons, data={"delimiter": ","})
        assert "set data.delimiter" in _error(write(_rows("a^b^y", "{i}^2^{yes}"), "other.csv"))
        assert load(write(_rows("a^b^y", "{i}^2^{yes}"), "other.csv"), data={"delimiter": "^"}).table.frame.shape == (40, 3)
        assert "one character" in _error(semicolons, data={"delimiter": "||"})

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters_are_found_even_where_text_holds_others(self, write, delimiter):
        text = _rows(f"name{delimiter}b{delimiter}y", f'"x; y, z | {{i}}"{delimiter}1{delimiter}{{yes}}')

        assert list(load(write(text)).table.frame.columns) == ["name", "b", "y"]

    def test_blanks_around_names_and_after_delimiters_are_told(self, write):
        table, _, notes = load(write(_rows("a , b, y", "x{i}, left, {yes}")))

        assert list(table.frame.columns) == ["a", "b", "y"]
        assert set(table.frame["b"]) == {"left"}
        assert any("'a' (was 'a ')" in note for note in notes) and any("blank after its delimiter" in note for note in notes)

    def test_columns_without_a_name(self, write):
        counter = load(write(_rows(",b,y", "{i},2,{yes}")))
        trailing = load(write(_rows("a,y,", "{i},{yes},")))

        assert list(counter.table.frame.columns) == ["b", "y"] and "only numbers the rows" in counter.notes[0]
        assert list(trailing.table.frame.columns) == ["a", "y"]
        assert "column 1 has no name" in _error(write(_rows(",b,y", "v{i},2,{yes}")))

    def test_no_header(self, write):
        message = _error(write("".join(f"{i},2.5,3\n" for i in range(40))))

        assert "does the file lack its header line?" in message

    def test_unicode_headers(self, write):
        table = load(write(_rows("größe (m²),цена,目标 😀", "{i},1,{yes}")), "目标 😀").table

        assert list(table.frame.columns) == ["größe (m²)", "цена", "目标 😀"]


class TestNoTable:
    def test_empty_and_header_only(self, write):
        assert "is empty" in _error(write(""))
        assert "is empty" in _error(write("\n \n"))
        assert "is empty" in _error(write(",,,\n,,,\n"))
        assert "header but no rows" in _error(write("a,b,y\n"))
        assert "header but no rows" in _error(write("a,b,y\n\n  \n"))
        assert "not a Parquet file" in _error(write("", "t.parquet"))

    def test_missing_file_and_folder(self, write, tmp_path):
        write("x", "customers.csv")

        assert "did you mean 'customers.csv'" in _error(tmp_path / "custmers.csv")
        assert "nor does its folder" in _error(tmp_path / "absent" / "t.csv")
        assert "is a folder" in _error(tmp_path)
        assert "part of the path is a file" in _error(tmp_path / "customers.csv" / "t.csv")

    def test_unreadable(self, write, tmp_path):
        # Root reads what it may not, but nobody reads the start of their own memory.
        assert "cannot be read" in _error("/proc/self/mem")
        os.mkfifo(tmp_path / "pipe.csv")
        assert "no regular file" in _error(tmp_path / "pipe.csv")
        if os.geteuid() != 0:
            path = write("a,y\n")
            path.chmod(0)
            assert "may not be read" in _error(path)

    @pytest.mark.parametrize(
        ("content", "name", "message"),
        [
            (bytes(range(256)) * 40, "t.csv", "binary"),
            (b"a,y\n" + b"1,2\n" * 40 + b"1,\x00\n", "t.csv", "zero byte on line 42"),
            (b"PAR1 and then nothing", "t.parquet", "not a Parquet file"),
            (b"a,b\n1,2\n", "t.parquet", "not a Parquet file"),
            (b"PAR1" + b"rubbish" * 20 + b"PAR1", "t.parquet", "damaged Parquet"),
            (b"<!DOCTYPE html><html>", "t.csv", "web page"),
            (b'[{"a": 1}]', "t.csv", "target 'y' is not a column"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "t.csv", "git lfs pull"),
            (b"a,y\n1,2\n", "t.csv.gz", "not a gzip file"),
            (gzip.compress(b"a,y\n1,2\n" * 99, mtime=0)[:-10], "t.csv.gz", "damaged or incomplete gzip"),
            (gzip.compress(gzip.compress(b"a,y\n1,2\n", mtime=0), mtime=0), "t.csv.gz", "packed twice"),
            (b"PK\x03\x04 no zip", "t.zip", "damaged or incomplete zip"),
            (b"\xfd7zXZ\x00 no xz", "t.xz", "damaged or incomplete xz"),
            (b"\x28\xb5\x2f\xfd no zstandard", "t.zst", "damaged or incomplete zstandard"),
        ],
    )
    def test_other_content(self, write, content, name, message):
        assert message in _error(write(content, name))

    def test_archives_of_several_files(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            archive.writestr("a.csv", "a,y\n")
            archive.writestr("b.csv", "a,y\n")

        assert "holds 2 files: a.csv, b.csv" in _error(tmp_path / "t.zip")

    def test_too_large_when_unpacked(self, write):
        line = b"1,2,3,4,5,6,7,8\n"
        bomb = write(gzip.compress(b"a,b,c,d,e,f,g,y\n" + line * (1 << 18)), "bomb.csv.gz")

        assert "more than 2 MB when unpacked; raise data.max_unpacked_mb" in _error(bomb, data={"max_unpacked_mb": 2})
        assert len(read(bomb).frame) == 1 << 18

    def test_a_bomb_does_not_fill_the_memory(self, write):
        bomb = write(gzip.compress(b"a,y\n" + b"1,2\n" * (64 << 20), 1), "bomb.csv.gz")
        program = (
            "import resource, json\n"
            "from switchyard.tabular.tables.reading.sources import read_source\n"
            "from switchyard.tabular.config.problem import Data\n"
            "from switchyard.tabular.errors import InputError\n"
            "import pyarrow.csv\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            f"try:\n    read_source(Data(source={str(bomb)!r}, target='y', max_unpacked_mb=16))\n"
            "except InputError as error:\n"
            "    print(json.dumps([str(error), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))\n"
        )

        run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)

        message, grown_kb = json.loads(run.stdout)
        assert "too large" in message
        assert grown_kb < 100 << 10

    def test_a_parquet_bomb(self, tmp_path):
        pd.DataFrame({"a": np.zeros(4_000_000, "int8"), "y": np.zeros(4_000_000, "int8")}).to_parquet(tmp_path / "t.parquet")
        assert (tmp_path / "t.parquet").stat().st_size < 100_000

        assert "too large" in _error(tmp_path / "t.parquet", data={"max_unpacked_mb": 4})


class TestColumns:
    def test_all_missing_and_constant(self):
        frame = sample().assign(nothing=None, same="x", one=1)

        schema = load_frame(frame).table.schema

        assert (schema["nothing"].kind, schema["nothing"].missing) == ("numeric", 1.0)
        assert (schema["same"].kind, schema["same"].unique) == ("categorical", 1)
        assert schema["one"].unique == 1

    def test_infinite_values_count_as_missing(self, write):
        text = _rows("a,b,y", "{i}.5,{i},{yes}").splitlines()
        text[3], text[9] = "inf,1,yes", "-Infinity,1e999,no"

        table, _, notes = load(write("\n".join(text)))

        assert np.isfinite(table.frame["a"].dropna()).all() and table.frame["a"].isna().sum() == 2
        assert any("'a': 2 infinite values" in note and "rows 3, 9" in note for note in notes)
        assert any("'b': 1 infinite values" in note for note in notes)

    def test_integers_beyond_64_bits(self, write, tmp_path):
        text = _rows("account,code,amount,y", "98765432109876543210{i:03d},9999999999999999999{i},1,{yes}")
        frame = sample().assign(
            account=[2**70 + row for row in range(60)],
            code=[2**65 + row % 2 for row in range(60)],
            amount=[row * 10**20 + row % 7 for row in range(60)],
        )

        schema = load(write(text)).table.schema
        table, _, _ = load_frame(frame, data={"columns": {"amount": {"kind": "numeric"}}})

        assert (schema["account"].kind, schema["account"].role) == ("categorical", "id")
        assert table.schema["account"].role == "id" and table.frame["account"][1] == str(2**70 + 1)
        assert (table.schema["code"].kind, table.schema["code"].unique) == ("categorical", 2)
        assert table.frame["amount"][3] == 3e20

    def test_mixed_types(self, write):
        few = [f"{i}" for i in range(400)]
        few[7] = "n.s."
        half = [(f"x{i % 5}" if i % 2 else str(i % 9)) for i in range(400)]
        marks = [("?" if i % 3 == 0 else i * 7 % 300) for i in range(400)]
        frame = pd.DataFrame({"few": few, "half": half, "marks": marks, "y": [i % 2 for i in range(400)]})

        table, _, notes = load_frame(frame)

        assert table.schema["few"].kind == "numeric"
        assert any("'few': 1 of 400 values are no numbers and count as missing ('n.s.', row 8)" in note for note in notes)
        assert table.schema["marks"].kind == "numeric" and table.frame["marks"].isna().sum() == 134
        assert table.schema["half"].kind == "categorical" and table.frame["half"].isna().sum() == 0
        assert any("'half' is mixed, 50% numbers" in note for note in notes)

    def test_dates_out_of_range(self, write):
        text = _rows("seen,b,y", "2025-01-{d},{{i}},{{yes}}".format(d="11")).splitlines()
        text[2], text[3] = "9999-12-31,1,yes", "2025-02-30,1,no"

        table, _, notes = load(write("\n".join(text)))

        assert table.schema["seen"].kind == "datetime"
        assert table.frame["seen"].isna().sum() == 2
        assert any("'seen': 2 dates are impossible or outside" in note and "rows 2, 3" in note for note in notes)
        assert "a split by time needs every date" in _error(write("\n".join(text)), data={"time_column": "seen"})

    def test_id_like_categories(self):
        frame = sample(200).assign(token=[f"{row:04x}-{row * 7919 % 1000}" for row in range(200)], rank=range(200))
        frame.insert(0, "n", range(1, 201))

        schema = load_frame(frame).table.schema

        assert schema["token"].role == "id" and "200 different values in 200 rows" in schema["token"].reason
        assert schema["n"].role == "id" and "numbers the rows" in schema["n"].reason
        assert schema["rank"].role == "feature"


class TestTarget:
    def test_unknown_target(self, write):
        path = write(_rows("Churned,b,z", "{yes},{i},1"))

        assert "target 'churnd' is not a column" in _error(path, "churnd") and "did you mean 'Churned'" in _error(path, "churnd")

    def test_one_row_one_class_and_too_many(self):
        assert "1 row with a value" in self._error(sample().head(1))
        assert "one class, 'no', in all 60" in self._error(sample().assign(y="no"))
        assert "is 3 in every row" in self._error(sample().assign(y=3.0), task="regression")
        assert "too many for classes" in self._error(sample().assign(y=[f"name {row}" for row in range(60)]))
        assert "is empty in all 60 rows" in self._error(sample().assign(y=None))

    def test_missing_labels_are_set_aside(self):
        frame = sample()
        frame.loc[[3, 5, 9], "y"] = None

        table, _, notes = load_frame(frame)

        assert len(table.frame) == 57 and table.frame["y"].notna().all()
        assert "3 of 60 rows have no value of target 'y' and are set aside" in notes

    def test_a_regression_with_words_in_it(self):
        values = [str(row * 1.5) for row in range(300)]
        values[4] = "unknown"

        table, problem, notes = load_frame(sample(300).assign(y=values))

        assert (problem.task, len(table.frame)) == ("regression", 299)
        assert any("row 5" in note for note in notes)
        assert "too many for a regression" in self._error(sample(300).assign(y=["a", "b", "1"] * 100), task="regression")

    def _error(self, frame, **settings):
        with pytest.raises(InputError) as caught:
            load_frame(frame, **settings)
        return str(caught.value)


@pytest.mark.parametrize("seed", range(8))
def test_random_damage(seed, tmp_path):
    rng = np.random.default_rng(seed)
    whole = [
        sample().to_csv(index=False).encode(),
        gzip.compress(sample().to_csv(index=False).encode()),
        sample().to_csv(index=False, sep=";").encode("utf-16"),
        _parquet(tmp_path),
    ]
    for content in whole:
        for _ in range(6):
            damaged = bytearray(content)
            for place in rng.integers(0, len(damaged), 4):
                damaged[place] = rng.integers(256)
            if rng.random() < 0.5:
                damaged = damaged[: rng.integers(len(damaged))]
            path = tmp_path / "table.bin"
            path.write_bytes(bytes(damaged))
            try:
                table = load(path).table
            except InputError as error:
                assert "\n" not in str(error)
            else:
                assert len(table.frame) >= 20


def _parquet(folder: Path) -> bytes:
    sample().to_parquet(folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()
