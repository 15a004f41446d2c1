"""A column that follows the weekday or the hour is no drift on Monday morning, and a window outside of what training saw is called that."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from switchyard.monitoring.columns import compare, drift_table
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.seasons import covered, same_season
from switchyard.tabular.config.monitoring import Monitoring
from tests.switchyard.monitoring.people import people, reference, window

YEAR = pd.Series(pd.date_range("2025-01-01", "2025-12-31 23:30", freq="30min"))
MONDAY = pd.Timestamp("2026-01-05 08:00")


def load(moments: pd.Series, seed: int, extra: float = 0.0) -> pd.DataFrame:
    """Busy on weekday mornings, idle at night."""
    busy = ((moments.dt.weekday < 5) & moments.dt.hour.between(7, 10)).to_numpy()
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"load": rng.normal(np.where(busy, 100, 20) + extra, 10)})


def verdict(current: pd.DataFrame, like: np.ndarray | None):
    return compare(load(YEAR, 0), current, {"load": "numeric"}, Monitoring(), False, False, like)[0]


def test_a_column_that_follows_the_hour_is_no_drift_on_monday_morning():
    like, outside = same_season(YEAR, MONDAY, MONDAY + timedelta(hours=2))
    monday = load(pd.Series([MONDAY] * 120), 1)

    assert like is not None and not outside
    assert verdict(monday, None).unusual
    found = verdict(monday, like)
    assert found.drifted and not found.unusual


def test_what_is_unlike_its_own_hours_is_drift():
    like, _ = same_season(YEAR, MONDAY, MONDAY + timedelta(hours=2))

    assert verdict(load(pd.Series([MONDAY] * 120), 1, extra=15), like).unusual
    # As busy as on a weekday, on a Sunday.
    sunday = MONDAY - timedelta(days=1)
    like, _ = same_season(YEAR, sunday, sunday + timedelta(hours=2))
    assert verdict(load(pd.Series([MONDAY] * 120), 1), like).unusual


def test_a_window_of_a_week_is_held_against_the_whole():
    assert same_season(YEAR, MONDAY, MONDAY + timedelta(days=7)) == (None, "")


def test_a_table_of_days_knows_weekdays_only():
    days = pd.Series(np.repeat(pd.date_range("2025-01-01", "2025-12-31"), 3))
    like, outside = same_season(days, MONDAY, MONDAY + timedelta(hours=2))

    assert like is not None and not outside and (days.iloc[like].dt.weekday == 0).all()


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (YEAR[YEAR.dt.month < 7], "no row of December"),
        (YEAR[YEAR.dt.weekday < 5], "no row of the like of Sunday 23:00"),
        (YEAR[YEAR.dt.hour.between(8, 17)], "no row of the like of Sunday 23:00"),
    ],
)
def test_a_window_outside_of_what_training_saw_is_called_that(seen, said):
    since = pd.Timestamp("2025-12-28 23:00")
    like, outside = same_season(seen.reset_index(drop=True), since, since + timedelta(hours=1))

    assert like is None and said in outside


def test_a_window_is_outside_where_most_of_it_is_in_months_that_training_did_not_see():
    seen, week = YEAR[YEAR.dt.month < 12], timedelta(days=7)

    assert "no row of December" in same_season(seen, pd.Timestamp("2025-11-28"), pd.Timestamp("2025-11-28") + week)[1]
    assert same_season(seen, pd.Timestamp("2025-11-25"), pd.Timestamp("2025-11-25") + week) == (None, "")


def test_a_reference_says_what_it_covers():
    assert covered(YEAR) == "2025-01-01 to 2025-12-31: all months, all weekdays, every hour"
    assert covered(YEAR[YEAR.dt.weekday < 5]).endswith("no Saturday, Sunday, every hour")
    assert covered(pd.Series(pd.date_range("2025-03-01", "2025-04-30"))) == "2025-03-01 to 2025-04-30: March, April, all weekdays"


def test_a_reference_keeps_its_moments_and_its_windows_are_held_against_them(tmp_path):
    kept = reference()
    moments = pd.Series(pd.date_range("2025-01-01", periods=len(kept.rows), freq="h"))
    replace(kept, moments=moments).write(tmp_path)
    again = Reference.read(tmp_path)

    assert again.moments is not None and (again.moments == moments).all() and "It covers 2025-01-01 to" in again.report().lead
    night = window(people(300, 1), again)
    night = replace(night, facts=night.facts.model_copy(update={"since": MONDAY, "until": MONDAY + timedelta(hours=1), "timed": True}))
    assert any("outside of what training saw" in note for note in measure_drift(night, again, Monitoring()).notes)


def test_tiny_p_values_do_not_fill_their_column():
    far = verdict(load(YEAR, 3, extra=50), None)
    (row,) = drift_table([far]).rows

    assert far.adjusted < 1e-100 and row[-1] == "<0.001"
