"""A table larger than memory: a uniform sample is worked on, all else lies on disk, is counted exactly and learnt from in the last fit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest

from switchyard.tabular.config.learning import Tuning
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.large.ahead import look_ahead
from switchyard.tabular.tables.large.load import load, read_whole
from switchyard.tabular.tables.large.memory import free_memory
from switchyard.tabular.tables.large.rest import Rest
from switchyard.tabular.tables.large.sample import rows_allowed


def people(rows=3000, seed=0):
    rng = np.random.default_rng(seed)
    age, town = rng.integers(18, 90, rows).astype(float), rng.choice([f"town {number}" for number in range(30)], rows)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 500, rows)), unit="D")
    odds = (age - 50) / 15 + (pd.Series(town).str[-1].astype(int) - 4) / 3
    frame = pd.DataFrame({"number": np.arange(rows), "age": age, "town": town, "day": day.strftime("%d.%m.%Y"), "weight": 1 + age % 3})
    frame["left"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    frame.loc[rng.random(rows) < 0.1, "age"] = np.nan
    return frame


def loaded(tmp_path, frame, in_memory=500, **settings):
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    data = {"source": str(path), "target": "left", "columns": {"number": {"role": "feature"}}, **settings.pop("data", {})}
    problem = problem_from({"name": "people", "data": data, "training": {"in_memory": in_memory}, **settings}, "test")
    return load(problem, str(path))


def rest_of(found):
    return pd.concat(found.rest.batches([column.name for column in found.table.schema.columns]), ignore_index=True)


def test_a_table_that_memory_is_enough_for_is_whole_and_has_no_rest(tmp_path):
    frame = people()
    whole, automatic = loaded(tmp_path, frame, 3000), loaded(tmp_path, frame, "auto")

    assert whole.rest.rows == automatic.rest.rows == 0 and whole.table.schema.of is None
    pd.testing.assert_frame_equal(whole.table.frame, automatic.table.frame)
    assert whole.table.schema == automatic.table.schema and len(whole.table.frame) == 3000


def test_sample_and_rest_are_all_rows_once_in_the_types_they_have_in_memory(tmp_path):
    frame = people()
    found, whole = loaded(tmp_path, frame), loaded(tmp_path, frame, 3000)

    assert (len(found.table.frame), found.rest.rows, found.table.schema.of) == (500, 2500, 3000)
    together = pd.concat([found.table.frame, rest_of(found)]).sort_values("number", ignore_index=True)
    pd.testing.assert_frame_equal(together, whole.table.frame, check_dtype=True)
    assert found.notes[0].startswith("500 of 3,000 rows, drawn uniformly (seed 0)")
    assert (found.problem.training.in_memory, whole.problem.training.in_memory) == (500, 3000)


def test_a_table_larger_than_free_memory_is_sampled_by_itself_and_its_config_repeats_the_sample(tmp_path, monkeypatch):
    monkeypatch.setattr("switchyard.tabular.tables.large.sample.free_memory", lambda: 200 * 6 * 1200)
    found = loaded(tmp_path, people(), "auto")

    assert len(found.table.frame) == found.problem.training.in_memory == 1200
    again = loaded(tmp_path, people(), found.problem.training.in_memory)
    assert again.table.frame["number"].equals(found.table.frame["number"])


def test_what_needs_all_rows_refuses_a_larger_table_before_it_is_read(tmp_path):
    path = tmp_path / "people.csv"
    people().to_csv(path, index=False)
    settings = {"name": "people", "data": {"source": str(path), "target": "left"}}
    for allowed in ({}, {"training": {"in_memory": 3000}}):
        whole = read_whole(problem_from({**settings, **allowed}, "test"), str(path), "all are needed")
        assert (len(whole.frame), whole.source) == (3000, str(path))
    with pytest.raises(InputError, match=r"people.csv has more than the 500 rows that training.in_memory \(500\) allows: all are needed"):
        read_whole(problem_from({**settings, "training": {"in_memory": 500}}, "test"), str(path), "all are needed")


def test_the_sample_keeps_the_order_and_another_seed_draws_other_rows(tmp_path):
    frame = people()
    first, again, other = (loaded(tmp_path, frame, tuning={"seed": seed}).table.frame["number"] for seed in (0, 0, 1))

    assert first.is_monotonic_increasing and first.equals(again)
    assert len(set(first) & set(other)) < 150
    # Uniform: each quarter of the table gives its quarter of the sample.
    assert np.abs(np.histogram(first, 4, (0, 3000))[0] - 125).max() < 35


def test_what_one_reading_counts_is_of_all_rows(tmp_path):
    frame = people()
    schema = loaded(tmp_path, frame).table.schema

    assert schema["age"].missing == pytest.approx(frame["age"].isna().mean(), abs=1e-12)
    assert (schema["number"].minimum, schema["number"].maximum) == (0, 2999)
    assert schema["day"].maximum == pd.to_datetime(frame["day"], format="%d.%m.%Y").max().timestamp()


def test_what_the_sample_could_not_know_is_left_out_and_said(tmp_path):
    frame = people()
    sampled = set(loaded(tmp_path, frame).table.frame["number"])
    outside = [number for number in frame["number"] if number not in sampled][:4]
    frame = frame.astype({"age": object})
    frame.loc[outside[0], "age"] = "unknown to anyone"
    frame.loc[outside[1], "left"] = "moved"
    frame.loc[outside[2], "left"] = None
    found = loaded(tmp_path, frame)
    said = " | ".join(found.notes)

    assert found.rest.rows == 2498 and found.table.schema.of == 2998
    assert (
        f"'age': 1 value of the rest cannot be read as the sample's are, and count as missing (the first in row {outside[0] + 1:,})" in said
    )
    assert "class 'moved' has 1 row, none of them in the sample: left out" in said
    assert "1 row of the rest without a label are left out" in said


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"features": {"lags": [{"column": "age", "lags": [1]}]}, "data": {"time_column": "day"}}, "features.lags needs all rows at once"),
        ({"features": {"interpolate": True}}, "features.interpolate needs"),
        ({"features": {"outliers": {"method": "iqr", "action": "drop"}}}, "features.outliers.action: drop needs"),
        ({"quality": {"duplicate_rows": "drop"}}, "quality.duplicate_rows: drop needs"),
    ],
    ids=["lags", "interpolate", "outliers", "copies"],
)
def test_what_a_sample_would_get_wrong_is_refused_with_a_way_out(tmp_path, settings, says):
    with pytest.raises(InputError, match=says) as refused:
        loaded(tmp_path, people(), **settings)
    assert "raise training.in_memory" in str(refused.value)
    assert not loaded(tmp_path, people(), 3000, **settings).rest.rows


def test_a_rest_survives_the_folder_it_was_read_from(tmp_path):
    found = loaded(tmp_path, people())
    folder = tmp_path / "artifact"
    folder.mkdir()
    found.rest.write(folder)
    again = Rest.read(folder)

    assert again.rows == 2500 and not list(folder.glob("*.parquet"))
    names = [column.name for column in found.table.schema.columns]
    pd.testing.assert_frame_equal(pd.concat(again.batches(names)), pd.concat(found.rest.batches(names)))


def test_a_wider_table_has_fewer_rows_in_memory():
    assert rows_allowed(20, 5000) == (5000, 5000)
    assert rows_allowed(2000, "auto")[0] < rows_allowed(20, "auto")[0]
    assert rows_allowed(1, "auto")[1] == 300_000


def ahead_of(tmp_path, frame, name="people.csv", in_memory=500, target="left"):
    path = tmp_path / name
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path, index=False)
    asked = {"name": "people", "data": {"source": str(path), "target": target}, "training": {"in_memory": in_memory}}
    return look_ahead(problem_from(asked, "test"), path)


def test_a_dry_run_tells_from_the_first_rows_how_many_there_are_and_what_they_take(tmp_path, monkeypatch):
    monkeypatch.setattr("switchyard.tabular.tables.large.ahead.HEAD", 400)
    text, parquet = ahead_of(tmp_path, people()), ahead_of(tmp_path, people(), "people.parquet")

    assert abs(text.rows - 3000) < 150 and not text.counted
    assert (parquet.rows, parquet.counted, parquet.columns, parquet.sample) == (3000, True, 6, 500)
    timed, counted = parquet.lines(Tuning(budget_s=100), 50.0), parquet.lines(Tuning(trials=2), 60.0)
    assert timed[0].startswith("rows     3,000 x 6 columns: a sample of 500 is searched and scored on, the last fit learns from all")
    assert "search   at most 50 s, on the sample" in timed and "last fit about 50 s, on all rows" in timed
    assert "search   2 trials a family, on the sample" in counted and not any(line.startswith("in all") for line in counted)
    slow = replace(parquet, fit_s=1500.0).lines(Tuning(budget_s=100), 50.0)
    assert "last fit about 1,500 s (more than its part of the budget, in as few steps as it may take), on all rows" in slow
    alone = parquet.lines(Tuning(budget_s=100), 100.0)
    assert alone[0].endswith("nothing learns from the others") and not any(line.startswith("last fit") for line in alone)
    assert ahead_of(tmp_path, people(), in_memory=4000) is None and ahead_of(tmp_path, people(), in_memory="auto") is None


def test_a_dry_run_refuses_what_cannot_fit_and_says_the_way_out(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="target 'lefd' is not a column of .*did you mean 'left'"):
        ahead_of(tmp_path, people(), target="lefd")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1 << 20))
    with pytest.raises(InputError, match="GB of memory and 0.0 GB are free; lower training.in_memory"):
        ahead_of(tmp_path, people())


@pytest.mark.parametrize(("limit", "free"), [("max", 8000), ("5000", 5000 - 3000 + 500), ("900000", 8000)], ids=["none", "pod", "larger"])
def test_free_memory_is_that_of_the_container_where_it_was_given_less(tmp_path, monkeypatch, limit, free):
    monkeypatch.setattr("switchyard.tabular.tables.large.memory.CGROUP", tmp_path)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8000))
    assert free_memory() == 8000
    for name, text in {"memory.max": limit, "memory.current": "3000", "memory.stat": "anon 2500\ninactive_file 500"}.items():
        (tmp_path / name).write_text(text + "\n")
    assert free_memory() == free
