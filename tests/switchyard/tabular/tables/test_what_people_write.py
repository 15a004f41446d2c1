"""Amounts, dates and classes as people write them: what they become, and the note that says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle.amounts import Style, amount
from switchyard.tabular.errors import InputError
from tests.switchyard.tabular.tables.reading import load, load_frame, sample

ROWS = 120
TABLES = Path(__file__).parents[5] / "shared" / "tables"


def _frame(**columns) -> pd.DataFrame:
    return sample(ROWS).assign(**columns)


def _cycle(*values: str) -> list[str]:
    return [values[row % len(values)] for row in range(ROWS)]


def _read(values: list[str], **data):
    found = load_frame(_frame(x=values), data=data)
    return found.table.schema["x"], found.table.frame["x"], [note for note in found.notes if "'x'" in note]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("$1,234.50", "$12.00", "-$3"), (1234.5, 12, -3)),
        (("1.000,92 €", "12,00 €", "7 €"), (1000.92, 12, 7)),
        (("USD 12", "USD 13", "USD 1,400"), (12, 13, 1400)),
        (("R$ 1.234,56", "R$ 3,00", "R$ 2"), (1234.56, 3, 2)),
        (("12.3%", "1%", "0.25 %"), (12.3, 1, 0.25)),
        (("75 kg", "80.5 kg", "9 kg"), (75, 80.5, 9)),
        (("2.1M", "950", "1.2K"), (2.1e6, 950, 1200)),
        (("$2.1M", "$3B", "$5"), (2.1e6, 3e9, 5)),
        (("(1,234.00)", "5.25", "17"), (-1234, 5.25, 17)),
        (("5-", "17", "2.5"), (-5, 17, 2.5)),
        (("1 234,5", "950", "12 000"), (1234.5, 950, 12000)),
        (("1\u00a0234,5", "950", "12\u202f000"), (1234.5, 950, 12000)),
        (("1'234.50", "950.10", "12\u2019000.00"), (1234.5, 950.1, 12000)),
        (("<0.60", "1.2", "3.5"), (0.6, 1.2, 3.5)),
        (("13:00:00", "00:30:00", "23:59:59"), (46_800, 1800, 86_399)),
        (("0 days", "2 days", "0 days"), (0, 172_800, 0)),
        (("2h 13m", "45m", "1 hr 30 min"), (7980, 2700, 5400)),
        (("PT45M", "P1DT2H", "PT30.5S"), (2700, 93_600, 30.5)),
        (("45 min", "90 min", "5 min"), (45, 90, 5)),
        (("8/10", "7.5/10", "10/10"), (8, 7.5, 10)),
        (("CHF 1'234.-", "CHF 12.-", "CHF 7.50"), (1234, 12, 7.5)),
        (("1.234,- €", "12,\u2013 €", "7,50 €"), (1234, 12, 7.5)),
        (("1 234:-", "950:-", "12 000:-"), (1234, 950, 12000)),
        (("₹28,06,122.50", "₹1,000", "₹12,34,567"), (2806122.5, 1000, 1234567)),
        (("2,81 Mio. €", "950,5 Tsd. €", "7 €"), (2.81e6, 950500, 7)),
        (("2.81 million", "3 billion", "950 thousand"), (2.81e6, 3e9, 950e3)),
        (("$2.8m", "£3bn", "$950"), (2.8e6, 3e9, 950)),
        (("12 m", "300 m", "7.5 m"), (12, 300, 7.5)),
        (("1,200 sq ft", "950 sq ft", "80 sq ft"), (1200, 950, 80)),
        (("7.5 l/100km", "4 l/100km", "12 l/100km"), (7.5, 4, 12)),
        (("Rs. 1,200", "Rs. 950.50", "Rs. 7"), (1200, 950.5, 7)),
        (("AED 1,200", "AED 950", "AED 7"), (1200, 950, 7)),
        (("\u22121.5", "\u22122", "3.25"), (-1.5, -2, 3.25)),
        (("2,238E+02", "1,5E+03", "7,25E-01"), (223.8, 1500, 0.725)),
        (("04:42 PM", "12:05 AM", "9 a.m."), (60_120, 300, 32_400)),
        (("3+", "1", "2", "4", "5"), (3, 1, 2)),
        (tuple(f"{10 * 2**power:,}+" for power in range(12)), (10, 20, 40)),
        (("12.5", "\u2013", "n.d.", "7"), (12.5, np.nan, np.nan)),
    ],
)
def test_amounts_are_numbers_and_said(texts, numbers):
    column, values, notes = _read(_cycle(*texts))

    assert column.kind == "numeric"
    assert values[:3].tolist() == pytest.approx(numbers, nan_ok=True)
    assert column.reading.value(texts[0]) == pytest.approx(numbers[0])
    assert any("is read as amounts" in note or "count as missing" in note for note in notes)


@pytest.mark.parametrize(
    "texts",
    [
        ("A12", "B7", "C3"),
        ("12a", "12b", "3c"),
        ("<50K", ">50K"),
        ("18+", "12+", "6+"),
        ("4th", "5th", "6th", "7th"),
        (*(f"{row}th floor" for row in range(4, 21)), "1st floor"),
        (*(f"{row}A" for row in range(1, 20)), "7B"),
        ("1.2.3", "1.2.4", "1.3.0"),
        ("10.20.30", "22.14.31", "11.0.75"),
        ("12-34-56", "40-47-84", "20-00-00"),
        ("75 kg", "160 lb"),
    ],
)
def test_what_only_looks_like_an_amount_stays_words(texts):
    assert _read(_cycle(*texts))[0].kind == "categorical"


def test_a_mark_that_could_be_either_is_settled_by_the_other_columns_and_said():
    mixed = _cycle("950", "1.234", "12.500")

    _, alone, said = _read(mixed)
    found = load_frame(_frame(x=mixed, weight=_cycle("50,5", "61,25", "7,0")))

    assert alone[1] == 1.234 and "could be otherwise" in said[0] and "data.columns.x.decimal" in said[0]
    assert not _read(_cycle("950", "1.234", "12.5"))[2]
    assert found.table.frame["x"][1] == 1234.0
    assert any("as 'weight' shows" in note for note in found.notes)
    assert not any("otherwise" in note for note in _read(_cycle("98.6 bhp", "88.725 bhp", "118 bhp"))[2])
    settled = load_frame(_frame(x=mixed, weight=_cycle("50,5", "1,234", "7,0")))
    assert settled.table.frame["x"][1] == 1234.0 and settled.table.frame["weight"][1] == 1.234
    commas = _cycle("950", "1,234", "12,500")
    _, values, notes = _read(commas)
    assert values[1] == 1234.0 and "could be otherwise" in notes[0] and "data.columns.x.decimal" in notes[0]
    assert _read(commas, columns={"x": {"decimal": ","}})[1][1] == 1.234


def test_a_bundle_of_before_reads_the_dash_of_no_cents_as_it_was_trained():
    assert amount("CHF 5.-", Style(units=("CHF",), accounting=True)) == -5
    assert amount("CHF 5.-", Style(units=("CHF",), cents=True)) == 5


def test_numbers_in_several_units_are_not_mixed_in_silence():
    column, _, notes = _read([f"{60 + row % 30} kg" if row % 3 else f"{130 + row % 40} lb" for row in range(ROWS)])

    assert column.kind == "categorical" and "numbers in 2 units (lb, kg)" in notes[0]
    assert "of which none is converted" in _read(_cycle("$5", "7 €", "$12.50"))[2][0]
    assert "beside plain numbers, which are read as they stand" in _read(_cycle("57%", "0.57", "12%", "3%"))[2][0]


def test_no_value_with_its_unit_behind_is_missing_and_so_are_few_amounts_in_another():
    column, values, notes = _read([f"{60 + row} bhp" if row % 10 else "null bhp" for row in range(ROWS)])
    mileage, kilometres, said = _read([f"{9 + row % 20}.5 kmpl" if row % 20 else "26.6 km/kg" for row in range(ROWS)])

    assert column.kind == mileage.kind == "numeric"
    assert np.isnan(values[0]) and values[1] == 61 and any("'null bhp'" in note for note in notes)
    assert np.isnan(kilometres[0]) and kilometres[1] == 10.5 and any("km/kg is another unit" in note for note in said)


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (("1/2/24", "1/31/24"), "2024-01-02"),
        (("2.1.24", "31.1.24"), "2024-01-02"),
        (("1/2/2024 4:30 PM", "1/31/2024 11:05 AM"), "2024-01-02 16:30"),
        (("2 January 2024", "31 May 2024"), "2024-01-02"),
        (("02-Jan-24", "31-Jan-24"), "2024-01-02"),
        (("Jan 2024", "Feb 2024"), "2024-01-01"),
        (("2024-01", "2024-02"), "2024-01-01"),
        (("20240102", "20240131", "20240201"), "2024-01-02"),
        (("02.01.2024 10:15:30", "31.01.2024 00:00:00"), "2024-01-02 10:15:30"),
        (("2024-01-02T10:00:00+01:00", "2024-07-02T10:00:00+02:00"), "2024-01-02 09:00"),
        (("02.01.24 16.30", "31.01.24 8.05"), "2024-01-02 16:30"),
        (("01/02/2024T10:00", "01/31/2024T23:59"), "2024-01-02 10:00"),
        (("Tue, 02 Jan 2024 10:00:00 GMT", "Wed, 31 Jan 2024 00:00:00 GMT"), "2024-01-02 10:00"),
        (("Tue, 02 Jan 2024 10:00:00 +0100", "Wed, 31 Jan 2024 00:00:00 -0500"), "2024-01-02 09:00"),
        (("Tue Jan  2 10:00:00 2024", "Wed Jan 31 00:00:00 2024"), "2024-01-02 10:00"),
        (("Jan 2 2024", "May 31 2024"), "2024-01-02"),
        (("2024-Jan-02", "2024-May-31"), "2024-01-02"),
        (("2024-Q3", "2023-Q1"), "2024-07-01"),
        (("Q3 2024", "Q1 2023"), "2024-07-01"),
        (("2024-W01", "2023-W52"), "2024-01-01"),
        (("2. Januar 2024", "31. März 2024", "1. Okt. 2023"), "2024-01-02"),
        (("2 janvier 2024", "31 août 2024"), "2024-01-02"),
        (("2 de enero de 2024", "31 de agosto de 2024"), "2024-01-02"),
        (("Dienstag, 2. Januar 2024", "Mittwoch, 31. Januar 2024"), "2024-01-02"),
        (("January 2nd, 2024", "May 31st, 2024"), "2024-01-02"),
        (("2nd of January 2024", "31st of May 2024"), "2024-01-02"),
        (("Tuesday, January 2, 2024", "Wednesday, January 31, 2024"), "2024-01-02"),
        (("Jan. 2, 2024", "Sept. 30, 2024"), "2024-01-02"),
        (("2 Sept 2024", "31 Aug 2024"), "2024-09-02"),
        (("02.01.2024 16:30 Uhr", "31.01.2024 08:05 Uhr"), "2024-01-02 16:30"),
        (("1/2/2024 4:30 p.m.", "1/31/2024 11:05 a.m."), "2024-01-02 16:30"),
        (("2024.01.02", "2024.12.31"), "2024-01-02"),
        (("2024. 1. 2.", "2024. 12. 31."), "2024-01-02"),
        (("2024年1月2日", "2024年12月31日"), "2024-01-02"),
        (("01/2024", "12/2023", "03/2024"), "2024-01-01"),
        (("01/2024", "12/2024", "03/2024"), "2024-01-01"),
        (("01.2024", "12.2023", "03.2024"), "2024-01-01"),
        (("Jan-24", "Dec-23"), "2024-01-01"),
        (("20240102T103000", "20240131T235959"), "2024-01-02 10:30"),
        (("202401021030", "202401312359", "202402010000"), "2024-01-02 10:30"),
        (("20240102103000", "20240131235959", "20240201000000"), "2024-01-02 10:30"),
        (("02/Jan/2024:10:30:00 +0100", "31/Jan/2024:10:30:00 +0100"), "2024-01-02 09:30"),
        (("01-31-24", "02-01-24"), "2024-01-31"),
        (("2024-01-02", "31.01.2024"), "2024-01-02"),
    ],
)
def test_dates_of_many_patterns(texts, first):
    column, values, notes = _read(_cycle(*texts))

    assert column.kind == "datetime"
    assert values[0] == pd.Timestamp(first)
    assert column.reading.value(texts[0]) == pd.Timestamp(first).timestamp()
    assert "T" in texts[0][:11] or any("dates as" in note or "months as" in note for note in notes)


def test_a_header_of_values_and_a_row_of_totals_are_said(tmp_path):
    frame = _frame(x=[f"{row / 7:.2f}" for row in range(ROWS)])
    frame.loc[ROWS - 1, "x"] = "Total"
    path = tmp_path / "rows.csv"
    frame.rename(columns={"x": "-0.36"}).to_csv(path, index=False)

    notes = load(path).notes

    assert any("columns are called '-0.36': the first line looks like data" in note for note in notes)
    assert any("a row of totals is no row" in note for note in notes)


def test_counts_since_1970_are_dates_where_the_name_says_so_or_the_config():
    seconds = [1_700_000_000 + 60 * row for row in range(ROWS)]
    frame = _frame(created_at=[1000 * second for second in seconds], ts=seconds, amount=seconds)

    table = load_frame(frame).table

    assert table.frame["created_at"][0] == table.frame["ts"][0] == pd.Timestamp("2023-11-14 22:13:20")
    assert table.schema["amount"].kind == "numeric"
    assert load_frame(frame, data={"columns": {"amount": {"kind": "datetime"}}}).table.schema["amount"].kind == "datetime"
    assert load_frame(frame, data={"columns": {"ts": {"kind": "numeric"}}}).table.schema["ts"].kind == "numeric"


def test_the_config_says_how_a_column_is_written():
    frame = _frame(day=_cycle("2|3|24", "28|3|24"), code=_cycle("x1", "x2", "x30"), level=_cycle("none", "low", "high"))
    data = {"columns": {"day": {"format": "%d|%m|%y"}, "code": {"unit": "x"}, "level": {"missing": ["none"]}}}

    table = load_frame(frame, data=data).table

    assert table.frame["day"][0] == pd.Timestamp("2024-03-02")
    assert table.frame["code"][2] == 30.0
    assert table.frame["level"][0] is None
    with pytest.raises(InputError, match="not written as data.columns.day.format"):
        load_frame(frame, data={"columns": {"day": {"format": "%Y"}}})


@pytest.mark.parametrize("word", ["None", "NA", "null"])
def test_a_frequent_word_for_nothing_among_words_is_a_class_and_said(word):
    labels = _cycle(word, "Mild", "Severe")

    found = load_frame(_frame(y=labels))

    assert set(found.table.schema.target.categories) == {word, "Mild", "Severe"}
    assert any(f"{word!r}, in 40 of 120 rows" in note for note in found.notes)
    marked = load_frame(_frame(y=labels, n=_cycle(word, "1.5", "2.5", "4")))
    assert set(marked.table.schema.target.categories) == {"Mild", "Severe"} and marked.table.schema["n"].kind == "numeric"
    silent = load_frame(_frame(y=labels), data={"columns": {"y": {"missing": [word]}}})
    assert set(silent.table.schema.target.categories) == {"Mild", "Severe"}


def test_csv_and_parquet_give_the_same_task(tmp_path):
    frame = _frame(y=_cycle("None", "Mild", "Severe"))
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet", index=False)

    text, typed = (load(tmp_path / name) for name in ("t.csv", "t.parquet"))

    assert text.problem.task == typed.problem.task == "multiclass"
    assert text.table.frame["y"].tolist() == typed.table.frame["y"].tolist()


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([f"{row / 10:.2f}%" for row in range(ROWS)], "regression"),
        ([f"${row * 17:,}.50" for row in range(ROWS)], "regression"),
        ([88 + row % 13 for row in range(ROWS)], "regression"),
        ([(1, 2, 10, 100)[row % 4] for row in range(ROWS)], "multiclass"),
        ([row % 10 for row in range(ROWS)], "multiclass"),
        (_cycle("10%", "20%", "50%"), "multiclass"),
    ],
)
def test_the_task_of_amounts(values, task):
    assert load_frame(_frame(y=values)).problem.task == task


@pytest.mark.parametrize(
    ("name", "target", "column", "kind"),
    [
        ("german.csv", "back", "spend", "numeric"),
        ("points_thousands.csv", "back", "spend", "numeric"),
        ("currency.csv", "back", "weight", "numeric"),
        ("none_class.csv", "damage", "damage", "categorical"),
        ("short_year.csv", "back", "bought", "datetime"),
        ("months.csv", "back", "month", "datetime"),
        ("yyyymmdd.csv", "back", "bought", "datetime"),
    ],
)
def test_tables_that_people_have(name, target, column, kind):
    if not (TABLES / name).exists():
        pytest.skip(f"needs {name}")

    found = load(TABLES / name, target)

    assert found.table.schema[column].kind == kind
    assert found.table.frame[column].notna().all() and len(found.table.frame) == 600
    assert any(repr(column) in note for note in found.notes)
    assert np.ptp(found.table.frame["age"]) > 10
