"""Drift is found where it is, weighed by what it means to the model, and not found where it is not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from switchyard.monitoring import evidently
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.reference import Reference
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.tables.schema import Schema
from tests.switchyard.monitoring.people import people, scorer, window
from tests.switchyard.monitoring.people import reference as make_reference


def drift(frame, reference, **settings):
    return measure_drift(window(frame, reference), reference, Monitoring(**settings), scorer())


def column(report, name):
    return next(part for part in report.columns if part.column == name)


@pytest.mark.parametrize("rows", [400, 2000])
def test_an_important_column_that_drifts_comes_first_and_carries_the_share(reference, rows):
    report = drift(people(rows, 1, income=60), reference)
    income = report.columns[0]

    assert income.column == "income" and income.unusual
    assert income.distance_method == "wasserstein" and income.distance > 0.3
    assert income.value <= income.adjusted < 1e-6
    assert report.weighted_share == pytest.approx(income.weight) and income.weight > 0.5
    assert report.share == pytest.approx(1 / 3)
    # Ten more of income at 0.12 on the logit: the mean probability rises by some 0.2.
    assert 0.1 < income.effect < 0.3
    assert report.prediction.drifted and report.target.drifted


@pytest.mark.parametrize("rows", [400, 2000])
def test_a_column_that_means_nothing_to_the_model_weighs_nothing(reference, rows):
    report = drift(people(rows, 1, noise=2), reference)

    assert column(report, "noise").unusual
    assert column(report, "noise").weight < 0.02 and abs(column(report, "noise").effect) < 0.01
    if rows > 1000:
        assert report.share == pytest.approx(1 / 3) and report.weighted_share < 0.02
        assert not report.prediction.drifted


def test_windows_like_the_training_seldom_drift(reference):
    reports = [drift(people(rows, seed), reference) for seed, rows in enumerate([150, 900, 1500] * 4)]

    assert sum(report.weighted_share > 0.1 for report in reports) <= 1


def test_what_the_training_period_did_by_itself_is_no_surprise():
    """Income wanders between 40 and 60 while the model is trained; a window at 60 is like some of it, one at 90 is not."""
    parts = [people(1000, seed, income=level) for seed, level in enumerate([40, 60, 40, 60, 50])]
    wandering = make_reference("time", pd.concat(parts, ignore_index=True))

    like, unlike = drift(people(1000, 9, income=58), wandering), drift(people(1000, 9, income=90), wandering)

    assert column(like, "income").drifted and not column(like, "income").unusual and like.weighted_share == 0
    assert column(unlike, "income").unusual


def test_few_rows_are_not_judged(reference):
    report = drift(people(50, 1, income=90), reference)

    assert not report.judged and report.columns == () and report.weighted_share is None
    assert report.notes == ("drift is not judged from fewer predictions than monitoring.min_rows = 100; there are 50",)


def test_quality_sees_missing_values_new_categories_and_ranges(reference):
    frame = people(1000, 1)
    frame.loc[frame.index[:200], "income"] = np.nan
    frame.loc[frame.index[:100], "job"] = "astronaut"
    frame.loc[frame.index[:50], "noise"] = 1000.0
    findings = {part.column: part.findings for part in drift(frame, reference).quality}

    assert findings["income"][0].startswith("20.0% missing")
    assert "astronaut" in findings["job"][0]
    assert findings["noise"][0].startswith("5.0% outside")
    assert not any(part.findings for part in drift(people(1000, 2), reference).quality)


def test_a_sampled_window_says_so_with_its_error(reference):
    frame = people(20_000, 1, income=55)
    whole, part = (measure_drift(window(frame, reference, most), reference, Monitoring()) for most in (50_000, 4000))
    exact, sampled = (next(c for c in report.columns if c.column == "income") for report in (whole, part))

    assert exact.error is None and sampled.error > 0
    assert abs(sampled.distance - exact.distance) < 4 * sampled.error
    assert part.notes[0].startswith("a sample of 4,000 of 20,000")


def test_the_short_way_to_evidently_gives_what_its_report_gives(reference):
    now = people(1500, 1, income=55)
    past = reference.rows
    methods = {"income": "wasserstein", "job": "jensenshannon", "noise": "psi"}
    numeric = frozenset(("income", "noise"))
    reported = evidently.measure(past, now, methods, numeric)

    for name, method in methods.items():
        assert evidently.distance(past[name], now[name], method, name in numeric) == pytest.approx(reported[name])


def test_a_reference_and_its_pages_come_back(reference, tmp_path):
    reference.write(tmp_path)
    back = Reference.read(tmp_path)

    assert back.facts == reference.facts and back.rows.equals(reference.rows) and back.suite == reference.suite
    page = drift(people(500, 1, income=70), back).html()
    assert "<script" not in page and "income" in page and "Weight" in back.html()


def test_the_column_that_orders_the_rows_is_not_compared(reference):
    columns = [
        column.model_copy(update={"role": "time"}) if column.name == "income" else column for column in reference.facts.columns.columns
    ]
    facts = reference.facts.model_copy(update={"columns": Schema(columns=tuple(columns))})
    report = drift(people(400, 1, income=60), replace(reference, facts=facts))
    assert {part.column for part in report.columns} == {"noise", "job"}
