"""Learning rates by the clock: fewer rounds, the same sum."""

import pytest

from switchyard.tabular.families import strides
from switchyard.tabular.families.strides import LARGEST, Strides


def made(monkeypatch, round_s, by, rate=0.05, rounds=400):
    """The rates of a fit whose rounds take `round_s(n)` seconds each and that should be through `by` seconds."""
    clock = [100.0]
    monkeypatch.setattr(strides.time, "monotonic", lambda: clock[0])
    found, rates = Strides(rate, rounds, None if by is None else clock[0] + by), []
    while found.left:
        rates.append(found.next())
        clock[0] += round_s(len(rates))
    return rates, clock[0] - 100.0


@pytest.mark.parametrize("by", [None, 500.0])
def test_with_time_enough_it_is_the_recipe(monkeypatch, by):
    rates, _ = made(monkeypatch, lambda n: 1.0, by)

    assert rates == pytest.approx([0.05] * 400)


@pytest.mark.parametrize(
    "round_s", [lambda n: 1.0, lambda n: 0.5 + n / 200, lambda n: 1.5 if n < 50 else 0.7], ids=["even", "slower", "faster"]
)
def test_with_less_it_is_through_by_then_with_the_same_sum(monkeypatch, round_s):
    rates, took = made(monkeypatch, round_s, 150.0)

    assert sum(rates) == pytest.approx(0.05 * 400)
    assert 130.0 < took < 155.0 and max(rates) <= LARGEST


def test_far_too_little_is_exceeded_before_steps_get_too_large_or_the_sum_too_small(monkeypatch):
    rates, took = made(monkeypatch, lambda n: 1.0, 20.0)

    assert sum(rates) == pytest.approx(0.05 * 400) and max(rates) == LARGEST
    assert took == pytest.approx(20 / LARGEST, abs=6)


def test_a_recipe_of_larger_steps_keeps_them(monkeypatch):
    rates, _ = made(monkeypatch, lambda n: 1.0, 5.0, rate=0.5, rounds=40)

    assert rates == pytest.approx([0.5] * 40)
