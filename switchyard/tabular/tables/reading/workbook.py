"""`open_workbook`: a sheet of an Excel or OpenDocument workbook as rows, each column in the type that all its cells have."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.dialect import header_at
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.packing import Limit
from switchyard.tabular.tables.reading.rows import CHUNK, Rows

_OLD = b"\xd0\xcf\x11\xe0"
_PARTS = ("xl/workbook.xml", "xl/workbook.bin")
_OPEN = b"application/vnd.oasis.opendocument.spreadsheet"
_LOOKED_AT = 200


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook: .xlsx, .xlsb, .ods, or what may be an .xls."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start != b"PK\x03\x04":
            return start == _OLD
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return any(part in names for part in _PARTS) or ("mimetype" in names and archive.read("mimetype").startswith(_OPEN))
    except (zipfile.BadZipFile, OSError, RuntimeError):
        # What is wrong with it, those say who unpack it.
        return False


def open_workbook(path: Path, label: str, wanted: Collection[str], sheet: str | None, limit: Limit | None) -> Rows:
    """The table in a sheet of a workbook, which is read whole: a sheet has a million rows at most.

    Parameters
    ----------
    path : Path
    label : str
        The source, for messages.
    wanted : collection of str
        Columns of which one should be there; helps to tell the header from titles above it.
    sheet : str or None
        `data.sheet`; when absent, the first that holds one of the `wanted`, else anything, with a note where there are others.
    limit : Limit or None
        Of the workbook, unpacked.

    Raises
    ------
    InputError
        It is damaged or locked, has no such sheet, or the sheet no rows.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    if limit is not None and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            limit.check(sum(item.file_size for item in archive.infolist()), label)
    try:
        # By its bytes: many a program writes one format under another's name.
        with path.open("rb") as file, CalamineWorkbook.from_filelike(file) as book:
            name, cells, notes = _sheet(book, label, sheet, wanted)
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(f"{label} cannot be read as a workbook ({first_line(error)}); save it again, or save the sheet as CSV") from None
    rows = [row for row in cells if any(cell != "" for cell in row)]
    above = header_at([["" if cell == "" else str(cell) for cell in row] for row in rows[:_LOOKED_AT]], wanted)
    if len(rows) < above + 2:
        raise InputError(f"{label}: sheet {name!r} has no rows below a header")
    names, trimmed = named([_text(cell) or "" for cell in rows[above]], label, f"sheet {name!r}")
    columns = [_column([row[place] for row in rows[above + 1 :]]) for place in range(len(names))]
    table = pa.table(columns, names=[str(place) for place in range(len(names))])
    titles = (f"what stands above the header of sheet {name!r} is left out ({_text(rows[0][0])!r}, ...)",) if above else ()
    return Rows(names, label, lambda: iter(table.to_batches(CHUNK)), table.num_rows, (*notes, *trimmed, *titles), (path,))


def _sheet(book: Any, label: str, said: str | None, wanted: Collection[str]) -> tuple[str, list[list[Any]], tuple[str, ...]]:
    """Name and cells of the sheet, and a note where another could have been meant."""
    names = list(book.sheet_names)
    if said is not None:
        if said not in names:
            raise InputError(f"{label} has no sheet {said!r}{did_you_mean(said, names)} (sheets: {', '.join(names[:10])})")
        return said, book.get_sheet_by_name(said).to_python(), ()
    chosen, cells = "", list[list[Any]]()
    for name in names:
        found = book.get_sheet_by_name(name).to_python()
        holds = any(_text(cell) in wanted for row in found[:_LOOKED_AT] for cell in row)
        if holds or (found and not cells):
            chosen, cells = name, found
        if holds or (cells and not wanted):
            break
    others = [name for name in names if name != chosen]
    if not others:
        return chosen, cells, ()
    return chosen, cells, (f"sheet {chosen!r} is read, not {', '.join(map(repr, others[:5]))}; data.sheet names another",)


def _column(cells: Sequence[Any]) -> pa.Array:
    values = [None if cell == "" else cell for cell in cells]
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {int, float} and kinds:
        whole = all(value is None or (float(value).is_integer() and abs(value) < 2**53) for value in values)
        return pa.array([value if value is None else int(value) for value in values]) if whole else pa.array(values, pa.float64())
    if kinds == {date, datetime}:
        return pa.array([datetime(*value.timetuple()[:6]) if type(value) is date else value for value in values], pa.timestamp("us"))
    if len(kinds) == 1 and str not in kinds:
        return pa.array(values)
    return pa.array([_text(value) for value in values], pa.string())


def _text(cell: Any) -> str | None:
    """A cell as it would be typed; None where it is empty."""
    if cell is None or cell == "":
        return None
    return f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)
