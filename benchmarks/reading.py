"""A text file of many rows, read as text and written to Parquet, by us and by others: `python -m benchmarks.reading --rows 10000000`.

Every contestant is a process of its own, one after another, so that its peak memory is its own; those that are not in this
environment get one (`.venv-benchmark-reading`). A second table is of types: what each takes the columns for, by the whole file
(DuckDB's `sample_size = -1`, Polars' `infer_schema_length=None`; ours as a training on a table larger than memory does it: a
uniform sample settles the readings, every row is typed by them and counted), written to Parquet. `--tables FOLDER` reads the files
of a folder too, and says what each makes of them. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from benchmarks.environments import ROOT, ensure

_OTHERS = ("duckdb==2.0.1", "polars==2.1.0", "pyarrow==25.0.1")
_BLOCK = 250_000
_TARGET = "y"

_MEASURED = """
import json, resource, sys, time
path, target = sys.argv[1:]
began = time.perf_counter()
{body}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([rows, time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
_SWITCHYARD = """
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from switchyard.tabular.tables.reading.opening import open_rows
found, rows, writer = open_rows(Path(path), path, "y"), 0, None
for batch in found.read():
    rows += batch.num_rows
    if target:
        batch = batch.rename_columns(found.names)
        writer = writer or pq.ParquetWriter(target, batch.schema, compression="zstd")
        writer.write_batch(batch)
if writer: writer.close()
"""
_DUCKDB = """
import duckdb
source = f"read_csv('{path}', all_varchar = true)"
if target:
    duckdb.execute(f"COPY (SELECT * FROM {source}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    rows = duckdb.execute(f"SELECT count(*) FROM '{target}'").fetchall()[0][0]
else:
    rows = sum(batch.num_rows for batch in duckdb.sql(f"SELECT * FROM {source}").to_arrow_reader(16384))
"""
_POLARS = """
import polars
scan = polars.scan_csv(path, infer_schema=False)
if target:
    scan.sink_parquet(target, compression="zstd")
    rows = polars.scan_parquet(target).select(polars.len()).collect().item()
else:
    rows = len(scan.collect())
"""
_SWITCHYARD_TYPED = f"""
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.tables.large.load import load
asked = {{"name": "t", "data": {{"source": path, "target": "{_TARGET}"}}, "training": {{"in_memory": 300_000}}}}
table, _, rest, _ = load(problem_from(asked, "benchmark"), path)
rows = len(table.frame) + rest.rows
"""
_DUCKDB_TYPED = """
import duckdb
duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}', sample_size = -1)) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
rows = duckdb.execute(f"SELECT count(*) FROM '{target}'").fetchall()[0][0]
"""
_POLARS_TYPED = """
import polars
polars.scan_csv(path, infer_schema_length=None).sink_parquet(target, compression="zstd")
rows = polars.scan_parquet(target).select(polars.len()).collect().item()
"""
TYPED = {"switchyard": _SWITCHYARD_TYPED, "DuckDB": _DUCKDB_TYPED, "Polars": _POLARS_TYPED}
CONTESTANTS = {"switchyard (pyarrow)": _SWITCHYARD, "DuckDB, all_varchar": _DUCKDB, "Polars, infer_schema=False": _POLARS}


def make_table(path: Path, rows: int) -> None:
    """Write a CSV of `rows` rows and 20 columns: amounts, counts, words (some quoted, some missing), days, codes and a target."""
    random, writer = np.random.default_rng(0), None
    words = np.array(["red", "green", "blue", "dark, grey", None], dtype=object)
    for start in range(0, rows, _BLOCK):
        n = min(_BLOCK, rows - start)
        columns = {f"amount{i}": random.normal(size=n).round(4) for i in range(8)}
        columns |= {f"count{i}": random.integers(0, 10_000, n) for i in range(5)}
        columns |= {f"word{i}": words[random.integers(0, 5, n)] for i in range(4)}
        columns |= {"day": np.datetime64("2020-01-01") + random.integers(0, 1500, n).astype("timedelta64[D]")}
        columns |= {"zip": [f"{code:05d}" for code in random.integers(0, 99_999, n)], _TARGET: random.integers(0, 2, n)}
        table = pa.table(columns)
        writer = writer or csv.CSVWriter(path, table.schema, write_options=csv.WriteOptions(quoting_style="needed"))
        writer.write(table)
    if writer is not None:
        writer.close()


def measure(body: str, python: Path, path: Path, target: str = "") -> tuple[int, float, float, float] | str:
    """Rows, seconds, seconds of processors and peak megabytes of one process that reads `path`; what it said where it failed."""
    command = [str(python), "-c", _MEASURED.format(body=body), str(path), target]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        return run.stderr.strip().splitlines()[-1]
    # DuckDB draws a progress bar before it.
    rows, seconds, busy, peak = json.loads(run.stdout.splitlines()[-1])
    return rows, seconds, busy, peak


def _cells(name: str, found: tuple[int, float, float, float] | str, rows: int) -> list[str]:
    assert not isinstance(found, str), found
    assert found[0] == rows, f"{name} found {found[0]} rows"
    return [f"{found[1]:.1f} s", f"{found[2]:.1f} s", f"{found[3]:.0f} MB"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--tables", type=Path, help="folder of files that each contestant reads too")
    options = parser.parse_args()
    theirs = ensure("reading", _OTHERS)
    here = (_SWITCHYARD, _SWITCHYARD_TYPED)
    pythons = {name: Path(sys.executable) if body in here else theirs for name, body in (CONTESTANTS | TYPED).items()}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.csv")
        make_table(table, options.rows)
        print(f"{options.rows:,} rows x 20 columns, {table.stat().st_size >> 20:,} MB\n")
        print("| engine | read | processors | peak | to Parquet (zstd) | processors | peak |\n|---|---|---|---|---|---|---|")
        for name, body in CONTESTANTS.items():
            cells = []
            for target in ("", str(Path(folder, "table.parquet"))):
                found = measure(body, pythons[name], table, target)
                cells += _cells(name, found, options.rows)
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        print("\n| typed, to Parquet (zstd) | wall | processors | peak |\n|---|---|---|---|")
        for name, body in TYPED.items():
            found = measure(body, pythons[name], table, str(Path(folder, "typed.parquet")))
            print(f"| {name} | {' | '.join(_cells(name, found, options.rows))} |", flush=True)
    if options.tables:
        print(f"\n| file | {' | '.join(CONTESTANTS)} |\n|---|{'---|' * len(CONTESTANTS)}")
        for path in sorted(options.tables.glob("*.csv*")):
            found = [measure(body, pythons[name], path) for name, body in CONTESTANTS.items()]
            print(f"| {path.name} | {' | '.join(one[:60] if isinstance(one, str) else f'{one[0]:,} rows' for one in found)} |", flush=True)


if __name__ == "__main__":
    main()
