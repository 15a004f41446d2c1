"""Every kind of source delivers the same table, with a label free of secrets and a revision of the content."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import http.server
import lzma
import sqlite3
import threading
import zipfile
from functools import partial
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from switchyard.tabular.config.problem import Data
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from tests.switchyard.tabular.tables.reading import load, problem, read, sample

CSV = sample().to_csv(index=False).encode()


def _zip(content: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)


PACKERS = {
    "csv": lambda content, path: path.write_bytes(content),
    "csv.gz": lambda content, path: path.write_bytes(gzip.compress(content)),
    "csv.bz2": lambda content, path: path.write_bytes(bz2.compress(content)),
    "csv.xz": lambda content, path: path.write_bytes(lzma.compress(content)),
    "csv.zst": lambda content, path: path.write_bytes(pa.Codec("zstd").compress(content, asbytes=True)),
    "zip": _zip,
    "gz named dat": lambda content, path: path.write_bytes(gzip.compress(content)),
}


@pytest.mark.parametrize("packing", PACKERS)
def test_a_packed_file_holds_the_same_table(packing, tmp_path):
    path = tmp_path / ("table.dat" if " " in packing else f"table.{packing}")
    PACKERS[packing](CSV, path)

    raw = read(path)

    assert list(raw.frame.columns) == ["size", "colour", "seen", "open", "y"]
    assert raw.frame["size"].astype(float).tolist() == sample()["size"].tolist()
    assert raw.revision == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert raw.notes == ()


def test_csv_tsv_parquet_sql_and_memory_agree(tmp_path):
    frame = sample()
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress((tmp_path / "t.parquet").read_bytes()))
    with sqlite3.connect(tmp_path / "t.db") as connection:
        frame.astype({"seen": str}).to_sql("t", connection, index=False)
    with fsspec.open("memory://folder/t.csv", "wb") as stream:
        stream.write(CSV)

    tables = [load(tmp_path / name).table for name in ("t.csv", "t.tsv", "t.parquet", "t.parquet.gz")]
    tables.append(load("memory://folder/t.csv").table)
    tables.append(load(f"sqlite:///{tmp_path}/t.db", data={"query": "SELECT * FROM t"}).table)

    first = tables[0]
    assert {column.name: column.kind for column in first.schema.columns} == {
        "size": "numeric",
        "colour": "categorical",
        "seen": "datetime",
        "open": "boolean",
        "y": "categorical",
    }
    for table in tables[1:]:
        assert table.frame.equals(first.frame), table.source
        assert [column.model_copy(update={"reason": ""}) for column in table.schema.columns] == [
            column.model_copy(update={"reason": ""}) for column in first.schema.columns
        ]


@pytest.fixture
def web(tmp_path):
    """A loopback web server on `tmp_path`."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_http_is_read_and_its_label_keeps_no_secret(web, tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(CSV))

    raw = read(f"http://{web}/t.csv.gz?token=s3cret")

    assert len(raw.frame) == 60
    assert raw.source == f"http://{web}/t.csv.gz"
    with pytest.raises(InputError, match="does not exist") as caught:
        read(f"http://{web}/absent.csv?token=s3cret")
    assert "s3cret" not in str(caught.value)


def test_unreachable_and_unknown_urls_are_one_clear_line():
    with pytest.raises(InputError, match="cannot be read"):
        read("http://127.0.0.1:9/t.csv")
    with pytest.raises(InputError, match="gopher"):
        read("gopher://host/t.csv")


class TestSql:
    @pytest.fixture
    def url(self, tmp_path):
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            sample().astype({"seen": str}).to_sql("sales", connection, index=False)
        return f"sqlite:///{tmp_path}/shop.db"

    def test_colons_and_percents_are_not_parameters(self, url):
        raw = read(url, query="SELECT *, '12:30:00' AS clock FROM sales WHERE colour LIKE 'r%'")

        assert set(raw.frame["clock"]) == {"12:30:00"}
        assert len(raw.frame) == 20

    def test_the_revision_is_of_the_rows(self, url):
        one, again = (read(url, query="SELECT * FROM sales") for _ in range(2))
        fewer = read(url, query="SELECT * FROM sales WHERE open")

        assert one.revision == again.revision != fewer.revision

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (None, "set data.query"),
            ("SELECT * FROM sale", "no such table: sale"),
            ("SELECT * FROM sales WHERE size < 0", "returned no rows"),
            ("CREATE TABLE other (a)", "must be a SELECT, not CREATE"),
        ],
    )
    def test_faults_are_clear(self, url, query, message):
        with pytest.raises(InputError, match=message):
            read(url, query=query)

    def test_a_misspelt_database_is_not_created(self, url, tmp_path):
        with pytest.raises(InputError, match=r"did you mean 'shop\.db'"):
            read(f"sqlite:///{tmp_path}/shopp.db", query="SELECT 1 AS y")
        assert not (tmp_path / "shopp.db").exists()

    def test_passwords_are_in_no_message(self):
        with pytest.raises(InputError) as caught:
            read("postgresql://ann:hunter2@db.example/shop?password=hunter2", query="SELECT 1")
        assert "hunter2" not in str(caught.value) and "ann" not in str(caught.value)
        assert "db.example/shop" in str(caught.value)

    def test_a_query_on_a_file_is_refused(self, tmp_path):
        (tmp_path / "t.csv").write_bytes(CSV)
        with pytest.raises(InputError, match="needs a database"):
            read(tmp_path / "t.csv", query="SELECT 1")


class TestRevision:
    def _under_dvc(self, path: Path, md5: str) -> None:
        path.with_name(path.name + ".dvc").write_text(f"outs:\n- md5: {md5}\n  size: {len(CSV)}\n  hash: md5\n  path: {path.name}\n")

    def test_dvc_names_the_revision(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_bytes(CSV)
        self._under_dvc(path, hashlib.md5(CSV).hexdigest())

        assert read(path).revision == "dvc:" + hashlib.md5(CSV).hexdigest()

    def test_a_file_changed_since_has_its_own_revision(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_bytes(CSV)
        self._under_dvc(path, "0" * 32)

        raw = read(path)

        assert raw.revision.startswith("sha256:")
        assert "differs from what t.csv.dvc records" in raw.notes[0]

    @pytest.mark.parametrize("record", ["", "outs: 3", "- a", ": :", "outs:\n- path: other.csv\n  md5: abc\n"])
    def test_a_broken_record_is_ignored(self, tmp_path, record):
        path = tmp_path / "t.csv"
        path.write_bytes(CSV)
        (tmp_path / "t.csv.dvc").write_text(record)

        assert read(path).revision.startswith("sha256:")


def test_relative_paths_start_from_the_base(tmp_path):
    (tmp_path / "t.csv").write_bytes(CSV)

    raw = read_source(Data(source="t.csv", target="y"), base=tmp_path)

    assert raw.source == "t.csv"
    assert len(raw.frame) == 60


@pytest.mark.parametrize(
    ("name", "task", "positive"),
    [
        ("iris", "multiclass", None),
        ("wine", "multiclass", None),
        ("breast_cancer", "binary", "malignant"),
        ("diabetes", "regression", None),
        ("digits", "multiclass", None),
    ],
)
def test_scikit_learns_tables(name, task, positive):
    wanted = problem(f"builtin:{name}", "target")
    raw = read_source(wanted.data)

    table, resolved, _ = resolve(raw, wanted)

    assert (resolved.task, resolved.positive_class) == (task, positive)
    assert raw.revision == read_source(wanted.data).revision
    assert len(table.schema.features) == len(raw.frame.columns) - 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("builtin:loan", "did you mean 'loans'"),
        ("builtin:loans?row=3", "did you mean 'rows'"),
        ("builtin:loans?rows=many", "must be a whole number"),
        ("builtin:loans?months=5-2", "first before last"),
        ("builtin:loans?leaks=targets", "target_copy"),
        ("builtin:iris?rows=3", "has no options"),
        (" ", "data.source is empty"),
    ],
)
def test_wrong_names_and_options(source, message):
    with pytest.raises(InputError, match=message):
        read(source)


def test_options_of_the_loans_reach_the_generator():
    raw = read("builtin:loans?rows=240&seed=3&months=0-11&leaks=target_copy,id&with_outcome_date=true", "defaulted")

    assert len(raw.frame) == 240
    assert raw.frame["application_date"].max().year == 2023
    assert {"collection_status", "case_number", "outcome_date"} <= set(raw.frame.columns)
