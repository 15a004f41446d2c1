"""Champion and challenger on the same holdout, and the gates a new model has to pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation import gates
from switchyard.tabular.evaluation.baselines import DEFAULTS
from switchyard.tabular.evaluation.changes import Change, change_table
from switchyard.tabular.evaluation.costs import with_cost
from switchyard.tabular.evaluation.delong import delong_p
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.gates import Gate
from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.measures import scores_of
from switchyard.tabular.evaluation.names import NAMES, name_of
from switchyard.tabular.evaluation.predictions import Predictions, encode_truth
from switchyard.tabular.evaluation.resampling import Estimate, holdout_resampler, resample
from switchyard.tabular.families import BASELINE, FAMILIES
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import metric_of


class Comparison(Record):
    """The metric of two models on the same rows, with the interval of their paired difference."""

    metric: str
    greater_is_better: bool
    rows: int
    challenger: Estimate
    champion: Estimate | None
    champion_version: str | None
    improvement: Estimate | None
    """How much better the challenger is, positive when it is better whatever the metric's direction."""
    others: dict[str, Estimate] = Field(default_factory=dict)
    """The other scores: challenger less champion, in the score's own direction."""
    delong_p: float | None = None
    """Two-sided p-value of DeLong's test; for ROC-AUC of two classes whose rows are independent and count alike."""
    confidence: float
    resampling: str
    unchanged: bool = False
    """The challenger is the champion: same digest."""
    note: str = ""
    """Why there is no champion, or it could not be scored."""

    def metadata(self) -> dict[str, Fact]:
        facts: dict[str, Fact] = {"metric": self.metric, "unchanged": self.unchanged}
        if self.improvement is not None and self.improvement.value is not None:
            facts["improvement"] = self.improvement.value
        return facts

    def report(self) -> Report:
        rows: list[tuple[Cell, ...]] = [("challenger", str(self.challenger))]
        if self.champion is not None:
            rows += [
                (f"champion {self.champion_version or ''}".strip(), str(self.champion)),
                ("the challenger is", self.improvement.as_gain() if self.improvement else "not compared"),
            ]
        if self.delong_p is not None:
            rows.append(("DeLong's test, p", self.delong_p))
        scores = Table(("", f"{NAMES[self.metric]}, {self.confidence:.0%} interval"), rows)
        sections = [Section(NAMES[self.metric], scores)]
        if self.others:
            differences = [(name_of(name), str(difference)) for name, difference in self.others.items()]
            sections.append(Section("Other scores, challenger less champion", Table(("score", "difference"), differences)))
        return Report("Champion and challenger", f"{self.rows:,} holdout rows, {self.resampling}. {self.note}".strip(), sections)


def compare(
    challenger: Predictions,
    champion: Predictions | None,
    split: Split,
    problem: Problem,
    classes: tuple[str, ...] = (),
    *,
    champion_version: str | None = None,
    unchanged: bool = False,
    note: str = "",
) -> Comparison:
    """Compare two models' predictions of the same holdout by a paired bootstrap.

    Parameters
    ----------
    challenger, champion : Predictions
        For the rows of `split.holdout`, in order; `champion` is None where there is none, or where it cannot score
        these rows or knows other classes, and `note` then says why.
    split : Split
    problem : Problem
    classes : tuple of str
        In the order of both models' probabilities.
    champion_version : str, optional
    unchanged : bool
        Whether both bundles have the same digest.
    note : str

    References
    ----------
    DeLong, DeLong & Clarke-Pearson, *Biometrics* 44, 1988, for the p-value of two correlated ROC-AUCs.
    """
    metric = metric_of(problem.task, problem.metric)
    truth = encode_truth(split.holdout[problem.data.target].to_numpy(), problem.task, classes)
    resampler, words = holdout_resampler(split, problem, truth)
    models = {"challenger": challenger} | ({"champion": champion} if champion is not None else {})
    scores = {name: scores_of(truth, part, problem.task, classes, metric.name) for name, part in models.items()}
    draws = resample({name: with_cost(scores[name], truth, models[name].labels, problem.costs, classes) for name in models}, resampler)
    level = problem.evaluation.confidence
    alone = {
        name: draws[name][metric.name].estimate(
            level, metric.name, Support.of(truth, classes, resampler.groups, resampler.weights, models[name])
        )
        for name in models
    }
    paired: dict = {"champion": None, "improvement": None}
    if champion is not None:
        ours, theirs = draws["challenger"], draws["champion"]
        paired = {
            "champion": alone["champion"],
            "improvement": (ours[metric.name] - theirs[metric.name]).scaled(metric.sign).estimate(level),
            "others": {
                name: (ours[name] - theirs[name]).estimate(level)
                for name in ours
                if name in theirs and name != metric.name and ":" not in name
            },
        }
        if problem.task == "binary" and metric.name == "roc_auc" and resampler.groups is None and resampler.weights is None:
            paired["delong_p"] = delong_p(truth == 1, challenger.probabilities[:, 1], champion.probabilities[:, 1])
    return Comparison(
        metric=metric.name,
        greater_is_better=metric.greater_is_better,
        rows=len(truth),
        challenger=alone["challenger"],
        champion_version=champion_version,
        confidence=level,
        resampling=words,
        unchanged=unchanged,
        note=note,
        **paired,
    )


class Verdict(Record):
    """What becomes of the new model."""

    verdict: Literal["challenger", "rejected", "unchanged"]
    gates: tuple[Gate, ...]
    changes: tuple[Change, ...] = ()
    """What came and went against the champion: columns, kinds, classes."""
    doubt: str = ""
    """Why the holdout's score is not believable beside the cross-validated one; empty where it is."""

    @property
    def failed(self) -> tuple[Gate, ...]:
        return tuple(gate for gate in self.gates if not gate.passed)

    def reasons(self) -> tuple[str, ...]:
        """A reason for each gate that failed, what it needs and what was measured; none for a verdict of unchanged."""
        if self.verdict != "rejected":
            return ()
        return tuple(f"gate {gate.name} is closed: needs {gate.limit}, measured {gate.measured}" for gate in self.failed)

    def metadata(self) -> dict[str, Fact]:
        return {"verdict": self.verdict, "failed_gates": ", ".join(gate.name for gate in self.failed)}

    def report(self) -> Report:
        meaning = {
            "challenger": "Every gate is open: the model may become challenger.",
            "rejected": "A gate is closed: the model is not registered.",
            "unchanged": "The model is the champion itself: nothing to register.",
        }
        sections = [Section("Gates", self.gate_table())]
        if self.changes:
            sections.append(Section("What came and went against the champion", change_table(self.changes)))
        if self.doubt:
            sections.insert(0, Section("Doubt", f"Look at this first: {self.doubt}."))
        return Report("Verdict", f"{self.verdict}. {meaning[self.verdict]}", sections)

    def gate_table(self) -> Table:
        """Each limit of the config beside what was measured."""
        rows = [(Name(gate.name), gate.limit, gate.measured, gate.standing) for gate in self.gates]
        return Table(("gate", "needs", "measured", "result"), rows)


def check_gates(
    problem: Problem,
    evaluation: Evaluation,
    comparison: Comparison | None = None,
    *,
    latency_ms: float | None = None,
    bundle_mb: float | None = None,
    members: Mapping[str, int] | None = None,
    changes: tuple[Change, ...] = (),
    doubt: str = "",
    moved: float | None = None,
) -> Verdict:
    """Hold the measured values against the limits of the config.

    Parameters
    ----------
    problem : Problem
    evaluation : Evaluation
        With the baselines, where `gates.baseline` asks for them.
    comparison : Comparison, optional
        None where no champion was looked for.
    latency_ms : float, optional
        Median of one row through the bundle, in process.
    bundle_mb : float, optional
        Size of the bundle on disk, in units of 10**6 bytes.
    members : mapping of family name to number of fitted models, optional
    changes : tuple of Change, optional
        Of the contract with the clients, against the champion.
    doubt : str
        From `switchyard.tabular.evaluation.belief.doubt`; it is said, and closes nothing.
    moved : float, optional
        Of groups: share of the rows that are in another one than with the champion; None where there is no champion.

    Returns
    -------
    Verdict
        "not_worse" is open unless the whole interval of the paired difference is below zero; "better" is open when
        the whole interval is above it. A limit whose value was not measured closes its gate.
    """
    found = [
        gates.floor(problem, evaluation),
        gates.ceiling("constraints.max_latency_ms", problem.constraints.max_latency_ms, latency_ms, "ms"),
        gates.ceiling("constraints.max_bundle_mb", problem.constraints.max_bundle_mb, bundle_mb, "MB"),
        *([gates.dear(problem.constraints.max_cost, evaluation.money)] if evaluation.money else []),
        gates.explainable(problem, members),
        _champion(problem, comparison),
        gates.contract(problem, changes),
        *([] if moved is None else [gates.moved(problem.gates.moved, moved)]),
        gates.against("gates.baseline", problem.gates.baseline, evaluation.gains.get(DEFAULTS), f"the {FAMILIES[BASELINE].title} defaults"),
    ]
    if comparison is not None and comparison.unchanged:
        verdict = "unchanged"
    else:
        verdict = "challenger" if all(gate.passed for gate in found) else "rejected"
    return Verdict(verdict=verdict, gates=tuple(found), changes=changes, doubt=doubt)


def _champion(problem: Problem, comparison: Comparison | None) -> Gate:
    if comparison is None or comparison.champion is None:
        return gates.against_nobody(problem, comparison.note if comparison else "")
    return gates.against("gates.champion", problem.gates.champion, comparison.improvement, "the champion")
