"""`load`: the table that a config names, whole where memory is enough for it, else a sample with the rest on disk, and resolved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.history import add_history
from switchyard.tabular.tables.large.apart import set_apart
from switchyard.tabular.tables.large.rest import Rest
from switchyard.tabular.tables.large.sample import Sample, draw, has_more, plainly_small, rows_allowed, rows_to_look_at
from switchyard.tabular.tables.reading.credentials import STAGED, without_credentials
from switchyard.tabular.tables.reading.files import located
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.revision import revision_of
from switchyard.tabular.tables.reading.rows import Rows
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.reading.sources import is_file, read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.table import Table
from switchyard.tabular.tasks import TASKS
from switchyard.tabular.workers.engine import require_dask


class Loaded(NamedTuple):
    """What `load` found: `table, problem, rest, notes = load(problem, location)`."""

    table: Table
    problem: Problem
    """With nothing left at "auto"."""
    rest: Rest
    """What `table` has not; without rows where it has all."""
    notes: tuple[str, ...]
    """What was decided, left out or read as missing, one sentence each, for the user to see."""


def load(problem: Problem, location: str, called: str | None = None) -> Loaded:
    """Read the table at `location` and resolve kinds, roles, task, metric and split.

    Parameters
    ----------
    problem : Problem
    location : str
        Where `problem.data.source` is to be read.
    called : str, optional
        How the user calls it; `location` when absent.

    Raises
    ------
    InputError
        As `read_source` and `resolve`; and where the table is larger than memory and the config asks for what cannot be had of a sample.
    """
    name = called or location
    try:
        with _at_hand(problem, location) as (data, path):
            sampled = None if path is None else _sampled(problem, path, data.data.source)
            if sampled is not None:
                return _from_disk(problem, *sampled, name)
            raw = read_source(data.data)
            # A staged table names the source beneath by itself.
            raw = raw if name.startswith(STAGED) else replace(raw, source=name)
            table, resolved, notes = resolve(raw, problem)
    except InputError as error:
        # The user knows the file by its own name, not by its place in the artifact store.
        raise InputError(str(error).replace(location, name)) from None
    return Loaded(add_history(table, resolved), resolved, Rest(), notes)


def read_some(problem: Problem) -> tuple[RawTable, int | None]:
    """The table of `problem` to be looked at, whole and None; of a large file some rows, and how many there are in all.

    The file is read in one pass, and of it stands in memory what `rows_to_look_at` allows.

    Raises
    ------
    InputError
        As `read_source`.
    """
    label = without_credentials(problem.data.source)
    with _at_hand(problem, problem.data.source) as (there, path):
        if path is not None and not problem.data.query:
            rows = rows_of(problem, path, label)
            most = rows_to_look_at(len(rows.names))
            if has_more(rows, most):
                sample = draw(rows, most, problem.tuning.seed)
                return RawTable(sample.rows.frame(), label, "", rows.notes), sample.of
        return replace(read_source(there.data), source=label), None


def read_whole(problem: Problem, location: str, why: str) -> RawTable:
    """The table at `location`, all of it; a file of which memory holds a sample only is refused before it is read.

    Raises
    ------
    InputError
        As `read_source`; or the file, its limit, `why` all rows are needed, and the way out.
    """
    label = without_credentials(problem.data.source)
    with _at_hand(problem, location) as (there, path):
        if path is not None and (found := _beyond(problem, path, label)):
            raise InputError(f"{_limit(problem, label, found.most)}: {why}")
        return replace(read_source(there.data), source=label)


@contextmanager
def _at_hand(problem: Problem, location: str) -> Iterator[tuple[Problem, Path | None]]:
    """The problem with a source that is here, and its path where it is a file."""
    there = _placed(problem, location)
    if not is_file(there.data):
        yield there, None
        return
    if "://" not in location:
        yield there, Path(location).expanduser()
        return
    with located(location, None, Limit(problem.data.max_unpacked_mb)) as (path, label):
        try:
            yield _placed(problem, str(path)), path
        except InputError as error:
            raise InputError(str(error).replace(str(path), label)) from None


def _placed(problem: Problem, source: str) -> Problem:
    return problem.model_copy(update={"data": problem.data.model_copy(update={"source": source})})


class _Beyond(NamedTuple):
    """A table that memory does not hold."""

    rows: Rows
    most: int
    """Rows that it may have."""
    size: int
    """Of the sample."""


def _beyond(problem: Problem, path: Path, label: str) -> _Beyond | None:
    """The rows of the file at `path` where memory is not enough for them; no more of it is read than tells."""
    data, wanted = problem.data, problem.training.in_memory
    if data.query or (wanted == "auto" and plainly_small(path, label)):
        return None
    rows = rows_of(problem, path, label)
    most, size = rows_allowed(len(rows.names), wanted)
    return _Beyond(rows, most, size) if has_more(rows, most) else None


def _limit(problem: Problem, label: str, most: int) -> str:
    return f"{label} has more than the {most:,} rows that training.in_memory ({problem.training.in_memory}) allows"


def _sampled(problem: Problem, path: Path, label: str) -> tuple[Rows, Sample] | None:
    """The rows of the file at `path` and a sample of them; None where memory is enough for all."""
    found = _beyond(problem, path, label)
    if found is None:
        return None
    check(problem, _limit(problem, label, found.most))
    return found.rows, draw(found.rows, found.size, problem.tuning.seed)


def rows_of(problem: Problem, path: Path, label: str) -> Rows:
    """The rows of the file at `path`, in batches."""
    data = problem.data
    return open_rows(path, label, (data.target, *data.columns), data.delimiter, data.encoding, sheet=data.sheet)


def check(problem: Problem, why: str) -> None:
    """Refuse what rows need one another for, which on a sample would be wrong.

    Raises
    ------
    InputError
        `why`, the key of the config, and the way out.
    """
    asked = {
        f"task: {problem.task}": problem.task != "auto" and not TASKS[problem.task].target,
        "features.lags": bool(problem.features.lags),
        "features.interpolate": problem.features.interpolate,
        "features.outliers.action: drop": problem.features.outliers.method != "none" and problem.features.outliers.action == "drop",
        "quality.duplicate_rows: drop": problem.quality.duplicate_rows == "drop",
    }
    found = [key for key, is_asked in asked.items() if is_asked]
    if found:
        raise InputError(
            f"{why}, and {found[0]} needs all rows at once: leave it out, raise training.in_memory where memory is enough, "
            "or give fewer rows"
        )
    if problem.training.by_workers:
        require_dask()


def _from_disk(problem: Problem, rows: Rows, sample: Sample, name: str) -> Loaded:
    revision, found = revision_of(rows.files, local=True)
    raw = RawTable(sample.rows.frame(), name, revision, (*found, *rows.notes))
    table, resolved, notes = resolve(raw, problem)
    table, rest, more = set_apart(rows, sample, table, resolved.task == "regression")
    if not rest.rows:
        raise InputError(f"{name}: no row beyond the sample of {len(table.frame):,} has a label; raise training.in_memory")
    said = (
        f"{len(table.frame):,} of {table.schema.of:,} rows, drawn uniformly (seed {problem.tuning.seed}), are looked at, searched and "
        "scored on; the last fit, which is served, learns from all; missing shares and ranges are of all rows"
    )
    # What repeats the run draws the same rows, whatever memory is free then.
    training = resolved.training.model_copy(update={"in_memory": sample.rows.size})
    return Loaded(table, resolved.model_copy(update={"training": training}), rest, (said, *notes, *more))
