"""The generated rides: the same for the same seed, by the law that is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.builtin import read_builtin
from switchyard.tabular.tables.reading.rides import expected_rides, rides
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve

CONFIG = Path(__file__).parents[4] / "configs" / "rides.yaml"


def test_the_same_seed_makes_the_same_rides_and_options_are_read():
    assert rides(50, 3).equals(read_builtin("builtin:rides?rows=50&seed=3"))
    assert not rides(50, 3).equals(rides(50, 4))
    with pytest.raises(InputError, match="give 1 to 100,000"):
        rides(0)


def test_rides_are_counts_of_the_law_and_many_hours_have_none():
    frame = rides(8_000)
    expected = expected_rides(frame)
    # Of a Poisson law the squared distance is the mean.
    spread = ((frame["rides"] - expected) ** 2 / expected).mean()

    assert spread == pytest.approx(1, abs=0.1)
    assert 0.1 < (frame["rides"] == 0).mean() < 0.6 and frame["rides"].max() > 40
    assert np.array_equal(frame["rides"], frame["rides"].astype(int))


def test_the_config_of_the_rides_is_whole():
    problem = problem_from(read_settings(CONFIG), "configs/rides.yaml")
    _, settled, notes = resolve(read_source(problem.data), problem)

    assert (settled.task, settled.objective, settled.metric) == ("regression", "poisson", "poisson_deviance")
    assert any("'rides' is learnt as a count by the Poisson loss" in note for note in notes)
