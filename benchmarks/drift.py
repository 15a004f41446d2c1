"""How often tests of drift are wrong, and how often they are right: windows without drift, planted drift, and a year of hours.

    python -m benchmarks.drift --json drift.json

Rows are generated: half of the columns numbers (normal, log-normal, counts, mostly zero), half categories of 2, 5, 30 and 300
values of falling frequency. Each reference is a sample of its own. Beside ours (`switchyard.monitoring.twosample`, Holm at
`monitoring.p_value`, and the distance of `columns.py` where both samples are large) stand three others on the same windows: the tests
that Evidently's preset takes for the sizes at hand, with its own limits, called through Evidently; NannyML's default
(`nannyml_peer.py`, in an environment of its own); and scipy's Kolmogorov-Smirnov and chi-squared tests at 0.05 a column. A column
that one of them calls drifted counts for it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance

from benchmarks.environments import ensure
from switchyard.monitoring import twosample
from switchyard.tabular.config.monitoring import Monitoring

SIZES = ((200, 50), (200, 2_000), (600, 600), (600, 20_000), (5_000, 200), (20_000, 500), (20_000, 20_000), (20_000, 50_000))
PLANTED = ("shift by 0.1 sd", "shift by 0.3 sd", "spread by a quarter", "a category from 10 % to 15 %", "a category from 10 % to 20 %")
_LEVELS = (2, 5, 30, 300)
_NANNYML = ("nannyml==0.13.1", "pandas<3", "numpy<2.4", "statsmodels")
_SETTINGS = Monitoring()
Pairs = Sequence[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]
"""Columns of a reference and of a window."""


def main() -> None:
    """Print three tables; `--json` writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="Windows of each pair of sizes.")
    parser.add_argument("--years", type=int, default=2, help="Years of hourly windows.")
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=("false", "found", "years"), default=("false", "found", "years"))
    parser.add_argument("--alone", action="store_true", help="Without the others, which take most of the time.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    tables = {
        "false": lambda: false_alarms(options.times, options.columns, rng, options.alone),
        "found": lambda: power(options.times, options.columns, rng),
        "years": lambda: years(options.years, min(options.columns, 6), rng),
    }
    found = {name: list(table()) for name, table in tables.items() if name in options.only}
    for name, rows in found.items():
        print(f"\n{name}\n| {' | '.join(rows[0])} |")
        for row in rows:
            print("| " + " | ".join(_shown(value) for value in row.values()) + " |")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _shown(value: str | int | float) -> str:
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def draw(rows: int, columns: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A sample of the table: numbers n0, n1, ... and categories c0, c1, ..."""
    found: dict[str, np.ndarray] = {}
    for place in range((columns + 1) // 2):
        normal = rng.standard_normal(rows)
        kinds = (normal, np.exp(normal), np.floor(np.exp(normal + 2)), normal * (rng.random(rows) < 0.2))
        found[f"n{place}"] = kinds[place % 4]
        if len(found) == columns:
            break
        levels = _LEVELS[place % 4]
        shares = 1 / np.arange(1, levels + 1)
        found[f"c{place}"] = rng.choice(levels, rows, p=shares / shares.sum())
    found["c1"] = np.where(rng.random(rows) < 0.1, 1, 0) if columns > 2 else found["c0"]
    return found


def ours(past: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> dict[str, float]:
    """Column -> adjusted p-value; 1 where the distance says that the difference is too small to matter."""
    p_values = {
        name: twosample.of_numbers(past[name], now[name])
        if name[0] == "n"
        else twosample.of_levels(pd.Series(past[name]), pd.Series(now[name]))
        for name in past
    }
    adjusted = twosample.holm(p_values)
    rows = min(len(next(iter(past.values()))), len(next(iter(now.values()))))
    if rows < _SETTINGS.small_sample:
        return adjusted
    return {
        name: p if p >= _SETTINGS.p_value or _distance(past[name], now[name], name) >= _SETTINGS.distance else 1.0
        for name, p in adjusted.items()
    }


def _distance(past: np.ndarray, now: np.ndarray, name: str) -> float:
    if name[0] == "n":
        return float(wasserstein_distance(past, now) / max(past.std(), 0.001))
    from scipy.spatial.distance import jensenshannon

    counts = [np.bincount(side, minlength=max(_LEVELS)) for side in (past, now)]
    return float(jensenshannon(counts[0], counts[1], base=2))


def evidently(pairs: Pairs) -> list[set[str]]:
    """The columns of each pair that Evidently's default tests call drifted."""
    from evidently.legacy.calculations.stattests import get_stattest

    def is_drifted(name: str, past: np.ndarray, now: np.ndarray) -> bool:
        kind, sides = "num" if name[0] == "n" else "cat", (pd.Series(past), pd.Series(now))
        test = get_stattest(*sides, kind, None)
        return bool(test(*sides, kind, test.default_threshold).drifted)

    return [{name for name in past if is_drifted(name, past[name], now[name])} for past, now in pairs]


def scipys(pairs: Pairs) -> list[set[str]]:
    """Those that a test of two samples of scipy's says, each column at 0.05 by itself."""

    def p_value(name: str, past: np.ndarray, now: np.ndarray) -> float:
        if name[0] == "n":
            return float(ks_2samp(past, now).pvalue)
        counts = np.array([np.bincount(side.astype(int), minlength=max(_LEVELS)) for side in (past, now)])
        counts = counts[:, counts.sum(axis=0) > 0]
        return float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0

    return [{name for name in past if p_value(name, past[name], now[name]) < 0.05} for past, now in pairs]


def nannymls(pairs: Pairs) -> list[set[str]]:
    """Those that NannyML says."""
    python = ensure("nannyml", _NANNYML)
    with tempfile.TemporaryDirectory() as folder:
        for number, pair in enumerate(pairs):
            for side, columns in zip(("past", "now"), pair, strict=True):
                np.savez(Path(folder, f"{number}-{side}.npz"), **columns)
        command = [str(python), str(Path(__file__).with_name("nannyml_peer.py")), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [set(names) for names in json.loads(done.stdout.splitlines()[-1])]


PEERS = {"Evidently": evidently, "NannyML": nannymls, "scipy": scipys}


def false_alarms(times: int, columns: int, rng: np.random.Generator, alone: bool = False) -> Iterator[dict[str, int | float]]:
    """Windows without drift in which a column is called drifted, and those in which it counts.

    It counts as `switchyard.monitoring.rules` has it: in this window and the one before, or at once; whatever the column weighs.
    """
    for rows, window in SIZES:
        said, pairs = [], []
        for _ in range(_windows(times, rows, window)):
            past, now = draw(rows, columns, rng), draw(window, columns, rng)
            adjusted, before = ours(past, now), ours(past, draw(window, columns, rng))
            at_once = min(adjusted.values()) < _SETTINGS.p_at_once
            drifted = {name for name, p in adjusted.items() if p < _SETTINGS.p_value}
            said.append((bool(drifted), at_once, at_once or any(before[name] < _SETTINGS.p_value for name in drifted)))
            pairs.append((past, now))
        shares = dict(zip(("ours, any column", "ours, at once", "ours, counts"), map(float, np.mean(said, axis=0)), strict=True))
        for name, look in {} if alone else PEERS.items():
            shares[f"{name}, any column"] = float(np.mean([bool(found) for found in look(pairs)]))
        yield {"reference": rows, "window": window, "windows": len(said), **shares}


def power(times: int, columns: int, rng: np.random.Generator) -> Iterator[dict[str, str | int | float]]:
    """Windows with one planted drift in which that column is called drifted."""
    for what in PLANTED:
        for rows, window in ((600, 600), (20_000, 500), (20_000, 5_000)):
            said, pairs, names = [], [], []
            for _ in range(_windows(times, rows, window)):
                past, now = draw(rows, columns, rng), draw(window, columns, rng)
                name = plant(what, now, rng)
                adjusted = ours(past, now)[name]
                said.append((adjusted < _SETTINGS.p_value, adjusted < _SETTINGS.p_at_once))
                pairs.append((past, now))
                names.append(name)
            shares = dict(zip(("ours", "ours, at once"), map(float, np.mean(said, axis=0)), strict=True))
            for peer, look in PEERS.items():
                shares[peer] = float(np.mean([name in found for name, found in zip(names, look(pairs), strict=True)]))
            yield {"planted": what, "reference": rows, "window": window, **shares}


def _windows(times: int, rows: int, window: int) -> int:
    """Fewer of large samples."""
    return times if max(rows, window) <= 5_000 else max(times // 4, 10)


def plant(what: str, now: dict[str, np.ndarray], rng: np.random.Generator) -> str:
    """Change one column of the window; its name."""
    if what.startswith("a category"):
        share = 0.15 if "15" in what else 0.2
        now["c1"] = np.where(rng.random(len(now["c1"])) < share, 1, 0)
        return "c1"
    now["n0"] = now["n0"] * 1.25 if "spread" in what else now["n0"] + float(what.split()[2])
    return "n0"


def years(count: int, columns: int, rng: np.random.Generator) -> Iterator[dict[str, int | float]]:
    """Hours of years without drift that count as `switchyard.monitoring.rules` has it: twice running, or at once."""
    rows, window = 2_000, 100
    for year in range(count):
        past, before, suspected, counted = draw(rows, columns, rng), set(), 0, 0
        for _hour in range(8_760):
            adjusted = ours(past, draw(window, columns, rng))
            drifted = {name for name, p in adjusted.items() if p < _SETTINGS.p_value}
            suspected += bool(drifted)
            counted += bool(drifted & before) or min(adjusted.values()) < _SETTINGS.p_at_once
            before = drifted
        yield {"reference": rows, "window": window, "year": year + 1, "hours that drift": suspected, "hours that count": counted}


if __name__ == "__main__":
    main()
