"""Whether experiments find the right winner: many simulated A/B tests, looked at after every single label.

    python -m benchmarks.experiments --runs 400 --json experiments.json

Each line is a planted difference of two versions. A run ends at the first look at which `switchyard.monitoring.experiment` decides;
"right" is promote where the candidate is better, stop where it is worse or the same. The last two columns tell what the
same looks come to with an ordinary 95 % interval, and with rows in place of entities as the unit.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from switchyard.monitoring.experiment.sample_size import fixed, sequential
from switchyard.monitoring.experiment.sequence import Arm, ImprovementInterval, between
from switchyard.monitoring.experiment.verdict import decide_score
from switchyard.tabular.config.production import ExperimentConfig

LONGEST = 3
"""Times the planned size; who is not decided by then is not decided."""
_NORMAL = 1.959964


@dataclass(frozen=True)
class Scenario:
    """Two versions with a known difference."""

    name: str
    gain: float
    """By how much the candidate is better: in accuracy, or of the loss."""
    share: float = 0.5
    rows: int = 1
    """Rows of an entity, at most; they come among those of others."""
    spread: float = 0.0
    """Share of the variance of a row that is its entity's."""
    loss: str = "accuracy"
    goal: str = "better"
    effect: float = 0.03


SCENARIOS = (
    Scenario("3 points better", 0.03),
    Scenario("3 points worse", -0.03),
    Scenario("no difference", 0.0),
    Scenario("3 points better, 1-9 rows an entity", 0.03, rows=9, spread=0.4),
    Scenario("no difference, 1-9 rows an entity", 0.0, rows=9, spread=0.4),
    Scenario("3 points better, share 10 %", 0.03, share=0.1),
    Scenario("no difference, share 10 %", 0.0, share=0.1),
    Scenario("log loss 5 % better", 0.02, loss="log_loss", effect=0.02),
    Scenario("log loss, no difference", 0.0, loss="log_loss", effect=0.02),
    Scenario("canary 3 points worse, share 10 %", -0.03, share=0.1, goal="not_worse"),
    Scenario("canary, no difference, share 10 %", 0.0, share=0.1, goal="not_worse"),
)
_BASE = {"accuracy": 0.2, "log_loss": 0.4}
"""The champion's mean loss."""


@dataclass(frozen=True)
class Ended:
    """How one run ended."""

    verdict: str
    entities: int
    rows: int


def main() -> None:
    """Run the scenarios and print a table; `--json` writes the figures. Exit code 1 where one errs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found, start = [], time.perf_counter()
    print(f"{'planted':<38}{'planned':>9}{'fixed':>8}{'median':>8}{'p90':>8}{'right':>8}{'false':>8}{'open':>7}{'usual':>8}{'by row':>8}")
    for number, scenario in enumerate(SCENARIOS):
        line = summarise(scenario, options.runs, options.seed + 1000 * number)
        found.append(line)
        sizes = f"{line['planned']:>9,}{line['fixed']:>8,}{line['median_entities']:>8,.0f}{line['p90_entities']:>8,.0f}"
        shares = "".join(f"{line[name]:>{width}.1%}" for name, width in (("right", 8), ("false_winner", 8), ("undecided", 7)))
        print(f"{scenario.name:<38}{sizes}{shares}{line['usual_false']:>8.1%}{line['by_row_false']:>8.1%}", flush=True)
    seconds = time.perf_counter() - start
    print(f"{options.runs} runs each, seed {options.seed}, a look after every label; {seconds:.0f} s")
    if options.json:
        options.json.write_text(json.dumps({"runs": options.runs, "seed": options.seed, "scenarios": found}, indent=1) + "\n")
    bad = [line["name"] for line in found if line["right"] < 0.95 or line["false_winner"] > 0.05]
    if bad:
        sys.exit(f"errs more than it may: {', '.join(bad)}")


def summarise(scenario: Scenario, runs: int, seed: int) -> dict[str, Any]:
    """Sizes and shares of `runs` runs."""
    planned, classical = sizes(scenario)
    ended, usual, by_row = [], 0, 0
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        labels = simulate(scenario, LONGEST * planned, rng)
        looks = interval_at_every_look(*labels, planned)
        ended.append(decide(looks, scenario))
        usual += _strays(_usual(looks), scenario)
        rows = interval_at_every_look(np.arange(len(labels[0])), *labels[1:], planned)
        by_row += decide(rows, scenario).verdict != _right(scenario)
    verdicts = [one.verdict for one in ended]
    entities = [one.entities for one in ended]
    return {
        **asdict(scenario),
        "planned": planned,
        "fixed": classical,
        "median_entities": float(np.median(entities)),
        "p90_entities": float(np.quantile(entities, 0.9)),
        "right": verdicts.count(_right(scenario)) / runs,
        "false_winner": _wrong(verdicts, scenario) / runs,
        "undecided": verdicts.count("continue") / runs,
        "usual_false": usual / runs,
        "by_row_false": by_row / runs,
    }


def sizes(scenario: Scenario) -> tuple[int, int]:
    """Planned entities, for looks at any time and for one at the end."""
    config = ExperimentConfig()
    variances = (_variance(scenario, _BASE[scenario.loss] - scenario.effect), _variance(scenario, _BASE[scenario.loss]))
    arguments = (variances, scenario.effect, config.alpha, config.power, scenario.share)
    return sequential(*arguments), fixed(*arguments)


def simulate(scenario: Scenario, entities: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels in the order in which they come: entity, whether it is the candidate's, loss; each of shape (n_rows,)."""
    counts = rng.integers(1, scenario.rows + 1, entities)
    candidate = rng.random(entities) < scenario.share
    mean = np.where(candidate, _BASE[scenario.loss] - scenario.gain, _BASE[scenario.loss])
    if scenario.loss == "log_loss":
        own = mean
    elif scenario.spread:
        concentration = 1 / scenario.spread - 1
        own = rng.beta(mean * concentration, (1 - mean) * concentration)
    else:
        own = mean
    entity = np.repeat(np.arange(entities), counts)
    # An entity's rows come among those of the next thousand or so.
    order = np.argsort(entity + rng.exponential(300, len(entity)) * (scenario.rows > 1), kind="stable")
    entity = entity[order]
    loss = rng.gamma(1.0, own[entity]) if scenario.loss == "log_loss" else (rng.random(len(entity)) < own[entity]).astype(float)
    return entity, candidate[entity], loss


def interval_at_every_look(entity: np.ndarray, candidate: np.ndarray, loss: np.ndarray, planned: int) -> ImprovementInterval:
    """The confidence sequence after every label from the first `min_labels` entities of each arm on; its fields are arrays."""
    config, unit = ExperimentConfig(), bool((loss <= 1).all())
    order = np.argsort(entity, kind="stable")
    nth, sums = np.empty(len(entity)), np.empty(len(entity))
    first = np.r_[True, np.diff(entity[order]) != 0]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(entity)), 0))
    total = np.cumsum(loss[order])
    nth[order] = np.arange(len(entity)) - begin + 1
    sums[order] = total - (total[begin] - loss[order][begin])
    now, before = sums / nth, np.where(nth > 1, (sums - loss) / np.maximum(nth - 1, 1), 0.0)
    arms = []
    for own in (candidate, ~candidate):
        count, mean_sum, square_sum = (np.cumsum(own * change) for change in (nth == 1, now - before, now**2 - before**2))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = mean_sum / count
            scale = 1.0 if unit else loss[:200].std()
            variance = (square_sum - count * mean**2 + scale**2) / np.maximum(count - 1, 1)
        arms.append(Arm(count, mean, variance))
    enough = (arms[0].count >= config.min_labels) & (arms[1].count >= config.min_labels)
    arms = [Arm(arm.count[enough], arm.mean[enough], arm.variance[enough]) for arm in arms]
    return between(*arms, config.alpha, planned)


def decide(looks: ImprovementInterval, scenario: Scenario) -> Ended:
    """The first look that decides."""
    low, high = looks.lower, looks.upper
    is_over = (high < 0) | (low > 0) | ((low > -scenario.effect) if scenario.goal == "not_worse" else (high < scenario.effect))
    at = int(np.argmax(is_over)) if is_over.any() else len(low) - 1
    seen = ImprovementInterval(*(float(values[at]) for values in (looks.improvement, low, high)), looks.candidate, looks.champion)
    verdict, _ = decide_score(seen, scenario.goal, scenario.effect)
    return Ended(verdict, int(looks.candidate.count[at] + looks.champion.count[at]), at)


def _usual(looks: ImprovementInterval) -> ImprovementInterval:
    """An ordinary 95 % interval at every look."""
    width = _NORMAL * np.sqrt(sum(arm.variance / arm.count for arm in (looks.candidate, looks.champion)))
    return ImprovementInterval(looks.improvement, looks.improvement - width, looks.improvement + width, looks.candidate, looks.champion)


def _strays(looks: ImprovementInterval, scenario: Scenario) -> bool:
    """Whether the true difference is ever outside."""
    return bool(((looks.lower > scenario.gain) | (looks.upper < scenario.gain)).any())


def _right(scenario: Scenario) -> str:
    return "promote" if scenario.gain > 0 or (scenario.goal == "not_worse" and scenario.gain == 0) else "stop"


def _wrong(verdicts: list[str], scenario: Scenario) -> int:
    """False winners: promoted though not better, or stopped though better; a canary without a difference may be either's."""
    return verdicts.count("stop" if _right(scenario) == "promote" else "promote")


def _variance(scenario: Scenario, mean: float) -> float:
    """Of an entity's mean loss."""
    row = mean**2 if scenario.loss == "log_loss" else mean * (1 - mean)
    inverse = float(np.mean(1 / np.arange(1, scenario.rows + 1)))
    return row * (scenario.spread + (1 - scenario.spread) * inverse)


if __name__ == "__main__":
    main()
