"""A table in several files, scored file by file: every row once, whatever happens meanwhile."""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from switchyard.bundle import Bundle
from switchyard.predictionlog import TableLog, connect, create_tables
from switchyard.predictionlog.database import blocks
from switchyard.tabular.batch.columns import layout_of
from switchyard.tabular.batch.manifest import NAME, How, held
from switchyard.tabular.batch.parts import Job, score_parts
from switchyard.tabular.batch.scoring import Origin
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.revision import digest_of
from tests.switchyard.serving.cases import make_bundle

PROBLEM = Problem(name="loans", data={"source": "-", "target": "default", "entity_column": "customer"})
ROWS = (5, 3, 4)
RUN = """
import os, signal, sys
from pathlib import Path
from tests.switchyard.tabular.batch import test_parts as the
folder = Path(sys.argv[1])
seen = []
def die(block):
    seen.append(block)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
the.score(folder, folder / "bundle", then=die)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("binary"))


@pytest.fixture
def table(tmp_path):
    """A folder with a table in three parts; the first two have the same content."""
    for number, rows in enumerate((5, 5, 4)):
        write(tmp_path, number, rows, first=0 if number < 2 else 100)
    return tmp_path


def write(folder, number, rows, first=0):
    ages = [20.0 + row for row in range(rows)]
    frame = pd.DataFrame(
        {"customer": [f"c{first + row}" for row in range(rows)], "age": ages, "since": None, "owner": True, "job": "nurse"}
    )
    (folder / "in").mkdir(exist_ok=True)
    frame.to_parquet(folder / "in" / f"part-{number}.parquet", index=False)


def score(folder, bundle, version="7", then=lambda block: None, source="in"):
    """Score the parts into `out`, and log them into `log.db`."""
    scorer = Bundle.read(bundle).scorer()
    rows = open_rows(folder / source, source, "age")
    engine = connect(f"sqlite:///{folder}/log.db")
    create_tables(engine)

    class Watched(TableLog):
        def add(self, block):
            super().add(block)
            then(block)

    @contextmanager
    def log_of(origin, count):
        yield Watched(engine, origin.request_id, 1_700_000_000.0, {"model": "loans", "version": version, "digest": "sha256:1"}, 20_000)

    def origin_of(content):
        return Origin("loans", version, "sha256:1", f"batch-{abs(hash_of(content)):x}")

    how = How(model="loans", version=version, digest="sha256:1", extra="drop", explain=False, logged=True)
    return score_parts(Job(rows, folder / "out", scorer, layout_of(rows, scorer.signature, PROBLEM), how, origin_of, log_of))


def hash_of(text):
    import hashlib

    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def logged(folder):
    engine = connect(f"sqlite:///{folder}/log.db")
    with engine.connect() as connection:
        return connection.scalar(select(func.sum(blocks.c.rows)))


def manifest(folder):
    return json.loads((folder / "out" / NAME).read_text())


def test_each_part_has_a_file_of_answers_and_a_line_in_the_manifest(table, bundle):
    done = score(table, bundle)
    assert [pq.read_metadata(table / "out" / f"part-{number}.parquet").num_rows for number in range(3)] == [5, 5, 4]
    found = manifest(table)
    assert [(part["part"], part["rows"], part["state"]) for part in found["parts"]] == [
        ("part-0.parquet", 5, "done"),
        ("part-1.parquet", 5, "done"),
        ("part-2.parquet", 4, "done"),
    ]
    assert found["parts"][2]["input"] == digest_of((table / "in" / "part-2.parquet",))
    assert found["how"]["version"] == "7" and found["how"]["digest"] == "sha256:1"
    assert done.manifest.rows == done.answers.rows == 14 and done.before == 0
    answers = open_rows(table / "out", "out", "label").frame()
    assert len(answers) == 14 and answers["prediction_id"].is_unique, "parts of the same content are told apart by their names"
    assert {column.name: column.missing for column in done.columns}["since"] == 14


def test_a_run_that_was_killed_between_parts_goes_on_and_has_all_rows_once(table, bundle):
    (table / "bundle").symlink_to(bundle)
    killed = subprocess.run([sys.executable, "-c", RUN, str(table)], capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [part["state"] for part in manifest(table)["parts"]] == ["done", "waiting", "waiting"]
    assert [path.name for path in (table / "out").glob("*.parquet") if not path.name.startswith(".")] == ["part-0.parquet"]
    first = (table / "out" / "part-0.parquet").stat().st_mtime_ns

    done = score(table, bundle)
    assert done.before == 1 and done.answers.rows == 9 and done.manifest.rows == 14
    assert (table / "out" / "part-0.parquet").stat().st_mtime_ns == first, "what was done is not done again"
    answers = open_rows(table / "out", "out", "label").frame()
    assert answers["customer"].tolist() == [f"c{row}" for row in (0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 100, 101, 102, 103)]
    assert answers["prediction_id"].is_unique and logged(table) == 14
    assert not list((table / "out").glob(".*")), "nothing half written is left"

    again = score(table, bundle)
    assert again.before == 3 and again.answers.rows == 0 and again.answers.distribution() == {} and logged(table) == 14


def test_a_part_that_changed_or_whose_answers_were_cut_is_scored_again(table, bundle):
    score(table, bundle)
    write(table, 2, 6, first=200)
    cut = table / "out" / "part-0.parquet"
    cut.write_bytes(cut.read_bytes()[:100])
    done = score(table, bundle)
    assert done.before == 1 and done.manifest.rows == 16 and pq.read_metadata(cut).num_rows == 5


def test_a_part_that_cannot_be_scored_is_named_and_does_not_keep_the_others(table, bundle):
    good = pd.read_parquet(table / "in" / "part-1.parquet")
    good.assign(age=["old", *map(str, good["age"][1:])]).to_csv(table / "bad.csv", index=False)
    for number in (0, 2):
        pd.read_parquet(table / "in" / f"part-{number}.parquet").to_csv(table / f"{('a', '', 'c')[number]}.csv", index=False)
    with pytest.raises(InputError, match=r"bad\.csv: column 'age', row 1: 'old' is not a number; the other 2 are scored: correct it"):
        score(table, bundle, source="*.csv")
    assert [(part["output"], part["state"]) for part in manifest(table)["parts"]] == [
        ("a.csv.parquet", "done"),
        ("bad.csv.parquet", "refused"),
        ("c.csv.parquet", "done"),
    ]
    good.to_csv(table / "bad.csv", index=False)
    assert score(table, bundle, source="*.csv").manifest.rows == 14


def test_answers_of_another_version_or_of_no_part_are_not_mixed_in(table, bundle):
    score(table, bundle)
    with pytest.raises(InputError, match="parts that were scored with version 7, and this run has version 8; name another folder"):
        score(table, bundle, version="8")
    (table / "in" / "part-1.parquet").unlink()
    with pytest.raises(InputError, match=r"part-1\.parquet is of no part of the table"):
        score(table, bundle)


def test_two_runs_do_not_write_one_folder_and_a_table_is_not_answered_into_itself(table, bundle):
    with held(table / "out"), pytest.raises(InputError, match="another run writes to"):
        score(table, bundle)
    (table / "out").rename(table / "elsewhere")
    (table / "in").rename(table / "out")
    with pytest.raises(InputError, match="holds the table itself"):
        score(table, bundle, source="out")
    assert not (table / "out" / NAME).exists()


def test_partitions_keep_their_folders_and_are_keys_of_the_answers(table, bundle):
    for number, region in ((0, "north"), (2, "south")):
        (table / "in" / f"region={region}").mkdir()
        (table / "in" / f"part-{number}.parquet").rename(table / "in" / f"region={region}" / "part.parquet")
    (table / "in" / "part-1.parquet").unlink()
    done = score(table, bundle)
    assert [part.output for part in done.manifest.parts] == ["region=north/part.parquet", "region=south/part.parquet"]
    assert open_rows(table / "out", "out", "label").frame()["region"].tolist() == ["north"] * 5 + ["south"] * 4
