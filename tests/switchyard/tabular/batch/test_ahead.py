"""Items made in a thread while others are worked on: all of them, in order, errors too, and no thread left behind."""

import threading

import pytest

from switchyard.tabular.batch.ahead import ahead


def test_items_come_in_order_and_no_more_than_a_few_are_made_before_they_are_taken():
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield number

    for taken in ahead(items(), most=2):
        assert made[taken] == taken and len(made) <= taken + 4
    assert made == list(range(50))


def test_an_error_comes_after_what_was_made_before_it():
    def items():
        yield 1
        raise ValueError("row 2 is bad")

    found = []
    with pytest.raises(ValueError, match="row 2 is bad"):
        found.extend(ahead(items()))
    assert list(ahead([])) == []


def test_a_caller_that_stops_leaves_no_thread():
    before = threading.active_count()
    source = ahead(ahead(iter(range(1_000))))
    assert next(source) == 0
    source.close()
    assert threading.active_count() <= before
