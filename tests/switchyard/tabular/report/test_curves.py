import numpy as np
import pytest

from switchyard.tabular.report.curves import bars_between


@pytest.mark.parametrize(
    "values",
    [[0.0, 0.0], [5.0, 5.0], [-3.1e17, -3.1e17 + 64], [1e20, 1e20], [1.0, np.nextafter(1.0, 2.0)]],
)
def test_values_that_floats_hardly_tell_apart_have_a_histogram(values):
    counts, edges = np.histogram(values, bins=40, range=bars_between(min(values), max(values), 40))

    assert counts.sum() == len(values) and (np.diff(edges) > 0).all()


def test_others_have_theirs_from_end_to_end():
    assert bars_between(-1.0, 3.0, 40) == (-1.0, 3.0)
