import threading
import time
from contextlib import closing

import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.cores import Cores, side_by_side


def test_results_come_in_order_whoever_is_through_first():
    began = threading.Barrier(2, timeout=10)

    def work(number, given_up):
        if number < 2:
            began.wait()  # Broken by its timeout unless both run at once.
        if number == 0:
            time.sleep(0.1)
        return number

    assert list(side_by_side(work, 5, at_once=2)) == [0, 1, 2, 3, 4]


def test_alone_it_runs_in_the_thread_of_its_caller():
    assert set(side_by_side(lambda number, given_up: threading.get_ident(), 3, at_once=1)) == {threading.get_ident()}


def test_what_nobody_waits_for_any_more_is_told_so_and_the_rest_not_begun():
    begun, told, together = [], [], threading.Barrier(3, timeout=10)

    def work(number, given_up):
        begun.append(number)
        if number < 3:
            together.wait()
        if number:
            told.append(given_up.wait(10))
        return number

    with closing(side_by_side(work, 9, at_once=3)) as results:
        assert next(results) == 0
    # The thread of the first may have taken one more.
    assert all(told) and len(told) >= 2 and {0, 1, 2} <= set(begun) <= {0, 1, 2, 3}


def test_what_a_piece_raises_comes_in_its_turn():
    def work(number, given_up):
        if number == 1:
            raise ValueError("the second")
        return number

    results = side_by_side(work, 3, at_once=2)
    assert next(results) == 0
    with pytest.raises(ValueError, match="the second"):
        next(results)


@pytest.mark.parametrize(
    "family, rows, n_jobs, fits, threads",
    [
        ("lightgbm", 1_000, 2, 2, 1),
        ("lightgbm", 1_000, 16, 5, 3),
        ("lightgbm", 1_000_000, 16, 1, 16),
        ("neural_network", 1_000_000, 4, 4, 1),
        ("random_forest", 1_000, 4, 1, 4),
        ("xgboost", 1_000, 1, 1, 1),
    ],
)
def test_cores_that_a_fit_has_no_use_for_fit_other_folds(family, rows, n_jobs, fits, threads):
    assert Cores.shared(FAMILIES[family], rows, 20, fits=5, n_jobs=n_jobs) == Cores(fits, threads)


def test_rounds_are_counted():
    cores = Cores(fits=2, threads=1)
    assert [cores.round_of(number, 5) for number in range(5)] == [3, 3, 2, 2, 1]
    assert [cores.rounds(left) for left in range(5)] == [0, 1, 1, 2, 2]
