"""Rows written twice are told from rows of few different values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.copies import drop_copies, find_copies
from switchyard.tabular.tables.split import split_table
from tests.switchyard.tabular.tables_of_quality import canonical_table, customers, problem_for


def coarse(rows: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "variant": rng.choice(["a", "b"], rows),
        "country": rng.choice(list("defgh"), rows),
        "age": rng.integers(18, 70, rows).astype(float),
        "churned": rng.choice(["yes", "no"], rows),
    })  # fmt: skip
    return frame.astype({"variant": object, "country": object})


@pytest.mark.parametrize("columns", [["variant", "country", "churned"], ["variant", "country", "age", "churned"]])
def test_rows_of_few_different_values_are_no_fault(columns):
    table = canonical_table(coarse()[columns], "churned", True)
    copies = find_copies(table.frame, table.schema)

    assert copies.count > 1000 and not copies.fault


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_rows_written_twice_are_a_fault(share):
    frame = customers()
    table = canonical_table(pd.concat([frame, frame.sample(frac=share, random_state=0)], ignore_index=True), "churned", True)
    copies = find_copies(table.frame, table.schema)

    assert copies.fault and copies.count == round(share * len(frame))
    left, notes = drop_copies(table)
    assert len(left.frame) == len(frame) and f"{copies.count:,} of" in notes[0]


def test_the_finding_says_how_many_holdout_rows_are_known_by_heart():
    frame, problem = customers(), problem_for("churned")
    split = split_table(canonical_table(pd.concat([frame, frame], ignore_index=True), "churned", True), problem)
    (finding,) = [found for found in check_quality(split, problem).findings if found.check in ("duplicate_rows", "split_overlap")]
    columns = list(split.train)
    known = split.holdout.merge(split.train.drop_duplicates(), on=columns).shape[0]

    assert finding.action == "warn" and f"{known:,} of the {len(split.holdout):,} holdout rows" in finding.message
    assert known > 0.6 * len(split.holdout)


def test_honest_repetition_is_a_note_and_no_overlap():
    problem = problem_for("churned")
    split = split_table(canonical_table(coarse()[["variant", "country", "churned"]], "churned", True), problem)
    findings = [found for found in check_quality(split, problem).findings if found.check in ("duplicate_rows", "split_overlap")]

    assert [(found.check, found.action) for found in findings] == [("duplicate_rows", "note")]
