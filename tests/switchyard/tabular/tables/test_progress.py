"""What takes long says how far it is and how long it will be."""

from __future__ import annotations

import logging

import pytest

from switchyard.tabular.tables import progress as module


@pytest.mark.parametrize(
    ("total", "says"),
    [(1000, "read 250 of 1,000 (25%) rows, 25 a second, about 30 s left"), (None, "read 250 rows, 25 a second")],
    ids=["known", "unknown"],
)
def test_a_line_says_how_many_of_how_many_and_the_seconds_left(monkeypatch, caplog, total, says):
    clock = iter([0.0, 1.0, 10.0, 11.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    told = module.Progress("read", total)
    with caplog.at_level(logging.INFO):
        for done in (20, 250, 260):
            told.at(done)
    assert caplog.messages == [says]
