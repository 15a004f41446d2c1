"""Sheets of workbooks become tables: which sheet, which header, which types."""

from __future__ import annotations

import zipfile
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.opening import open_rows
from tests.switchyard.tabular.tables.reading import load, read, sample

FRAME = sample().drop(columns="seen")
_XLSX = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _rows(frame: pd.DataFrame) -> list[list[object]]:
    return [list(frame.columns), *frame.astype(object).where(frame.notna(), None).to_numpy().tolist()]


def write_xlsx(path: Path, **sheets: list[list[object]]) -> Path:
    """A workbook as Excel writes it, with the least that it may have."""

    def cell(value: object) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, (int, float)):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    with zipfile.ZipFile(path, "w") as archive:
        names = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>' for at, name in enumerate(sheets, 1))
        targets = "".join(
            f'<Relationship Id="r{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/{at}.xml"/>' for at in range(1, len(sheets) + 1)
        )
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types"/>')
        root = f'<Relationship Id="r0" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>')
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{_XLSX}" xmlns:r="{_RELATIONS}"><sheets>{names}</sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}</Relationships>')
        for at, rows in enumerate(sheets.values(), 1):
            data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
            archive.writestr(f"xl/worksheets/{at}.xml", f'<worksheet xmlns="{_XLSX}"><sheetData>{data}</sheetData></worksheet>')
    return path


def write_ods(path: Path, rows: list[list[object]]) -> Path:
    """A workbook as LibreOffice writes it, with the least that it may have."""

    def cell(value: object) -> str:
        if isinstance(value, datetime):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        if isinstance(value, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'

    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    data = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    sheet = f'<office:spreadsheet><table:table table:name="one">{data}</table:table></office:spreadsheet>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>')
        archive.writestr("content.xml", f"<office:document-content {spaces}><office:body>{sheet}</office:body></office:document-content>")
    return path


def test_a_sheet_is_the_table_that_its_csv_is(tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    path = write_xlsx(tmp_path / "t.xlsx", data=_rows(FRAME))

    plain, table, rows = load(tmp_path / "t.csv").table, load(path).table, open_rows(path, "t.xlsx", "y")

    assert table.frame.equals(plain.frame)
    assert rows.names == tuple(FRAME.columns) and sum(part.size for part in rows.chunks()) == 60


def test_the_sheet_is_named_or_the_first_that_holds_anything(tmp_path):
    path = write_xlsx(tmp_path / "t.xlsx", empty=[], sales=_rows(FRAME), other=[["a", "y"], [1, 2]])

    assert "sheet 'sales' is read, not 'empty', 'other'; data.sheet names another" in read(path).notes
    assert list(read(path, sheet="other").frame.columns) == ["a", "y"]
    with pytest.raises(InputError, match=r"has no sheet 'sale'; did you mean 'sales'\? \(sheets: empty, sales, other\)"):
        read(path, sheet="sale")
    with pytest.raises(InputError, match="sheet 'empty' has no rows below a header"):
        read(path, sheet="empty")


def test_the_sheet_that_holds_the_target_goes_before_the_first(tmp_path):
    path = write_xlsx(tmp_path / "t.xlsx", about=[["About these data"], ["Bob made them"]], sales=_rows(FRAME))

    raw = read(path)

    assert list(raw.frame.columns) == list(FRAME.columns)
    assert "sheet 'sales' is read, not 'about'; data.sheet names another" in raw.notes


@pytest.mark.parametrize("name", ["t.xls", "t.ods", "t.xlsb", "t.csv"])
def test_a_workbook_is_what_its_bytes_say(tmp_path, name):
    path = write_xlsx(tmp_path / name, sales=_rows(FRAME))

    assert list(read(path).frame.columns) == list(FRAME.columns)


def test_titles_blank_rows_and_mixed_columns(tmp_path):
    rows = [["Export"], [None], ["code", "when", "y"], [7, "x", 1], [None], ["A7", None, 0], [8.5, "z", 1]]

    raw = read(write_xlsx(tmp_path / "t.xlsx", data=rows))

    assert raw.frame["code"].tolist() == ["7", "A7", "8.5"] and raw.frame["y"].tolist() == [1, 0, 1]
    assert any("what stands above the header of sheet 'data' is left out ('Export', ...)" in note for note in raw.notes)


def test_an_opendocument_sheet_keeps_its_dates(tmp_path):
    days = [datetime(2026, 1, 1 + day, 12) for day in range(28)]

    frame = read(write_ods(tmp_path / "t.ods", [["at", "y"], *([day, day.day % 2] for day in days)])).frame

    assert frame["at"].tolist() == days and frame["y"].tolist() == [day.day % 2 for day in days]


def test_a_damaged_workbook_is_one_line(tmp_path):
    whole = write_xlsx(tmp_path / "t.xlsx", data=_rows(FRAME)).read_bytes()
    with zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    (tmp_path / "cut.xlsx").write_bytes(whole[:600])
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + b"rubbish" * 100)

    for name, said in (("bad.xlsx", "cannot be read as a workbook"), ("cut.xlsx", "zip file"), ("old.xls", "cannot be read as a workbook")):
        with pytest.raises(InputError, match=said) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
