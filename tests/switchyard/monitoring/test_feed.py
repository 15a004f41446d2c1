"""A broken feed is told apart from drift, named with before and after, and is no reason to train."""

import numpy as np
import pandas as pd
import pytest

from switchyard.monitoring.decide import decide
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.expectations import validate_window
from switchyard.monitoring.feed import find_faults
from switchyard.monitoring.ledger import Past
from switchyard.monitoring.performance import measure_performance
from switchyard.tabular.config.monitoring import Monitoring
from tests.switchyard.monitoring.people import people, window

KINDS = {"area": "numeric", "rooms": "numeric", "year": "numeric", "kind": "categorical", "heating": "categorical", "sold": "datetime"}


def houses(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    area = np.round(rng.lognormal(7.3, 0.35, rows))
    return pd.DataFrame(
        {
            "area": area,
            "rooms": np.round(area / 250 + rng.normal(0, 1, rows)),
            "year": rng.integers(1900, 2020, rows).astype(float),
            "kind": rng.choice(["flat", "house", "farm"], rows, p=[0.5, 0.4, 0.1]).astype(object),
            "heating": rng.choice(["gas", "oil", "wood"], rows, p=[0.6, 0.3, 0.1]).astype(object),
            "sold": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), unit="D"),
        }
    )


PAST = houses(4000, 0)
BROKEN = {
    "unit": ("area", lambda frame: frame.assign(area=frame.area * 0.0929)),
    "zero": ("year", lambda frame: frame.assign(year=frame.year - 1900)),
    "names": ("kind", lambda frame: frame.assign(kind=frame.kind.replace("house", "HOUSE"))),
    "other names": ("kind", lambda frame: frame.assign(kind=frame.kind.map({"flat": "01", "house": "02", "farm": "03"}))),
    "empty": ("heating", lambda frame: frame.assign(heating=None)),
    "constant": ("rooms", lambda frame: frame.assign(rooms=0.0)),
    "swapped": ("rooms", lambda frame: frame.assign(rooms=frame.year, year=frame.rooms)),
    "swapped names": ("kind", lambda frame: frame.assign(kind=frame.heating, heating=frame.kind)),
    "dates": ("sold", lambda f: f.assign(sold=pd.to_datetime(f.sold.dt.strftime("%Y-%d-%m"), format="%Y-%m-%d", errors="coerce"))),
    "seconds": ("sold", lambda frame: frame.assign(sold=pd.to_datetime(frame.sold.astype("int64") // 1000))),
}


@pytest.mark.parametrize("rows", [150, 1000])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_found_in_its_column(fault, rows):
    column, breaks = BROKEN[fault]
    found = find_faults(PAST, breaks(houses(rows, 1)), KINDS)

    assert column in {one.column for one in found} and len(found) <= 2, found


def test_one_of_many_categories_is_missed_under_its_new_name_though_others_are_always_new():
    rng = np.random.default_rng(3)
    # One row in three has a category of its own.
    drawn = [
        [f"part {n}" for n in np.where(rng.random(rows) < 0.65, rng.integers(0, 30, rows), rng.integers(0, 10**7, rows))]
        for rows in (4000, 800)
    ]
    past, current = (pd.DataFrame({"part": part}, dtype=object) for part in drawn)

    assert not find_faults(past, current, {"part": "categorical"})
    assert find_faults(past, current.replace("part 3", "article"), {"part": "categorical"})


def test_a_category_that_comes_where_values_were_missing_is_no_renaming():
    fences = PAST.kind.where(PAST.index % 5 == 0)
    came = fences.copy()
    came[PAST.index % 5 == 1] = "electric"
    past, current = PAST.assign(kind=fences), PAST.assign(kind=came)

    assert "kind" not in {fault.column for fault in find_faults(past, current, KINDS)}


def test_a_factor_that_few_rows_cannot_tell_from_growth_is_no_unit():
    rng = np.random.default_rng(0)
    past = pd.DataFrame({"seconds": np.round(rng.lognormal(4, 1, 4000))})
    grown = [pd.DataFrame({"seconds": 1.5 * np.round(rng.lognormal(4, 1, 100)) + 0.2}) for _ in range(100)]

    assert sum(bool(find_faults(past, window, {"seconds": "numeric"})) for window in grown) <= 2
    miles = [pd.DataFrame({"seconds": 1.609 * np.round(rng.lognormal(4, 1, 100))}) for _ in range(20)]
    assert sum(bool(find_faults(past, window, {"seconds": "numeric"})) for window in miles) >= 10


def test_a_fault_says_before_and_after():
    (fault,) = find_faults(PAST, BROKEN["unit"][1](houses(800, 1)), KINDS)

    assert fault.before.startswith("median 1,4") and fault.after.startswith("13")
    assert str(fault).endswith("about x 0.0929: a unit?")


@pytest.mark.parametrize("rows", [100, 1000])
def test_honest_windows_and_drift_are_no_fault(rows):
    for seed in range(10):
        frame = houses(rows, 100 + seed)
        older, larger = frame.sample(frac=0.5, weights=2030 - frame.year, random_state=0), frame.nlargest(rows // 2, "area")
        for drifting in (frame, older, larger, frame.assign(area=frame.area * 1.3), frame.assign(year=frame.year + 15)):
            assert find_faults(PAST, drifting, KINDS) == ()
        assert find_faults(PAST, frame.assign(kind=frame.kind.mask(np.arange(rows) % 5 == 0, "castle")), KINDS) == ()


def test_a_column_that_stands_still_for_long_is_no_constant_that_broke():
    past = PAST.assign(rate=np.repeat([1.0, 1.5, 2.0, 3.0], 1000))

    assert find_faults(past, houses(300, 1).assign(rate=3.5), {**KINDS, "rate": "numeric"}) == ()


@pytest.mark.parametrize("rows", [60, 100, 1000])
def test_a_shift_by_some_spreads_is_drift_and_neither_a_unit_nor_another_zero(rows):
    rng = np.random.default_rng(5)
    for middle in (5, 10, 15, 60):
        past = pd.DataFrame({"degrees": rng.normal(middle, 5, 4000)})
        for shift in (-15, 10, 15, 20):
            for _ in range(5):
                warmer = pd.DataFrame({"degrees": rng.normal(middle + shift, 5, rows)})
                assert find_faults(past, warmer, {"degrees": "numeric"}) == (), (middle, shift)


@pytest.mark.parametrize("rows", [100, 1000])
def test_a_column_without_tails_that_moves_beyond_its_range_has_drifted_and_one_that_moves_farther_has_another_zero(rows):
    rng = np.random.default_rng(6)
    past, current = (pd.DataFrame({"stars": rng.integers(1, 6, size).astype(float)}) for size in (4000, rows))

    for spreads in (-4, -3, 3, 4):
        assert find_faults(past, current + spreads * float(past.stars.std()), {"stars": "numeric"}) == ()
    assert find_faults(past, current + 100, {"stars": "numeric"})


def test_names_of_nearly_as_many_as_rows_are_known_by_what_all_new_ones_begin_with():
    rng = np.random.default_rng(4)
    past, current, others = (pd.DataFrame({"name": [f"car {n}" for n in rng.integers(low, low + 600, rows)]}, dtype=object)
                             for low, rows in ((0, 500), (0, 150), (10_000, 150)))  # fmt: skip
    kinds = {"name": "categorical"}

    assert find_faults(past, current, kinds) == ()
    (fault,) = find_faults(past, "c:" + current, kinds)
    assert (fault.kind, fault.after) == ("names", ", ".join(f"'c:{name[1:-1]}'" for name in fault.before.split(", ")))
    # New ones that nobody has seen are new.
    assert find_faults(past, others, kinds) == ()


@pytest.mark.parametrize(
    ("factor", "shift", "words"),
    [(1, 273.15, "Kelvin for Celsius?"), (1.8, 32, "Fahrenheit for Celsius?"), (1, 80, "shifted as a whole, another zero?")],
)
def test_a_shift_beyond_the_whole_range_is_a_fault_and_known_degrees_are_named(factor, shift, words):
    rng = np.random.default_rng(6)
    past, current = (pd.DataFrame({"degrees": rng.normal(15, 5, rows)}) for rows in (4000, 300))

    (fault,) = find_faults(past, current * factor + shift, {"degrees": "numeric"})
    assert fault.words.endswith(words)


def decided(frame, reference, past=()):
    found, settings = window(frame, reference), Monitoring(repeats=2)
    drift, performance = measure_drift(found, reference, settings), measure_performance(found, reference, settings)
    facts = found.facts.model_copy(update={"of_production": True})
    decision = decide(facts, validate_window(found, reference), drift, performance, settings, past)
    return {rule.name: rule for rule in decision.rules}, decision, performance


def test_a_broken_feed_alerts_and_vetoes_a_training(reference):
    """Incomes in thousandths: drift that repeats, a score that fell, and still nothing to train on."""
    before = [Past("a", True), Past("b", True)]
    broken = people(1500, 11)
    rules, decision, _ = decided(broken.assign(income=broken.income * 0.001), reference, before)

    assert decision.action == "alert" and rules["data_quality"].verdict == "alert"
    assert "income median" in rules["data_quality"].reason and "a unit?" in rules["data_quality"].reason
    assert rules["performance_drop"].verdict == rules["repeated_drift"].verdict == "alert"
    assert "'income' came from a broken feed; mend it" in decision.reason


def test_drift_is_no_reason_to_train_while_the_measured_score_holds(reference):
    before, drifting = [Past("a", True), Past("b", True)], people(1500, 11, income=58)

    measured, unlabelled = (decided(frame, reference, before)[0] for frame in (drifting, drifting.assign(y=None)))
    assert measured["repeated_drift"].verdict == "alert" and "measured on labels, holds" in measured["repeated_drift"].reason
    assert unlabelled["repeated_drift"].verdict == "retrain"


def test_no_score_is_estimated_from_rows_unlike_all_that_was_seen(reference):
    frame = people(1500, 11).assign(y=None)
    unit, far = frame.assign(income=frame.income * 0.001), frame.assign(income=frame.income.where(frame.index % 3 > 0, 900.0))

    for broken, why in ((unit, "a unit?"), (far, "outside of what training saw, most of it in 'income'")):
        rules, _, performance = decided(broken, reference)
        assert performance.basis == "none" and not performance.estimated and why in performance.reason
        assert rules["performance_drop"].value is None and why in rules["performance_drop"].reason
    assert decided(frame, reference)[2].basis == "estimated"


def test_an_estimate_is_no_surer_than_the_holdout_that_it_is_learnt_from(reference):
    estimated, holdout = decided(people(20_000, 11).assign(y=None), reference)[2].score, reference.facts.score

    assert estimated.high - estimated.low >= 0.999 * (holdout.high - holdout.low)
