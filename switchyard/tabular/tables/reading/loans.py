"""`loans`: made-up loan applications whose truth is known, so that tests can check what the pipelines find.

Every month has random streams of its own: months 0-11 are the same rows whether or not later months are
asked for, as long as the number of rows a month is the same. What was planted is data: `PLANTED` (effects on
the label), `DRIFTS` (what changes from `DRIFT_MONTH` on) and `LEAKS` (columns that give the label away).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.loan_applicants import START, choice, people_of, stream

DRIFT_MONTH = 24
"""The first month in which anything differs from the months before."""
DRIFT_RAMP = 3
"""Months until the drift is complete."""


@dataclass(frozen=True)
class Effect:
    """What one column (or several together) does to the log-odds of default."""

    columns: tuple[str, ...]
    direction: Literal[-1, 0, 1]
    """+1: more of it, more defaults; 0: none, or not monotone."""
    strength: float
    """Standard deviation of its contribution to the log-odds before any drift."""
    shape: Literal["linear", "log", "u_shaped", "levels", "missing", "interaction", "none"]


PLANTED = (
    Effect(("existing_debt", "loan_amount", "income"), +1, 1.75, "log"),
    Effect(("late_payments",), +1, 1.10, "linear"),
    Effect(("utilisation",), 0, 0.80, "u_shaped"),
    Effect(("employment",), 0, 0.75, "levels"),
    Effect(("employment_years",), -1, 0.50, "log"),
    Effect(("has_guarantor", "age"), -1, 0.50, "interaction"),
    Effect(("purpose",), 0, 0.33, "levels"),
    Effect(("income",), +1, 0.30, "missing"),
    Effect(("is_customer",), -1, 0.30, "linear"),
    *(Effect((name,), 0, 0.0, "none") for name in ("sex", "region", "campaign", "account_opened", "education", "term_months", "channel")),
)
"""Strongest first. The first is the debt ratio, (existing_debt + loan_amount) / income. The last seven have no effect of
their own, though `sex` and `education` go with income and so with the share of defaults."""


@dataclass(frozen=True)
class Drift:
    """What changes from `DRIFT_MONTH` on."""

    columns: tuple[str, ...]
    kind: Literal["covariate", "concept"]
    change: str


DRIFTS = (
    Drift(("loan_amount",), "covariate", "grows by half"),
    Drift(("utilisation",), "covariate", "shifts up by 0.2"),
    Drift(("channel",), "covariate", "partner grows from 0.2 to 0.6"),
    Drift(("purpose",), "covariate", "solar, unseen before, becomes a quarter"),
    Drift(("is_customer",), "concept", "no longer protects but adds 1.2 to the log-odds"),
    Drift(("late_payments",), "concept", "loses two thirds of its effect"),
)
MOST_ROWS, MOST_MONTHS = 10_000_000, 1200
LEAKS = {"target_copy": "collection_status", "future": "last_statement_date", "id": "case_number"}
"""Leak that `leaks` plants -> the column that carries it."""

_EMPLOYMENT = {"employed": 0.62, "self_employed": 0.15, "retired": 0.10, "student": 0.06, "unemployed": 0.07}
_EMPLOYMENT_PAY = {"employed": 0.0, "self_employed": 0.05, "retired": -0.35, "student": -0.9, "unemployed": -0.7}
_EMPLOYMENT_EFFECT = {"employed": -0.35, "self_employed": 0.45, "retired": -0.45, "student": 0.45, "unemployed": 2.4}
_PURPOSE = {"car": 0.34, "home": 0.26, "education": 0.14, "medical": 0.12, "business": 0.14}
_PURPOSE_EFFECT = {"car": 0.0, "home": -0.3, "education": 0.1, "medical": 0.1, "business": 0.8, "solar": 0.0}
_TERMS = np.array([12, 24, 36, 48, 60, 72])
_INTERCEPT = -2.75


def loans(
    rows: int = 6000,
    seed: int = 0,
    months: tuple[int, int] = (0, 23),
    leaks: Sequence[str] = (),
    with_outcome_date: bool = False,
    with_probability: bool = False,
) -> pd.DataFrame:
    """Loan applications in order of their date, one row each.

    Parameters
    ----------
    rows : int
        Applications in all, the same number each month (to one).
    seed : int
    months : tuple of int
        First and last month, counted from `START`. Months from `DRIFT_MONTH` on drift.
    leaks : sequence of str
        Keys of `LEAKS`, each adding its column.
    with_outcome_date : bool
        Adds `outcome_date`, the day on which `defaulted` became known, 30 to 180 days after the application. It
        is no feature: it serves to let labels arrive late when monitoring is tried.
    with_probability : bool
        Adds `probability`, the chance of default that the label was drawn from.

    Returns
    -------
    DataFrame of `rows` rows
        `defaulted` (0 or 1) is the label, `application_date` the time, `applicant_id` who applied.

    Raises
    ------
    InputError
        For impossible arguments.
    """
    first, last = months
    if rows < 1 or seed < 0 or first < 0 or last < first:
        given = f"rows={rows}, seed={seed}, months={first}-{last}"
        raise InputError(f"loans: {given}: rows must be at least 1, seed and months not negative, first before last")
    if rows > MOST_ROWS or last > MOST_MONTHS:
        raise InputError(f"loans: rows={rows}, months={first}-{last}: there are at most {MOST_ROWS:,} rows and {MOST_MONTHS:,} months")
    unknown = set(leaks) - set(LEAKS)
    if unknown:
        raise InputError(f"loans: there is no leak {sorted(unknown)[0]!r}; there are {', '.join(LEAKS)}")
    count = last - first + 1
    cohort = -(-rows // count)
    sizes = np.diff(np.arange(count + 1) * rows // count)
    parts = [_month(month, int(size), cohort, seed) for month, size in zip(range(first, last + 1), sizes, strict=True) if size]
    frame = pd.concat(parts, ignore_index=True)
    _add_leaks(frame, leaks, seed)
    hidden = [name for name, wanted in (("outcome_date", with_outcome_date), ("probability", with_probability)) if not wanted]
    return frame.drop(columns=hidden)


def _contributions(
    drift: float,
    *,
    ratio: np.ndarray,
    late: np.ndarray,
    utilisation: np.ndarray,
    employment: np.ndarray,
    years: np.ndarray,
    guarantor: np.ndarray,
    age: np.ndarray,
    hides: np.ndarray,
    purpose: np.ndarray,
    customer: np.ndarray,
) -> dict[tuple[str, ...], np.ndarray]:
    """What each effect of `PLANTED` adds to the log-odds, by its columns."""
    return {
        ("existing_debt", "loan_amount", "income"): 2.05 * (np.log(ratio) - np.log(0.5)),
        ("late_payments",): 0.85 * (1 - 0.67 * drift) * np.minimum(late, 5),
        ("utilisation",): 9.0 * (utilisation - 0.4) ** 2 * np.where(utilisation > 0.4, 1.6, 1.0),
        ("employment",): pd.Series(employment).map(_EMPLOYMENT_EFFECT).to_numpy("float64"),
        ("employment_years",): np.where(np.isnan(years), 0.0, 1.0 - 0.75 * np.log1p(np.nan_to_num(years))),
        ("has_guarantor", "age"): np.where(guarantor, np.where(age < 35, -2.2, -0.5), 0.0),
        ("income",): 1.1 * hides,
        ("purpose",): pd.Series(purpose).map(_PURPOSE_EFFECT).to_numpy("float64"),
        ("is_customer",): (-0.6 + 1.8 * drift) * customer,
    }


def _drawn(rng: np.random.Generator, earning: np.ndarray, size: int, drift: float) -> dict[str, np.ndarray]:
    """What applications say, before anything is left out or rounded; `earning` is the logarithm of what people earn."""
    employment = choice(rng, _EMPLOYMENT, size)
    pay = pd.Series(employment).map(_EMPLOYMENT_PAY).to_numpy()
    income = np.exp(earning + pay + rng.normal(0, 0.1, size))
    amount = np.exp(9.0 + 0.25 * (np.log(income) - 10.4) + rng.normal(0, 0.75, size)) * (1 + 0.5 * drift)
    debt = np.where(rng.random(size) < 0.25, 0.0, np.exp(8.6 + rng.normal(0, 1.0, size)))
    late = np.minimum(rng.negative_binomial(0.6, 0.4, size), 12)
    utilisation = np.clip(rng.beta(1.6, 2.2, size) + 0.2 * drift, 0, 1)
    years = np.where(np.isin(employment, ["employed", "self_employed"]), rng.gamma(1.4, 4.5, size), np.nan)
    guarantor = rng.random(size) < 0.18
    customer = rng.random(size) < 0.5
    purpose = choice(rng, _PURPOSE, size)
    purpose = np.where(rng.random(size) < 0.25 * drift, "solar", purpose).astype(object)
    partner = 0.2 + 0.4 * drift
    channel = choice(rng, {"branch": 0.4 * (1 - partner) / 0.8, "web": 0.4 * (1 - partner) / 0.8, "partner": partner}, size)
    return {
        "employment": employment,
        "income": income,
        "amount": amount,
        "debt": debt,
        "late": late,
        "utilisation": utilisation,
        "years": years,
        "guarantor": guarantor,
        "customer": customer,
        "purpose": purpose,
        "channel": channel,
    }


def _days(rng: np.random.Generator, month: int, size: int) -> np.ndarray:
    """Days of `month` on which its applications come, rising, datetime64[ns] of shape (size,)."""
    start = np.datetime64(START, "M") + np.timedelta64(month, "M")
    days = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(int)
    day = np.sort(rng.integers(0, days, size))
    return (start.astype("datetime64[D]") + day.astype("timedelta64[D]")).astype("datetime64[ns]")


def _month(month: int, size: int, cohort: int, seed: int) -> pd.DataFrame:
    """The applications of one month, with their labels."""
    drift = float(np.clip((month - DRIFT_MONTH + 1) / DRIFT_RAMP, 0, 1))
    people = people_of(month, size, cohort, seed)
    rng = stream(seed, month, 2)
    applied = _days(rng, month, size)
    drawn = _drawn(rng, people["earning"].to_numpy("float64"), size, drift)
    age = people["age"].to_numpy("int64")

    # People with more to hide leave the income out more often: that it is missing says something.
    hides = rng.random(size) < np.where(drawn["employment"] == "self_employed", 0.22, 0.06)
    effects = ("late", "utilisation", "employment", "years", "guarantor", "purpose", "customer")
    ratio = (drawn["debt"] + drawn["amount"]) / drawn["income"]
    contributions = _contributions(drift, ratio=ratio, age=age, hides=hides, **{name: drawn[name] for name in effects})
    probability = 1 / (1 + np.exp(-(_INTERCEPT + np.sum(list(contributions.values()), axis=0))))
    defaulted = (rng.random(size) < probability).astype("int64")
    delay = rng.integers(30, 181, size).astype("timedelta64[D]")

    return pd.DataFrame(
        {
            "application_date": applied,
            "applicant_id": people["applicant_id"].to_numpy(object),
            "age": age,
            "sex": people["sex"].to_numpy(object),
            "education": np.where(rng.random(size) < 0.03, None, people["education"].to_numpy(object)),
            "region": people["region"].to_numpy(object),
            "employment": drawn["employment"],
            "employment_years": np.round(drawn["years"], 1),
            "income": np.where(hides, np.nan, np.round(drawn["income"], -1)),
            "existing_debt": np.round(drawn["debt"], -1),
            "loan_amount": np.round(drawn["amount"], -2) + 100,
            "term_months": rng.choice(_TERMS, size),
            "purpose": drawn["purpose"],
            "late_payments": drawn["late"].astype("int64"),
            "utilisation": np.where(rng.random(size) < 0.05, np.nan, np.round(drawn["utilisation"], 3)),
            "has_guarantor": drawn["guarantor"],
            "is_customer": drawn["customer"],
            "channel": drawn["channel"],
            "campaign": np.char.add("C", np.char.zfill(rng.integers(1, 31, size).astype(str), 2)).astype(object),
            "account_opened": people["account_opened"].to_numpy("datetime64[ns]"),
            "outcome_date": applied + delay.astype("timedelta64[ns]"),
            "probability": probability,
            "defaulted": defaulted,
        }
    )


def _add_leaks(frame: pd.DataFrame, leaks: Sequence[str], seed: int) -> None:
    """Put the asked leaks in front of the label."""
    rng = np.random.default_rng([seed, 99])
    size, defaulted = len(frame), frame["defaulted"].to_numpy().astype(bool)
    flipped = rng.random(size) < 0.005
    columns = {
        "target_copy": np.where(defaulted ^ flipped, "in_collection", "clear").astype(object),
        "future": frame["application_date"] + pd.to_timedelta(rng.integers(40, 200, size) + 200 * ~defaulted, unit="D"),
        # Numbers given out after the outcome was known: those of defaults are the later ones.
        "id": 500_000 + np.argsort(np.argsort(defaulted + rng.random(size) * 0.999)),
    }
    for leak in LEAKS:
        if leak in leaks:
            frame.insert(frame.columns.get_loc("defaulted"), LEAKS[leak], columns[leak])
