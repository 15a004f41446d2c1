"""The generated customers: the same for the same seed, of kinds that are really there."""

from __future__ import annotations

import numpy as np
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.builtin import read_builtin
from switchyard.tabular.tables.reading.shoppers import KINDS, kinds_of, shoppers


def test_the_same_seed_makes_the_same_customers_and_options_are_read():
    assert shoppers(50, 3).equals(read_builtin("builtin:shoppers?rows=50&seed=3"))
    assert not shoppers(50, 3).equals(shoppers(50, 4))
    with pytest.raises(InputError, match="builtin:shoppers has no option 'leaks'"):
        read_builtin("builtin:shoppers?leaks=id")
    with pytest.raises(InputError, match="give 1 to 10,000,000"):
        shoppers(0)


def test_the_kinds_are_apart_and_the_most_frequent_is_the_first():
    frame, kinds = shoppers(3_000), kinds_of(3_000)
    hunters = frame["at_discount"][kinds == KINDS.index("bargain hunters")]

    assert np.bincount(kinds).tolist() == sorted(np.bincount(kinds), reverse=True)
    assert hunters.mean() > 0.7 > frame["at_discount"][kinds != KINDS.index("bargain hunters")].max()
