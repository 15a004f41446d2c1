"""`Gate`: one limit of the config and what was measured against it, and how each is decided."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.changes import Change
from switchyard.tabular.evaluation.costs import Money
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.report.report import Badge


class Gate(BaseModel):
    """One limit and what was measured against it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The config key."""
    limit: str
    """In words with its unit; "none" where the config sets none."""
    measured: str
    value: float | None = None
    """The number behind `measured`, where there is one."""
    passed: bool

    @property
    def standing(self) -> Badge:
        """The gate's result as a page shows it."""
        if not self.passed:
            return Badge("closed", "bad")
        return Badge("no limit", "note") if self.limit == "none" else Badge("passed", "good")


def floor(problem: Problem, evaluation: Evaluation) -> Gate:
    """The score against what the config asks for at least, or at most where less is better."""
    limit, value = problem.constraints.metric_floor, evaluation.score.value
    sense = "at least" if evaluation.greater_is_better else "at most"
    passed = limit is None or (value is not None and (value >= limit if evaluation.greater_is_better else value <= limit))
    return Gate(
        name="constraints.metric_floor",
        limit="none" if limit is None else f"{evaluation.metric} {sense} {limit:g}",
        measured=f"{evaluation.metric} {evaluation.score}",
        value=value,
        passed=passed,
    )


def dear(limit: float | None, money: Money) -> Gate:
    """What errors cost against the most that they may."""
    return ceiling("constraints.max_cost", limit, money.model.value, f"{money.unit} per 1,000 rows".lstrip())


def ceiling(name: str, limit: float | None, value: float | None, unit: str) -> Gate:
    """A measure that must not be above its limit."""
    return Gate(
        name=name,
        limit="none" if limit is None else f"at most {limit:g} {unit}",
        measured="not measured" if value is None else f"{value:.3g} {unit}",
        value=value,
        passed=limit is None or (value is not None and value <= limit),
    )


def explainable(problem: Problem, members: Mapping[str, int] | None) -> Gate:
    """Whether the model is one that can be read, where the config asks for it."""
    wanted = problem.constraints.explainable_only
    measured = "not measured" if members is None else ", ".join(f"{count} x {family}" for family, count in members.items())
    single_tree = members is not None and sum(members.values()) == 1 and not any(FAMILIES[family].opaque for family in members)
    return Gate(
        name="constraints.explainable_only",
        limit="one tree model, no ensemble, no net" if wanted else "none",
        measured=measured,
        passed=not wanted or single_tree,
    )


def against_nobody(problem: Problem, why: str) -> Gate:
    """The first model has nobody to beat, and a champion that cannot answer these rows, which `why` tells, cannot hold a successor up."""
    gate = against("gates.champion", problem.gates.champion, None, "the champion")
    return gate.model_copy(update={"passed": True, "measured": why or "no champion"})


def contract(problem: Problem, changes: tuple[Change, ...]) -> Gate:
    """Whether requests of the champion's clients are answered as before."""
    broken, ignored = [change.sentence() for change in changes if change.breaking], problem.gates.contract == "ignore"
    limit = "none" if ignored else "clients of the champion are answered as before (ignore accepts what breaks them)"
    measured = "; ".join(broken) or "nothing breaks them"
    return Gate(name="gates.contract", limit=limit, measured=measured, value=len(broken), passed=ignored or not broken)


def moved(limit: float, moved: float) -> Gate:
    """How many rows changed their group."""
    return Gate(
        name="gates.moved",
        limit="none" if limit >= 1 else f"at most {limit:.0%} of the rows in another group than with the champion (1 accepts any)",
        measured=f"{moved:.1%}",
        value=moved,
        passed=moved <= limit,
    )


def against(name: str, rule: str, gain: Estimate | None, opponent: str) -> Gate:
    """Whether the model holds its own against an opponent, by the interval of their paired difference."""
    limit = {"ignore": "none", "not_worse": f"not worse than {opponent}", "better": f"better than {opponent}"}[rule]
    if gain is None or gain.value is None:
        return Gate(name=name, limit=limit, measured="not measured", passed=rule == "ignore")
    low, high = (gain.value if end is None else end for end in (gain.low, gain.high))
    passed = {"ignore": True, "not_worse": high >= 0, "better": low > 0}[rule]
    return Gate(name=name, limit=limit, measured=gain.as_gain(), value=gain.value, passed=passed)
