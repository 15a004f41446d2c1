"""Unseen means unseen: no category that training saw is called new, however many there were."""

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle import Column, Signature
from switchyard.bundle.seen import Seen, hash_categories
from switchyard.tabular.batch.counts import InputCounts
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.export.bundle import _input_column
from switchyard.tabular.tables.reading.sources import RawTable
from switchyard.tabular.tables.resolve import resolve


def resolved(categories: int, rows: int) -> tuple[pd.DataFrame, object]:
    """A table with `categories` cities, each in at least one row, and its schema."""
    rng = np.random.default_rng(0)
    at = np.concatenate([np.arange(categories), rng.integers(categories, size=rows - categories)])
    frame = pd.DataFrame({"city": [f"city {number} of many" for number in at], "age": rng.normal(size=rows), "y": rng.integers(0, 2, rows)})
    settings = {"name": "cities", "data": {"source": "cities.csv", "target": "y", "columns": {"city": {"kind": "categorical"}}}}
    table, *_ = resolve(RawTable(frame, "cities.csv", "sha256:x"), problem_from(settings, "the test"))
    return table.frame, table.schema


def signature(column: Column) -> Signature:
    return Signature.from_json(Signature("cities", "binary", "y", (column,), ("0", "1")).to_json())


@pytest.mark.parametrize("categories", [3, 50, 51, 1000, 1001, 4000])
def test_a_table_scored_by_its_own_model_has_no_new_category(categories):
    frame, schema = resolved(categories, 2 * categories + 200)
    known = signature(_input_column(schema["city"], "categorical", 0))
    counts = InputCounts(known)

    for _ in range(2):
        counts.add({"categorical": frame["city"].to_numpy(object).reshape(-1, 1)})
    assert counts.columns()[0].unknown == 0 and len(known.columns[0].categories) <= 50
    assert schema["city"].seen.unseen(["city 2 of many", "Atlantis"]).tolist() == [False, True]

    counts.add({"categorical": np.array([["Atlantis"], ["Atlantis"], ["__missing__"], ["city 0 of many"]], dtype=object)})
    assert counts.columns()[0].unknown == 2 and counts.columns()[0].missing == 1


def test_a_hundred_thousand_categories_are_small_quick_and_as_good_as_exact():
    names = [f"customer {number}" for number in range(100_000)]
    hashes = hash_categories(names)
    start = time.perf_counter()
    seen = Seen(names[:50], hashes)
    assert seen.unseen(names[:20]).tolist() == [False] * 20
    assert time.perf_counter() - start < 0.5

    assert len(hashes) < 1.1e6 and seen.kept == 100_000
    assert not seen.unseen(names).any() and seen.unseen([f"stranger {number}" for number in range(10_000)]).all()


def test_a_signature_of_before_that_names_some_of_its_categories_calls_none_new():
    column = Column("city", "categorical", "categorical", 0, categories=tuple(f"city {number}" for number in range(50)))
    fields = dataclasses.asdict(column)
    del fields["hashes"]
    counts = InputCounts(signature(Column(**fields)))

    counts.add({"categorical": np.array([["city 51"]], dtype=object)})
    assert column.seen is None and counts.columns()[0].unknown == 0


def test_how_many_categories_there_were_is_said():
    _, schema = resolved(1200, 3000)
    column = signature(_input_column(schema["city"], "categorical", 0)).columns[0]

    assert column.shown_categories.count("city") == 8 and column.shown_categories.endswith(" and 1,192 more")
    assert Column("job", "categorical", "categorical", 0, categories=("cook", "smith")).shown_categories == "cook, smith"
