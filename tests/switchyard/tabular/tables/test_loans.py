"""The loans hold what their documentation says was planted, so that other tests can rely on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.tables.reading import loans as module
from switchyard.tabular.tables.reading.loans import DRIFT_MONTH, DRIFTS, LEAKS, PLANTED, loans
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import split_table

CONFIG = Path(__file__).resolve().parents[4] / "configs" / "loans.yaml"


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return loans(30_000, with_probability=True, with_outcome_date=True)


@pytest.fixture(scope="module")
def later() -> pd.DataFrame:
    """Months in which the drift is complete."""
    return loans(10_000, months=(DRIFT_MONTH + 3, DRIFT_MONTH + 10), with_probability=True)


def test_equal_arguments_give_equal_rows_and_other_seeds_others():
    assert loans(500).equals(loans(500))
    assert not loans(500)["income"].equals(loans(500, seed=1)["income"])


def test_a_shorter_period_holds_the_same_rows():
    half = loans(600, months=(0, 11))

    assert half.equals(loans(1200, months=(0, 23)).head(600))
    assert loans(600, months=(12, 23)).equals(loans(1200, months=(0, 23)).tail(600).reset_index(drop=True))


@pytest.mark.parametrize("rows", [1, 7, 100, 6001])
def test_any_number_of_rows(rows):
    frame = loans(rows)

    assert len(frame) == rows
    assert frame["application_date"].is_monotonic_increasing


def test_the_task_is_neither_easy_nor_hopeless(many):
    probability, label = many["probability"], many["defaulted"]

    assert 0.18 < label.mean() < 0.30
    assert 0.85 < roc_auc_score(label, probability) < 0.93
    assert max(f1_score(label, probability > threshold) for threshold in (0.3, 0.35, 0.4)) > 0.65


def test_planted_effects_have_the_stated_strength(monkeypatch):
    seen: dict[tuple[str, ...], list[np.ndarray]] = {}
    compute = module._contributions

    def record(*args, **kwargs):
        parts = compute(*args, **kwargs)
        for columns, values in parts.items():
            seen.setdefault(columns, []).append(values)
        return parts

    monkeypatch.setattr(module, "_contributions", record)
    loans(30_000)

    strengths = {columns: np.concatenate(values).std() for columns, values in seen.items()}
    planted = {effect.columns: effect.strength for effect in PLANTED if effect.shape != "none"}
    assert strengths.keys() == planted.keys()
    for columns, strength in planted.items():
        assert strengths[columns] == pytest.approx(strength, abs=0.05), columns
    assert [effect.strength for effect in PLANTED] == sorted((effect.strength for effect in PLANTED), reverse=True)


def test_directions_show_in_the_defaults(many):
    rate = many["defaulted"].mean()
    ratio = (many["existing_debt"] + many["loan_amount"]) / many["income"]

    def share(rows):
        return many.loc[rows, "defaulted"].mean()

    assert share(ratio > ratio.quantile(0.8)) > 2 * rate
    assert share(many["late_payments"] >= 3) > 1.5 * rate
    assert share(many["utilisation"] > 0.75) > 1.5 * rate
    assert share(many["utilisation"] < 0.1) > share(many["utilisation"].between(0.3, 0.5))
    assert share(many["employment"] == "unemployed") > 2 * share(many["employment"] == "employed")
    assert share(many["income"].isna()) > 1.2 * rate
    assert share(many["has_guarantor"] & (many["age"] < 35)) < 0.6 * share(many["has_guarantor"] & (many["age"] >= 35))
    assert share(many["is_customer"]) < share(~many["is_customer"])


def test_columns_without_effect_have_none_given_the_others(many):
    # What is left of the label after its true probability is noise to them.
    left = many["defaulted"] - many["probability"]
    noise = 4 * left.std() / np.sqrt(len(many))

    for column in ("sex", "region", "campaign", "education", "term_months", "channel"):
        groups = left.groupby(many[column])
        assert (groups.mean().abs() < noise * np.sqrt(len(many) / groups.size())).all(), column
    assert many.groupby("sex")["defaulted"].mean().diff().abs().iloc[-1] > 0.01


def test_missing_values_and_entities(many):
    assert 0.05 < many["income"].isna().mean() < 0.12
    assert many.loc[many["employment"].isin(["retired", "student", "unemployed"]), "employment_years"].isna().all()
    again = many[many["applicant_id"].duplicated(keep=False)]
    assert 0.1 < len(again) / len(many) < 0.4
    assert (again.groupby("applicant_id")[["age", "sex", "region", "account_opened"]].nunique() == 1).all().all()


def test_labels_are_known_late(many):
    delay = (many["outcome_date"] - many["application_date"]).dt.days

    assert delay.between(30, 180).all()
    assert "outcome_date" not in loans(10).columns and "probability" not in loans(10).columns


def test_nothing_drifts_before_its_month(many):
    before, after = many[many["application_date"] < "2024-01-01"], many[many["application_date"] >= "2024-01-01"]

    for column in ("loan_amount", "utilisation", "late_payments", "age"):
        assert abs(before[column].mean() - after[column].mean()) < 5 * before[column].std() / np.sqrt(len(after)), column
    assert set(many["purpose"]) == {"car", "home", "education", "medical", "business"}


def test_later_months_drift_as_documented(many, later):
    assert {column for drift in DRIFTS for column in drift.columns} <= set(later.columns)
    assert later["loan_amount"].mean() == pytest.approx(1.5 * many["loan_amount"].mean(), rel=0.06)
    assert later["utilisation"].mean() - many["utilisation"].mean() == pytest.approx(0.2, abs=0.03)
    assert (later["channel"] == "partner").mean() == pytest.approx(0.6, abs=0.03)
    assert (later["purpose"] == "solar").mean() == pytest.approx(0.25, abs=0.03)
    customers = later.groupby("is_customer")["defaulted"].mean()
    assert customers[True] > customers[False] + 0.1
    for column in ("age", "existing_debt"):
        assert later[column].mean() == pytest.approx(many[column].mean(), rel=0.06)


def test_leaks_give_the_label_away():
    frame = loans(4000, leaks=tuple(LEAKS))
    label = frame["defaulted"]

    assert (frame["collection_status"].eq("in_collection") == label.astype(bool)).mean() > 0.98
    assert (frame["last_statement_date"] > frame["application_date"]).all()
    assert roc_auc_score(label, (frame["last_statement_date"] - frame["application_date"]).dt.days) < 0.25
    assert frame["case_number"].is_unique and roc_auc_score(label, frame["case_number"]) > 0.98
    assert frame.drop(columns=list(LEAKS.values())).equals(loans(4000))


def test_the_embedded_problem_resolves_and_splits():
    problem = problem_from(read_settings(CONFIG), "configs/loans.yaml")

    table, resolved, notes = resolve(read_source(problem.data), problem)
    split = split_table(table, resolved)

    assert (resolved.task, resolved.metric, resolved.positive_class, resolved.split.kind) == ("binary", "roc_auc", "1", "time")
    assert {column.name: column.role for column in table.schema.columns if column.role != "feature"} == {
        "application_date": "time",
        "applicant_id": "id",
        "defaulted": "target",
    }
    assert len(split.train) == pytest.approx(4800, abs=60)
    assert notes == ("positive class of 'defaulted' is '1': set in the config",)
