"""The law: what training accepts, scoring accepts and reads to the same bits, from any source, in any order, as text or JSON."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchyard.bundle import Other, Scorer, Signature
from switchyard.tabular.batch.columns import model_columns, moments
from switchyard.tabular.errors import InputError
from switchyard.tabular.export.bundle import input_columns
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.table import model_frame
from tests.switchyard.tabular.bundles import logistic_files
from tests.switchyard.tabular.tables.reading import load

ROWS = 40
_DAYS = st.dates(date(1990, 1, 1), date(2030, 12, 28))
_MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2030, 12, 28)).map(lambda moment: moment.replace(microsecond=0))
_WORDS = st.sampled_from(["red", "green", "None", "NA", "none", "True", "true", "FALSE", "1", "1.0", "2.50", "x y", "ä", "?"])
_SAID = st.sampled_from(["the", "a", "is", "it's", "Good.", "straße", "満足", "NA", "x,y", '"so"'])
_LETTERS = st.characters(exclude_categories=("C", "Zl", "Zp"))
_FLOATS = st.floats(-1e12, 1e12, allow_nan=False)
# name -> values as Python objects, and the Arrow type that a program would write them in.
TYPED = {
    "floats": (_FLOATS, pa.float64()),
    "infinite": (st.one_of(_FLOATS, st.just(float("inf"))), pa.float64()),
    "whole": (st.integers(-(10**6), 10**6), pa.int64()),
    "few": (st.integers(0, 3), pa.int64()),
    "large": (st.sampled_from([2**53 + 1, 2**53 + 3, 2**53 + 5]), pa.int64()),
    "decimals": (st.integers(-(10**8), 10**8).map(lambda number: Decimal(number) / 100), pa.decimal128(20, 2)),
    "flags": (st.booleans(), pa.bool_()),
    "bits": (st.integers(0, 1), pa.int8()),
    "days": (_DAYS, pa.date32()),
    "moments": (_MOMENTS, pa.timestamp("us")),
    "zoned": (_MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)), pa.timestamp("us", tz="Europe/Berlin")),
    "spans": (st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)), pa.duration("us")),
    "clock": (st.integers(0, 86_399).map(lambda second: time(second // 3600, second // 60 % 60, second % 60)), pa.time64("us")),
    "words": (_WORDS, pa.dictionary(pa.int32(), pa.string())),
}
TEXTS = {
    "dollars": _FLOATS.map(lambda number: f"${number:,.2f}"),
    "percent": st.floats(0, 100).map(lambda number: f"{number:.1f}%"),
    "german": st.floats(0, 1e6).map(lambda number: f"{number:,.2f}".translate(str.maketrans(",.", ".,"))),
    "kilograms": st.integers(1, 500).map(lambda number: f"{number / 10:.1f} kg"),
    "dotted": _DAYS.map(lambda day: f"{day:%d.%m.%Y}"),
    "american": _DAYS.map(lambda day: f"{day.month}/{day.day}/{day:%y}"),
    "named": _DAYS.map(lambda day: f"{day:%d %B %Y}"),
    "afternoon": _MOMENTS.map(lambda moment: f"{moment:%m/%d/%Y %I:%M %p}"),
    "months": _DAYS.map(lambda day: f"{day:%Y-%m}"),
    "compact": _DAYS.map(lambda day: f"{day:%Y%m%d}"),
    "gaps": st.one_of(_FLOATS.map(str), st.sampled_from(["?", "NA", "unknown", "-"])),
    "swiss": st.integers(0, 10**6).map(lambda number: f"CHF {number:,}.-".replace(",", "'")),
    "lakhs": st.integers(100, 10**7).map(lambda number: f"{number // 100_000 or ''},{number % 100_000:06,}".lstrip(",") + ".50"),
    "halves": st.integers(0, 1439).map(lambda minute: f"{minute // 60 % 12 or 12}:{minute % 60:02d} {'ap'[minute // 720]}.m."),
    "januar": _DAYS.map(lambda day: f"{day.day}. {('Januar', 'März', 'Mai', 'Okt.')[day.month % 4]} {day.year}"),
    "two ways": _DAYS.map(lambda day: f"{day:%d.%m.%Y}" if day.day % 2 else day.isoformat()),
    "minutes": _MOMENTS.map(lambda moment: f"{moment:%Y%m%d%H%M}"),
    "codes": st.integers(0, 99).map(lambda number: f"{number:03d}"),
    "words": _WORDS,
    "prose": st.lists(st.one_of(_SAID, st.text(_LETTERS, max_size=8)), min_size=4).map(" ".join),
    "said": _WORDS,
}


@st.composite
def tables(draw) -> tuple[pa.Table, dict[str, dict[str, str]]]:
    """A table with a target and a few columns, some with gaps, and what the config says of some of them."""
    names = draw(st.lists(st.sampled_from(sorted(TYPED)), min_size=1, max_size=3, unique=True))
    texts = draw(st.lists(st.sampled_from(sorted(TEXTS)), max_size=2, unique=True))
    columns, said = {}, {}
    for name in names:
        strategy, kind = TYPED[name]
        columns[name] = pa.array(draw(_column(strategy)), kind)
        if name in ("flags", "whole", "few", "bits", "words") and draw(st.booleans()):
            said[name] = {"kind": "categorical"}
    for name in texts:
        columns[f"{name} text"] = pa.array(draw(_column(TEXTS[name])), pa.string())
        if name in ("prose", "said"):
            said[f"{name} text"] = {"kind": "text"}
    columns["y"] = pa.array([("no", "yes")[row % 3 == 0] for row in range(ROWS)])
    return pa.table(columns), said


def _column(values: st.SearchStrategy) -> st.SearchStrategy:
    gappy = st.one_of(values, st.none())
    return st.one_of(st.lists(values, min_size=ROWS, max_size=ROWS), st.lists(gappy, min_size=ROWS, max_size=ROWS))


def _encoder(table) -> Scorer:
    signature = Signature("m", "binary", "y", input_columns(table.schema.features), classes=("no", "yes"))
    return Scorer.of(logistic_files()["model.onnx"], Signature.from_json(signature.to_json()))


def _inputs(scorer: Scorer, path) -> dict[str, np.ndarray]:
    rows = open_rows(path, path.name, [column.name for column in scorer.signature.columns])
    (chunk,) = rows.chunks()
    return scorer.encode(model_columns(chunk, scorer.signature))


def _check(scorer: Scorer, got: dict[str, np.ndarray], seen: pd.DataFrame, rows: slice = slice(None)) -> None:
    for column in scorer.signature.columns:
        have, want = got[column.input][:, column.position], seen[column.name].to_numpy()[rows]
        same = np.array_equal(have, want, equal_nan=True) if column.input == "numeric" else have.tolist() == want.tolist()
        assert same, (column, list(zip(have.tolist(), want.tolist(), strict=True))[:5])


def _law(folder, table: pa.Table, said: dict[str, dict[str, str]]) -> None:
    frame = table.to_pandas()
    frame.to_csv(folder / "t.csv", index=False)
    pq.write_table(table, folder / "t.parquet")
    shuffled = frame[[*reversed(frame.columns)]]
    shuffled.to_csv(folder / "other.csv", index=False, sep=";")
    shuffled.drop(columns="y").to_parquet(folder / "other.parquet", index=False)
    for source, others in (("t.csv", ("t.csv", "other.csv")), ("t.parquet", ("t.parquet", "other.parquet", "t.csv"))):
        try:
            trained = load(folder / source, data={"columns": said}).table
        except InputError:
            continue
        seen = model_frame(trained.frame, trained.schema.features)
        scorer = _encoder(trained)
        for other in others:
            _check(scorer, _inputs(scorer, folder / other), seen)
        texts = pd.read_csv(io.StringIO((folder / "t.csv").read_text()), dtype=str, keep_default_na=False)
        for row in (0, ROWS - 1):
            sent = {column.name: [texts[column.name][row] or None] for column in scorer.signature.columns}
            _check(scorer, scorer.encode(sent), seen, slice(row, row + 1))
            values = {column.name: [table[column.name][row].as_py()] for column in scorer.signature.columns}
            _check(scorer, scorer.encode(values), seen, slice(row, row + 1))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(tables())
def test_what_training_accepts_is_scored_as_trained(tmp_path_factory, made):
    _law(tmp_path_factory.mktemp("law"), *made)


@pytest.mark.full
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_the_law_at_length(tmp_path_factory, made):
    _law(tmp_path_factory.mktemp("law"), *made)


@pytest.mark.parametrize(
    ("column", "later"),
    [
        (["10", "20", "30", None] * 10, [10.0, 20.0, 30.0, np.nan] * 10),
        ([1, 2, 3, 4] * 10, [1.0, 2.0, 3.0, np.nan] * 10),
        ([True, False] * 20, [True, None] * 20),
    ],
)
def test_whole_numbers_that_a_gap_turned_into_floats_are_the_same(tmp_path, column, later):
    frame = pd.DataFrame({"shop_id": column, "y": ["no", "yes"] * 20})
    frame.to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame({"shop_id": later}).to_csv(tmp_path / "later.csv", index=False)

    trained = load(tmp_path / "t.csv", data={"columns": {"shop_id": {"role": "feature", "kind": "categorical"}}}).table
    scorer = _encoder(trained)

    got = set(_inputs(scorer, tmp_path / "later.csv")["categorical"][:, 0]) - {"__missing__"}
    assert got <= set(trained.schema["shop_id"].categories)


def test_the_moments_of_a_time_column_are_read_as_in_training(tmp_path):
    frame = pd.DataFrame({"day": [f"{1 + row % 28:02d}.03.2024" for row in range(40)], "x": range(40), "y": ["no", "yes"] * 20})
    frame.to_csv(tmp_path / "t.csv", index=False)

    trained = load(tmp_path / "t.csv", data={"time_column": "day"}).table
    day = trained.schema["day"]
    signature = Signature("m", "binary", "y", (), classes=("no", "yes"), others=(Other("day", "time", "datetime", day.reading),))
    signature = Signature.from_json(signature.to_json())
    (chunk,) = open_rows(tmp_path / "t.csv", "t.csv", "y").chunks()

    assert moments(chunk, "day", signature) == [moment.timestamp() for moment in trained.frame["day"]]
