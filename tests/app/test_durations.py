"""How long steps took is kept by pipeline, model and stack, and said of those that take long."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from app import durations as library
from app.durations import durations, in_words, keep_durations
from app.outcome import StepSummary
from app.progress import RunProgress

KEY = ("training", "loans", "local")


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(library, "_path", lambda *key: tmp_path / "-".join(key))
    return tmp_path


def test_a_step_that_was_cached_keeps_the_time_of_its_last_run():
    assert durations(*KEY) == {}
    keep_durations(*KEY, [StepSummary("load_table", 2.0, False), StepSummary("explain_model", 40.0, False)])
    keep_durations(*KEY, [StepSummary("load_table", 3.0, False), StepSummary("explain_model", 0.0, True)])

    assert durations(*KEY) == {"load_table": 3.0, "explain_model": 40.0}
    assert durations("training", "others", "local") == {}


def test_a_damaged_file_is_no_reason_to_stop(kept):
    for text in ("{", "[1]", '{"a": "x"}'):
        (kept / "-".join(KEY)).write_text(text)
        assert durations(*KEY) == {}
        keep_durations(*KEY, [StepSummary("load_table", 2.0, False)])
        assert durations(*KEY) == {"load_table": 2.0}


def test_a_step_says_its_place_and_its_time_where_it_is_long():
    progress = RunProgress("run", Console(), 22, {"load_table": 1.0, "explain_model": 40.2})
    progress._begun.add("load_table")
    assert progress._place("load_table") == "  1/22"
    progress._begun.add("explain_model")
    assert progress._place("explain_model") == "  2/22, about 40 s"
    assert RunProgress("run", Console())._place("load_table") == ""


def test_times_are_said_as_people_do():
    assert [in_words(seconds) for seconds in (0.2, 41.4, 150, 3600)] == ["about 1 s", "about 41 s", "about 2 min", "about 60 min"]
