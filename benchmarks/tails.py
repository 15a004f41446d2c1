"""How often the interval of an RMSE covers the true one where errors have heavy tails: the evaluation's beside two others.

    python -m benchmarks.tails --times 400

Errors are drawn from a distribution whose RMSE is known; no model is fitted. Beside them how often the evaluation would say that
few rows decide.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from switchyard.tabular.evaluation.evaluation import FEW_DECIDE
from switchyard.tabular.evaluation.intervals import Support, interval
from switchyard.tabular.evaluation.mistakes import share_of_the_worst

LAWS: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float]] = {
    "normal": (lambda rng, rows: rng.normal(size=rows), 1.0),
    "Laplace": (lambda rng, rows: rng.laplace(size=rows), 2**0.5),
    "t, 5 degrees": (lambda rng, rows: rng.standard_t(5, rows), (5 / 3) ** 0.5),
    "t, 3 degrees": (lambda rng, rows: rng.standard_t(3, rows), 3**0.5),
    "lognormal": (lambda rng, rows: rng.lognormal(size=rows) - np.exp(0.5), float(np.sqrt((np.e - 1) * np.e))),
}
"""Errors, and their RMSE."""
SIZES = (100, 400, 2000)
WAYS = ("ours", "percentiles", "studentized")
_RESAMPLES = 200


def ends(squares: np.ndarray, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """The 95 % interval of the RMSE behind squared errors of shape (n,), by each of `WAYS`."""
    rows, value = len(squares), float(squares.mean() ** 0.5)
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), size=_RESAMPLES) / rows
    means = weights @ squares
    spread = float(squares.std()) / rows**0.5 / value**2
    spreads = np.sqrt(np.maximum(weights @ squares**2 - means**2, 1e-12)) / rows**0.5 / means
    low, high = np.quantile((np.log(means) - np.log(value**2)) / spreads, [0.025, 0.975])
    return {
        "ours": interval("rmse", value, means**0.5, 0.95, Support(rows, {})),
        "percentiles": tuple(np.quantile(means**0.5, [0.025, 0.975])),
        "studentized": (value * np.exp(-0.5 * spread * high), value * np.exp(-0.5 * spread * low)),
    }


def watch(law: str, rows: int, times: int) -> list[str]:
    """Coverage and mean width by each way, and how often few rows decide."""
    draw, true = LAWS[law]
    rng = np.random.default_rng(rows)
    covered, widths, warned = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0), 0
    for _ in range(times):
        errors = draw(rng, rows)
        warned += share_of_the_worst(np.zeros(rows), errors) > FEW_DECIDE
        for way, (low, high) in ends(errors**2, rng).items():
            covered[way] += low <= true <= high
            widths[way] += (high - low) / true / times
    return [law, str(rows), *(f"{covered[way] / times:.0%} ({widths[way]:.2f})" for way in WAYS), f"{warned / times:.0%}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=400)
    times = parser.parse_args().times
    shown = Table("errors", "rows", *(f"{way}: covered (width)" for way in WAYS), "few rows decide")
    for law in LAWS:
        for rows in SIZES:
            shown.add_row(*watch(law, rows, times))
    Console().print(shown)


if __name__ == "__main__":
    main()
