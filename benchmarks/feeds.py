"""Broken feeds told apart from drift: how often each planted fault is found, and how often honest windows and drift are called one.

    python -m benchmarks.feeds --data ../shared/data --json feeds.json

Five real tables (`--tables` for others), each split at random into a reference (up to 10,000 rows) and rows for windows of 100, 500
and 2,000. A fault is planted in a column drawn at random. Honest windows are drawn from everywhere; windows that drift are drawn by
the rank of a column (its values, and all that depends on them, shift), have a column shifted by up to one and a half standard
deviations, by two to four of them, or grown by up to half, or a new category in up to a quarter of the rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from switchyard.monitoring.feed import find_faults

TABLES = ("adult", "ames_housing", "bank_marketing", "bikes_hourly", "used_cars")
SIZES = (100, 500, 2000)
_FEWEST = 8
"""Rows of a category, below which by chance it may be missing: that it was renamed cannot be known, and is counted apart."""
_DEGREES = ((1.0, 273.15), (1.8, 32.0), (1 / 1.8, -32 / 1.8))
_FACTORS = (0.0929, 10.764, 1000, 0.001, 100, 0.01, 2.54, 0.3937, 0.4536, 2.2046, 1.609, 0.6214, 60)


def main() -> None:
    """Print shares by fault; `--json` writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder of the five tables.")
    parser.add_argument("--tables", nargs="+", default=TABLES, help="Names of CSV files in that folder, without .csv or .csv.gz.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--times", type=int, default=20, help="Windows of each kind, table and size.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, list[bool]] = {}
    for name in options.tables:
        path = next(path for ending in ("csv.gz", "csv") if (path := options.data / f"{name}.{ending}").exists())
        frame, kinds = read(path)
        watch(frame, kinds, options.times, options.seed, found)
    for kind, hits in found.items():
        print(f"| {kind} | {len(hits):,} | {np.mean(hits):.1%} |")
    if options.json:
        options.json.write_text(json.dumps({kind: [int(sum(hits)), len(hits)] for kind, hits in found.items()}, indent=1) + "\n")


def read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """A table in canonical types, with a date added (none of the five has many), and the kinds of its columns."""
    raw = pd.read_csv(path, low_memory=False)
    kinds = {name: "numeric" if raw[name].dtype.kind in "if" and raw[name].nunique() > 2 else "categorical" for name in raw}
    frame = pd.DataFrame(
        {
            name: raw[name].astype("float64") if kind == "numeric" else raw[name].astype(object).map(str, na_action="ignore")
            for name, kind in kinds.items()
            if raw[name].nunique() > 1 and (kind == "numeric" or raw[name].nunique() < 500)
        }
    )
    days = np.random.default_rng(0).integers(0, 900, len(frame))
    frame["joined"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(days, unit="D")
    return frame, {name: kind for name, kind in {**kinds, "joined": "datetime"}.items() if name in frame}


def watch(frame: pd.DataFrame, kinds: dict[str, str], times: int, seed: int, found: dict[str, list[bool]]) -> None:
    """Plant every fault and drift into windows of `frame`; whether it was found goes into `found`."""
    rng = np.random.default_rng(seed)
    for size in SIZES:
        for _ in range(times):
            order = rng.permutation(len(frame))
            keep = min(10_000, len(frame) * 2 // 3)
            past, rest = frame.iloc[order[:keep]].reset_index(drop=True), frame.iloc[order[keep:]]
            window = rest.iloc[rng.choice(len(rest), min(size, len(rest)), replace=False)].reset_index(drop=True)
            found.setdefault("honest", []).append(bool(find_faults(past, window, kinds)))
            for kind, plant in _FAULTS.items():
                if planted := plant(window, past, kinds, rng):
                    column, broken = planted
                    few = "renamed" in kind and (window[column].astype(str) != broken[column].astype(str)).sum() < _FEWEST
                    label = f"fault: {kind}{f', in fewer than {_FEWEST} rows' if few else ''}"
                    found.setdefault(label, []).append(column in {fault.column for fault in find_faults(past, broken, kinds)})
            for kind, drift in _DRIFTS.items():
                drifted = drift(window, rest, kinds, rng) if set(kinds.values()) >= {"numeric", "categorical"} else None
                if drifted is not None:
                    found.setdefault(f"drift: {kind}", []).append(bool(find_faults(past, drifted, kinds)))


def _of_kind(window: pd.DataFrame, past: pd.DataFrame, kinds: dict[str, str], kind: str, least: int = 11) -> list[str]:
    """Columns with values enough that a person could tell."""
    return [name for name, of in kinds.items() if of == kind and past[name].nunique() >= least and window[name].notna().mean() > 0.5]


def _scaled(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = [name for name in _of_kind(window, past, kinds, "numeric") if (past[name] == 0).mean() < 0.5]
    if not names:
        return None
    name = rng.choice(names)
    return name, window.assign(**{name: window[name] * rng.choice(_FACTORS)})


def _shifted(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = _of_kind(window, past, kinds, "numeric")
    if not names:
        return None
    name = rng.choice(names)
    return name, window.assign(**{name: window[name] + (past[name].max() - past[name].min()) * rng.choice([-1.5, 1.5])})


def _other_degrees(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = [name for name in _of_kind(window, past, kinds, "numeric") if past[name].max() - past[name].min() < 100]
    if not names:
        return None
    name, (factor, shift) = rng.choice(names), _DEGREES[rng.integers(len(_DEGREES))]
    return name, window.assign(**{name: window[name] * factor + shift})


def _renamed(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = _of_kind(window, past, kinds, "categorical", 2)
    if not names:
        return None
    name = rng.choice(names)
    common = past[name].value_counts(normalize=True)
    old = rng.choice(common.index[common >= min(0.15, common.iloc[0])])
    how: Callable[[str], str] = rng.choice(np.array([str.upper, lambda text: f"{text}_v2", lambda text: f"code {len(text)}"], dtype=object))
    new = how(old) if how(old) != old else f"{old}_v2"
    return name, window.assign(**{name: window[name].where(window[name] != old, new)})


def _all_renamed(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = _of_kind(window, past, kinds, "categorical", 2)
    if not names:
        return None
    name = rng.choice(names)
    return name, window.assign(**{name: "c:" + window[name]})


def _empty(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = [name for name in kinds if past[name].isna().mean() < 0.5]
    name = rng.choice(names)
    return name, window.assign(**{name: pd.Series([pd.NaT if kinds[name] == "datetime" else None] * len(window), dtype=window[name].dtype)})


def _constant(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = [name for name in kinds if past[name].value_counts(normalize=True).iloc[0] < 0.8 and window[name].notna().mean() > 0.5]
    name = rng.choice(names)
    value = past[name].dropna().iloc[0] if kinds[name] != "numeric" or rng.random() < 0.5 else 0.0
    return name, window.assign(**{name: pd.Series([value] * len(window), dtype=window[name].dtype)})


def _swapped(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    names = _of_kind(window, past, kinds, "numeric")
    if len(names) < 2:
        return None
    one, other = rng.choice(names, 2, replace=False)
    return one, window.assign(**{one: window[other], other: window[one]})


def _day_first(window, past, kinds, rng):  # type: ignore[no-untyped-def]
    moments = window["joined"]
    turned = pd.to_datetime(moments.dt.strftime("%Y-%d-%m"), format="%Y-%m-%d", errors="coerce")
    return "joined", window.assign(joined=turned)


def _tilted(window, rest, kinds, rng):  # type: ignore[no-untyped-def]
    name = rng.choice([name for name, kind in kinds.items() if kind == "numeric"])
    ranks = rest[name].rank(pct=True).fillna(0.5).to_numpy()
    weights = ranks ** rng.choice([2, 4]) if rng.random() < 0.5 else (1 - ranks) ** 2 + 1e-9
    return rest.iloc[rng.choice(len(rest), len(window), p=weights / weights.sum())].reset_index(drop=True)


def _moved(window, rest, kinds, rng):  # type: ignore[no-untyped-def]
    name = rng.choice([name for name, kind in kinds.items() if kind == "numeric"])
    return window.assign(**{name: window[name] + rng.uniform(0.3, 1.5) * rest[name].std()})


def _moved_far(window, rest, kinds, rng):  # type: ignore[no-untyped-def]
    name = rng.choice([name for name, kind in kinds.items() if kind == "numeric"])
    return window.assign(**{name: window[name] + rng.uniform(2, 4) * rng.choice([-1, 1]) * rest[name].std()})


def _grown(window, rest, kinds, rng):  # type: ignore[no-untyped-def]
    # A year or a temperature does not grow by half.
    names = [name for name, kind in kinds.items() if kind == "numeric" and rest[name].std() > 0.3 * abs(rest[name].mean())]
    if not names:
        return None
    name = rng.choice(names)
    return window.assign(**{name: window[name] * rng.uniform(1.1, 1.5)})


def _new_category(window, rest, kinds, rng):  # type: ignore[no-untyped-def]
    name = rng.choice([name for name, kind in kinds.items() if kind == "categorical"])
    return window.assign(**{name: window[name].mask(rng.random(len(window)) < rng.uniform(0.05, 0.25), "something new")})


_FAULTS = {
    "unit": _scaled, "shifted": _shifted, "other degrees": _other_degrees, "one category renamed": _renamed,
    "all renamed": _all_renamed, "empty": _empty,
    "constant": _constant, "swapped": _swapped, "day and month exchanged": _day_first,
}  # fmt: skip
_DRIFTS = {
    "drawn by a column": _tilted, "shifted": _moved, "shifted far": _moved_far, "grown": _grown, "a new category": _new_category,
}  # fmt: skip

if __name__ == "__main__":
    main()
