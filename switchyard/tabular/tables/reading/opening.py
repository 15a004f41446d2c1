"""`open_rows`: the table in a local file, whatever its format; the one way in, for training, scoring, labels and monitoring."""

from __future__ import annotations

import stat
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading import arrowfile, jsontext, workbook
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.delimited import open_delimited
from switchyard.tabular.tables.reading.foreign import refuse_foreign
from switchyard.tabular.tables.reading.headers import left_out
from switchyard.tabular.tables.reading.packing import Limit, limited, start_of
from switchyard.tabular.tables.reading.parquet import MAGIC, open_parquet
from switchyard.tabular.tables.reading.parts import PARQUET, beside_the_parts, files_at, joined
from switchyard.tabular.tables.reading.rows import Rows


def open_rows(
    path: Path,
    label: str,
    wanted: str | Collection[str],
    delimiter: str | None = None,
    encoding: str | None = None,
    limit: Limit | None = None,
    sheet: str | None = None,
) -> Rows:
    """The table in a local file: CSV and its kin, JSON, Parquet or Arrow, plain or packed, or a workbook. Its first bytes say which.

    A folder of Parquet parts, and the files that a pattern fits (`sales-*.csv`), are one table.

    Parameters
    ----------
    path : Path
    label : str
        What the user calls it.
    wanted : str or collection of str
        Columns that should be there; they help to tell the right delimiter and the header, and stay whatever they hold.
    delimiter, encoding : str or None
        As in the config; found out when absent.
    limit : Limit or None
        Where all of it is to be in memory: how much that may be.
    sheet : str or None
        Of a workbook, as in the config; the first that holds anything when absent.

    Raises
    ------
    InputError
        It is missing, damaged, empty, or no such table. Rows of the wrong width are found when they are read.
    """
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    files = files_at(path, label)
    if not files:
        return _open_file(path, label, names, delimiter, encoding, limit, sheet)
    is_folder = path.is_dir()
    called = [str(Path(label) / file.relative_to(path)) if is_folder else str(file) for file in files]
    parts = [_open_file(file, name, names, delimiter, encoding, limit, sheet) for file, name in zip(files, called, strict=True)]
    whole = joined(parts, path if is_folder else None, label)
    if is_folder and (beside := beside_the_parts(path)):
        whole = replace(whole, notes=(*whole.notes, beside))
    return replace(whole, read=lambda: limited(whole.read(), limit, label))


def _open_file(
    path: Path,
    label: str,
    wanted: Collection[str],
    delimiter: str | None,
    encoding: str | None,
    limit: Limit | None,
    sheet: str | None,
) -> Rows:
    require_file(path, label)
    if workbook.is_workbook(path):
        return _without_index(workbook.open_workbook(path, label, wanted, sheet, limit), wanted)
    start = start_of(path, label)
    if start.startswith(MAGIC) or any(suffix in PARQUET for suffix in map(str.lower, path.suffixes[-2:])):
        rows = open_parquet(path, label, limit)
    elif start.startswith((arrowfile.FILE, arrowfile.STREAM)):
        rows = arrowfile.open_arrow(path, label, limit)
    elif jsontext.START.match(start.removeprefix(BOM_UTF8)):
        rows = jsontext.open_json(path, label, encoding, limit)
    else:
        refuse_foreign(start, label)
        rows = open_delimited(path, label, wanted, delimiter, encoding, limit)
    return _without_index(rows, wanted)


def require_file(path: Path, label: str) -> None:
    """Raise an `InputError` where there is no file that can be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{label} is a folder; {_way_out(path)}")
        if not stat.S_ISREG(mode):
            raise InputError(f"{label} is no regular file (a device, socket or pipe); copy the table into a file")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise InputError(f"{label} does not exist{_nearby(path)}") from None
    except NotADirectoryError:
        raise InputError(f"{label} does not exist: part of the path is a file, not a folder") from None
    except PermissionError:
        raise InputError(f"{label} may not be read by this user; change its permissions") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{label} cannot be read: {first_line(error)}") from None


def _way_out(folder: Path) -> str:
    inside = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    files = [item for item in inside if item.is_file()]
    if files:
        pattern = f", or several of one kind by a pattern: {folder / ('*' + files[0].suffix)}" if len(files) > 1 else ""
        return f"name a file in it, for example {files[0]}{pattern}"
    return f"it holds folders only, for example {inside[0]}; name a file in them" if inside else "it is empty: name a file"


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f", nor does its folder {folder}"
    try:
        return did_you_mean(path.name, sorted(item.name for item in folder.iterdir() if not item.name.startswith(".")))
    except OSError:
        return ""


def _without_index(rows: Rows, wanted: Collection[str]) -> Rows:
    """`rows` without the columns that nobody named and that hold nothing of their own, which the first rows tell."""
    head = next((batch for batch in rows.read() if batch.num_rows), None)
    out = {} if head is None else left_out(rows.names, head.columns, wanted)
    if head is None or not out:
        return rows
    kept = [place for place in range(len(rows.names)) if place not in out]
    empty = [place for place in out if head.column(place).null_count == head.num_rows]

    def read() -> Iterator[pa.RecordBatch]:
        for batch in rows.read():
            for place in empty:
                _require_empty(batch.column(place), place, rows.label)
            yield batch.select(kept)

    return replace(rows, names=tuple(rows.names[place] for place in kept), read=read, notes=(*rows.notes, *out.values()))


def _require_empty(column: pa.Array, place: int, label: str) -> None:
    if column.null_count != len(column):
        held = repr(next(str(value) for value in column if value.is_valid)[:40])
        raise InputError(
            f"{label}: column {place + 1} has no name in the header, though some rows have a value there ({held}); give it one"
        )
