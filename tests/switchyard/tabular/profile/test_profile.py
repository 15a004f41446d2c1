"""The profile's numbers against pandas, scipy and what was planted; its page static, small and steady."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from switchyard.tabular.profile import MOST_COLUMNS, Profile, full_profile, profile_table
from switchyard.tabular.profile.associations import correlation_ratio, cramers_v
from tests.switchyard.tabular.tables_of_quality import canonical_table, customers, genes, houses, problem_for


def profile_of(
    frame: pd.DataFrame, target: str = "churned", task: str = "binary", roles: dict[str, str] | None = None, **settings
) -> Profile:
    return profile_table(canonical_table(frame, target, task != "regression", roles), problem_for(target, task, **settings))


def test_statistics_are_those_of_pandas():
    frame = customers()
    numbers, values = profile_of(frame)["tenure"].numbers, frame["tenure"]
    assert numbers.mean == pytest.approx(values.mean(), rel=1e-5) and numbers.std == pytest.approx(values.std(ddof=0), rel=1e-5)
    assert (numbers.minimum, numbers.q25, numbers.median, numbers.maximum) == tuple(values.quantile([0, 0.25, 0.5, 1]))
    assert numbers.skewness == pytest.approx(values.skew(), abs=0.01) and numbers.kurtosis == pytest.approx(values.kurt(), abs=0.02)
    assert profile_of(frame)["tenure"].missing == values.isna().sum() and numbers.zeros == (values == 0).sum()


def test_planted_outliers_are_counted():
    frame = customers().assign(level=np.random.default_rng(1).normal(0, 1, 2000).clip(-2, 2))
    frame.loc[:6, "level"] = 50.0
    numbers = profile_of(frame)["level"].numbers
    assert (numbers.iqr_outliers, numbers.z_outliers) == (7, 7)


def test_distributions_count_every_row_and_show_the_target_in_each_bin():
    frame = customers()
    profile = profile_of(frame, positive_class="yes")
    usage, plan = profile["usage"].distribution, profile["plan"].distribution
    assert sum(usage.counts) == len(frame) and len(usage.edges) == len(usage.counts) + 1
    assert profile.series == ("share of yes",)
    shares = frame.groupby("plan")["churned"].apply(lambda values: (values == "yes").mean())
    assert dict(zip(plan.labels, plan.target[0], strict=True)) == pytest.approx(shares.to_dict(), rel=1e-4)
    assert usage.target[0][0] > usage.target[0][8]


def test_correlations_are_pearsons_and_spearmans():
    frame = houses()
    profile = profile_of(frame, "price", "regression")
    i, j = profile.numeric.index("area"), profile.numeric.index("price")
    assert profile.pearson[i][j] == pytest.approx(np.corrcoef(frame["area"], frame["price"])[0, 1], rel=1e-5)
    assert profile.spearman[i][j] == pytest.approx(spearmanr(frame["area"], frame["price"])[0], rel=1e-5)
    assert [item.column for item in profile.associations[:2]] == ["area", "quality"]


def test_association_measures_on_known_cases():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 4, 3000), rng.integers(0, 5, 3000)
    assert cramers_v(one, one) == pytest.approx(1.0) and cramers_v(one, other) < 0.05
    assert cramers_v(one, np.zeros(3000, int)) == 0.0
    assert correlation_ratio(one, one * 10.0 + 1.7e9) == pytest.approx(1.0)
    assert correlation_ratio(one, rng.normal(size=3000)) < 0.1
    # Half the variance between two equal groups.
    assert correlation_ratio(np.arange(4000) % 2, np.arange(4000) % 2 * 2.0 + rng.normal(0, 1, 4000)) == pytest.approx(0.5**0.5, abs=0.03)


def test_columns_that_say_the_same_are_paired():
    frame = customers()
    frame["usage_minutes"], frame["tariff"] = frame["usage"] * 60, frame["plan"].map({"basic": "A", "plus": "B", "pro": "C"})
    assert {(pair.first, pair.second) for pair in profile_of(frame).pairs} == {("usage", "usage_minutes"), ("plan", "tariff")}


def test_the_timeline_shows_what_moved():
    frame = customers()
    frame["usage"] += np.where(frame["joined"] > "2024-01-01", 300.0, 0.0)
    timeline = profile_of(frame, roles={"joined": "time"}, data={"time_column": "joined"}).timeline
    assert timeline.starts[0] == "2023-01-01" and sum(timeline.rows) == len(frame)
    assert timeline.moving[0].column == "usage" and timeline.means["usage"][-1] - timeline.means["usage"][0] > 250
    assert profile_of(frame).timeline is None
    assert len(profile_of(frame, data={"time_column": "@row"}).timeline.rows) == 20


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_odd_tables_have_a_profile(task):
    target = {"binary": list("ab") * 2, "multiclass": list("abca"), "regression": [1.0, 1.0, 1.0, 1.0]}[task]
    frame = pd.DataFrame(
        {
            "empty": [np.nan] * 4,
            "constant": 3.0,
            "text": [None, "x", "y", "z"],
            "huge": [1e300, -1e300, 0.0, 1e-300],
            "when": pd.to_datetime(["1700-01-01", None, "2200-01-01", "2020-01-01"]),
            "<i>": ["&", "<script>", "'", '"'],
            "target": target,
        }
    )
    profile = profile_of(frame, "target", task, {"when": "time"}, data={"time_column": "when"})
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
    assert "<script" not in profile.html() and "<i>" not in profile.html()


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        profile_of(customers()).write(tmp_path / name)
    profile = Profile.read(tmp_path / "first")
    assert profile == profile_of(customers()) and profile.html() == profile_of(customers()).html()
    assert (tmp_path / "first" / "object.json").read_bytes() == (tmp_path / "second" / "object.json").read_bytes()


@pytest.mark.parametrize("name, target, task, seconds", [("adult", "income", "binary", 3), ("ames", "SalePrice", "regression", 8)])
def test_real_tables_are_profiled_in_time_on_a_small_page(request, name, target, task, seconds):
    frame = request.getfixturevalue(name)
    started = time.process_time()
    profile = profile_of(frame, target, task)
    page = profile.html()
    assert time.process_time() - started < seconds
    assert len(page.encode()) < 2_000_000 and "<script" not in page and page.count("<svg") >= 10
    assert profile.sampled == min(len(frame), 20_000)
    if name == "adult":
        assert "20,000 rows drawn with a fixed seed" in page


def test_the_full_profile_is_one_quiet_offline_page(capfd):
    frame = canonical_table(customers(400), "churned", True).frame
    page = full_profile(frame, title="Customers")
    said = capfd.readouterr()
    assert said.out == "" and said.err == ""
    assert "Customers" in page and all(name in page for name in frame.columns)
    assert "<link" not in page and 'script src="http' not in page
    assert page == full_profile(frame, title="Customers")


@pytest.mark.filterwarnings("ignore:DataFrame is highly fragmented")
def test_a_wide_table_has_a_small_profile_of_what_goes_with_the_target_and_the_figures_of_all():
    profile = profile_of(genes(), "tissue")
    page = profile.html()
    assert len(page.encode()) < 2_000_000 and len(profile.model_dump_json()) < 4_000_000
    assert len(profile.of_interest()) == 100 and {"tissue", "g1999", "g1998"} <= {column.name for column in profile.of_interest()}
    assert len(profile.numeric) == 99 and len(profile.pearson) == 99, "columns are compared with each other by the hundred, not all"
    assert len(profile.columns) == len(profile.associations) + 1 == 2001
    assert all(f"<td>g{number}</td>" in page for number in range(2000)), "each column has a line of figures"


def test_a_long_table_is_described_in_full_by_a_sample_that_the_page_tells_of():
    frame = canonical_table(customers(12_000)[["usage", "churned"]], "churned", True).frame
    assert "10,000 of 12,000 rows, drawn with a fixed seed" in full_profile(frame)
    assert "fixed seed" not in full_profile(frame[:500])


@pytest.mark.filterwarnings("ignore:DataFrame is highly fragmented")
def test_the_full_page_of_a_wide_table_is_small_and_says_of_which_columns_it_is():
    table = canonical_table(genes(60, 300), "tissue", True)
    profile = profile_table(table, problem_for("tissue"))
    page = full_profile(table.frame, columns=[column.name for column in profile.of_interest(MOST_COLUMNS)])
    assert len(page.encode()) < 2_000_000
    assert "30 of 301 columns, those that go most closely with the target" in page and "g299" in page and "g298" in page
