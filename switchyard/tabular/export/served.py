"""`make_served`: what was evaluated on the holdout, fitted once more to all rows; or itself, where that fails or can't be trusted."""

from __future__ import annotations

import logging
import time

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.agreement import Agreement, agreement
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.export.bundle import ExportedBundle, Parity, export_bundle
from switchyard.tabular.export.terms import Terms
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.record import FeaturePlan
from switchyard.tabular.model.model import Model
from switchyard.tabular.model.refit import fit_again, with_all_rows
from switchyard.tabular.report.report import Cell, Report, Section, Table
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.large.rest import NO_REST, Rest
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.cost import search_seconds

logger = logging.getLogger(__name__)

_BETWEEN_S = 1.0
"""Between the fit of the evaluated model and this one: its comparison with the graph, and the orchestrator."""


class Served(Record):
    """Which of the two models is served, and why."""

    digest: str
    """Of what is served."""
    evaluated_digest: str
    """Of what was scored on the holdout."""
    rows: int
    """That the served model learnt from."""
    of: int | None = None
    """Rows of the table; None in records of before."""
    sampled: tuple[str, ...] = ()
    """Of a table larger than memory: families that learn from its sample only."""
    sample: int = 0
    """Rows of that sample, which search and scores are of; 0 where the table is within memory."""
    fewer: tuple[tuple[str, int, int], ...] = ()
    """Families whose steps were larger for want of time: the rounds that they made, and those of the recipe."""
    reason: str = ""
    """Why the evaluated model itself is served; empty where one fitted to all rows is."""
    parity: Parity
    """Of the served bundle and its native model, on the holdout."""
    agreement: Agreement | None = None
    """Of both models' answers on the holdout; None where there was one only."""

    @property
    def sentences(self) -> str:
        """What was scored and what is served."""
        if not self.sample:
            return self._what_is_served()
        return f"Searched and scored on a uniform sample of {self.sample:,} of the table's {self.of:,} rows. {self._what_is_served()}"

    def _what_is_served(self) -> str:
        if self.reason:
            return f"The scores are of this very model, which did not see the holdout. It was not fitted to all rows: {self.reason}."
        twin = f"The scores are of its evaluated twin ({self.evaluated_digest}), which was fitted without the holdout. "
        if self.of is not None and self.rows < self.of:
            names = " and ".join(FAMILIES[name].title for name in self.sampled)
            fitted = f"to a sample of {self.rows:,} of the table's {self.of:,} rows, all that {names} can learn from"
            return f"{twin}Served is the same recipe fitted once more, {fitted}."
        part = "".join(f" ({FAMILIES[name].title} to a sample of {self.sample:,})" for name in self.sampled)
        rounds = "".join(
            f" {FAMILIES[name].title} made {made:,} rounds of larger steps in place of {planned:,}, to be ready in time (a larger "
            "tuning.budget_s gives it more)."
            for name, made, planned in self.fewer
        )
        return f"{twin}Served is the same recipe fitted once more, to all {self.rows:,} rows{part}, the holdout among them.{rounds}"

    def metadata(self) -> dict[str, Fact]:
        return {"digest": self.digest, "evaluated_digest": self.evaluated_digest, "rows": self.rows, "reason": self.reason}

    def report(self) -> Report:
        rows: list[tuple[Cell, ...]] = [("served", self.digest), ("scored on the holdout", self.evaluated_digest)]
        if self.agreement is not None:
            rows += [
                ("distance of their answers", self.agreement.distance),
                ("allowed", self.agreement.allowed),
                ("error of the evaluated model", self.agreement.error),
                ("error of the one fitted to all rows", self.agreement.served_error),
            ]
        return Report(
            "What is served", self.sentences, [Section("Both models on the holdout (root mean squares)", Table(("what", "found"), rows))]
        )


def make_served(
    model: Model,
    evaluated: ExportedBundle,
    parity: Parity,
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    left_s: float | None = None,
    terms: Terms | None = None,
    rest: Rest = NO_REST,
) -> tuple[Model, ExportedBundle, Served]:
    """Fit the recipe of `model` once more, to training rows and holdout, and export it.

    Parameters
    ----------
    model : Model
        The evaluated one, fitted to the training rows.
    evaluated : ExportedBundle
        Its bundle.
    parity : Parity
        Of both.
    split, plan, problem
        As they were learnt from.
    left_s : float, optional
        Wall seconds of the budget that were left when `model` had been fitted. Without it no clock is consulted.

    terms : Terms, optional
        As `export_bundle` had them for `evaluated`.
    rest : Rest
        The rows of a table larger than memory of which `split` has a sample. The fit to all of them has a part of the budget to
        itself (`search_seconds`), by which its steps get larger, and no end.

    Returns
    -------
    model : Model
        What is served: fitted to all rows, or `model` where the config, the clock or the check of agreement says so.
    bundle : ExportedBundle
    served : Served
        Which of the two it is, with the reason.

    Raises
    ------
    ParityError
        When the exported graph of the new fit answers otherwise than the fit.
    """

    def itself(reason: str, found: Agreement | None = None) -> tuple[Model, ExportedBundle, Served]:
        logger.info("the evaluated model is served itself: %s", reason)
        served = Served(
            digest=evaluated.digest,
            evaluated_digest=evaluated.digest,
            rows=len(split.train),
            of=len(split.train) + len(split.holdout) + rest.rows,
            sample=len(split.train) + len(split.holdout) if rest.rows else 0,
            reason=reason,
            parity=parity,
            agreement=found,
        )
        return model, evaluated, served

    if problem.training.refit == "none":
        return itself("training.refit is none")
    whole = with_all_rows(split)
    end = None if left_s is None else _end(model, split, problem, left_s)
    end, by = (None, end) if rest.rows else (end, None)
    grown = fit_again(model, split, plan, problem, end, None, rest, by)
    if grown is None:
        return itself("the budget ended before it was (a larger tuning.budget_s)")
    bundle, same = export_bundle(grown, whole, problem, terms)
    found = agreement(
        predict_served(evaluated.scorer(), split.holdout),
        predict_served(bundle.scorer(), split.holdout),
        split.holdout[problem.data.target],
        problem.task,
        model.classes,
    )
    if found.objection:
        return itself(found.objection, found)
    by_sample, by_all = _by_sample(model)
    served = Served(
        digest=bundle.digest,
        evaluated_digest=evaluated.digest,
        rows=len(whole.train) + (rest.rows if by_all else 0),
        of=len(whole.train) + rest.rows,
        sampled=by_sample if rest.rows else (),
        sample=len(whole.train) if rest.rows else 0,
        fewer=_fewer(grown) if rest.rows else (),
        parity=same,
        agreement=found,
    )
    return grown, bundle, served


def _end(model: Model, split: Split, problem: Problem, left_s: float) -> float:
    """When the second fit has to be over, by the monotonic clock, so that there is time to export it."""
    left_s += problem.tuning.budget_s - search_seconds(problem, split.schema.sampled)
    return time.monotonic() + left_s - _BETWEEN_S - sum(FAMILIES[member.family].export_s for member in model.members)


def _by_sample(model: Model) -> tuple[tuple[str, ...], bool]:
    """The members' families that learn from the sample of a table larger than memory, and whether any learns from all of it."""
    found = tuple(dict.fromkeys(member.family for member in model.members if not FAMILIES[member.family].estimator.streams))
    return found, len(found) < len({member.family for member in model.members})


def _fewer(model: Model) -> tuple[tuple[str, int, int], ...]:
    streaming = [member for member in model.members if FAMILIES[member.family].boosts]
    rounds = ((member.family, member.estimator.best_iteration_, member.params["iterations"]) for member in streaming)
    return tuple(found for found in rounds if found[1] < found[2])
