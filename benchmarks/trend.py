"""Whether a trend outside the trees pays beyond the trained times, on daily series.

    python -m benchmarks.trend bikes.csv:timestamp:cnt births.csv:date:births

Each series is cut at 50, 60, 70 and 80 % of its days; what follows the cut, a fifth of them, is predicted. LightGBM on the calendar
(what a training makes of the column that orders the rows) stands beside the same with the day counted as one more input, and with a
linear term of the day beside the calendar, taken off the target before the fit and added again: straight on, or damped with half a
year. *chosen* takes of calendar, linear and damped the one with the least error on two later windows within the training rows.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

CUTS = (0.5, 0.6, 0.7, 0.8)
_HALF_YEAR = 182.5
_CHOICE = ("calendar", "linear", "damped")


def main() -> None:
    """Print the root mean squared error of each way, as a part of the calendar's: geometric mean over the cuts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series", nargs="+", help="FILE:TIME:VALUE; values of one day are added up.")
    options = parser.parse_args()
    for given in options.series:
        path, time, value = given.rsplit(":", 2)
        errors = pd.DataFrame([measured(daily(path, time, value), cut) for cut in CUTS])
        parts = np.exp(np.log(errors.div(errors["calendar"], axis=0)).mean())
        print(f"| {path} | " + " | ".join(f"{name} {part:.2f}" for name, part in parts.items()) + " |")


def daily(path: str, time: str, value: str) -> pd.DataFrame:
    """Columns `day`, counted from the first, `y`, and the calendar."""
    raw = pd.read_csv(path, parse_dates=[time])
    found = raw.groupby(raw[time].dt.normalize())[value].sum().rename("y").rename_axis("date").reset_index()
    of = found["date"].dt
    parts = {"weekday": of.dayofweek, "month": of.month, "yearday": of.dayofyear, "monthday": of.day}
    return found.assign(day=(found["date"] - found["date"].iloc[0]).dt.days.astype(float), **parts).drop(columns="date")


def measured(series: pd.DataFrame, cut: float) -> dict[str, float]:
    """Root mean squared errors on the fifth of the days that follows `cut`."""
    at = int(len(series) * cut)
    within = series.iloc[:at]
    inner = [_errors(within.iloc[: int(at * part)], within.iloc[int(at * part) : int(at * (part + 1 / 3))]) for part in (1 / 3, 2 / 3)]
    best = min(_CHOICE, key=lambda name: sum(errors[name] ** 2 for errors in inner))
    found = _errors(within, series.iloc[at : at + int(0.2 * len(series))])
    return {**found, "chosen": found[best]}


def _errors(past: pd.DataFrame, later: pd.DataFrame) -> dict[str, float]:
    slope, last = _slope(past), float(past["day"].iloc[-1])
    calm = _fitted(past, past["y"] - slope * past["day"], later, ["day", "y"])
    damped = last + _HALF_YEAR * (1 - np.exp(-(later["day"] - last) / _HALF_YEAR))
    answers = {
        "calendar": _fitted(past, past["y"], later, ["day", "y"]),
        "day as an input": _fitted(past, past["y"], later, ["y"]),
        "linear": calm + slope * later["day"],
        "damped": calm + slope * damped,
    }
    return {name: float(np.sqrt(np.mean((later["y"] - answer) ** 2))) for name, answer in answers.items()}


def _fitted(past: pd.DataFrame, target: pd.Series, later: pd.DataFrame, without: list[str]) -> np.ndarray:
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(n_estimators=150, learning_rate=0.06, num_leaves=15, min_child_samples=10, n_jobs=1, verbose=-1, random_state=0)
    return np.asarray(model.fit(past.drop(columns=without), target).predict(later.drop(columns=without)))


def _slope(past: pd.DataFrame) -> float:
    """By day, beside weekdays and months: least squares."""
    dummies = [pd.get_dummies(past[name]).to_numpy("float64")[:, 1:] for name in ("weekday", "month")]
    inputs = np.column_stack([past["day"], np.ones(len(past)), *dummies])
    return float(np.linalg.lstsq(inputs, past["y"].to_numpy("float64"), rcond=None)[0][0])


if __name__ == "__main__":
    main()
