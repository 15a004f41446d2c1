"""`build_ensemble`: of all candidates and their combinations the one that generalises best, fitted to all training rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model.decisions import decisions_of
from switchyard.tabular.model.leaderboard import Leaderboard, Row, best_so_far
from switchyard.tabular.model.model import Model
from switchyard.tabular.model.pool import Option, Pool
from switchyard.tabular.model.refit import fit_chosen
from switchyard.tabular.model.unlike import with_limits
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.cost import search_seconds
from switchyard.tabular.tuning.study import Study, Trial

__all__ = ["Leaderboard", "budget_left", "build_ensemble"]

logger = logging.getLogger(__name__)

_MARGIN = 0.002
"""How much of the best option's gain over a constant prediction a simpler one may lack at most."""
_SIMPLICITY = ("single", "voting", "averaging", "greedy", "blending", "stacking")


def budget_left(studies: Sequence[Study], split: Split, problem: Problem) -> float | None:
    """Seconds of the budget that are left for ensemble and export once the studies are through; None without a budget."""
    if problem.tuning.trials is not None:
        return None
    return search_seconds(problem, split.schema.sampled) - max((study.clock_s for study in studies), default=0.0)


def build_ensemble(
    studies: Sequence[Study],
    split: Split,
    plan: FeaturePlan,
    problem: Problem,
    budget_left_s: float | None = None,
    n_jobs: int | None = None,
) -> tuple[Model, Leaderboard]:
    """Compare single models and combinations on out-of-fold predictions and fit the winner to all training rows.

    Parameters
    ----------
    studies : sequence of Study
        One per family, on the same split, plan and folds.
    split, plan, problem
        As the studies had them.
    budget_left_s : float, optional
        Wall seconds for this function, the export after it and the fit on all rows after that. Only combinations whose
        members can be fitted and exported as often in that time are compared. Without it no clock is consulted.
    n_jobs : int, optional
        Threads of a fit; all cores when absent.

    Returns
    -------
    model : Model
        The winner, with calibrator, threshold or interval chosen on its out-of-fold predictions.
    leaderboard : Leaderboard

    Raises
    ------
    SwitchyardError
        When no study has a candidate; the message carries each family's reason.
    """
    end = None if budget_left_s is None else time.monotonic() + budget_left_s
    pool = Pool(studies, split, problem, budget_left_s)
    options = pool.options()
    chosen, rule = _choose(options, pool)
    logger.info("chosen: %s, cross-validated %s %.5g", chosen.name, pool.metric.name, chosen.score)
    picked = [pool.candidates[member] for member in chosen.combination.members]
    pairs = [(study.family, candidate) for study, candidate in picked]
    times = pool.times(chosen)
    leaderboard = _leaderboard(options, chosen, rule + _said(times), pool)
    model = Model(
        task=problem.task,
        target=problem.data.target,
        columns=plan.used,
        classes=pool.classes,
        members=tuple(fit_chosen(pairs, split, plan, problem, pool.classes, end, n_jobs, times)),
        combiner=chosen.combination.combiner.repeated(times),
        **decisions_of(chosen.oof, pool.truth, problem, pool.weights, pool.classes),
    )
    model = with_limits(model, split.train, problem.clustering.unlike)
    left_s = None if end is None else end - time.monotonic()
    return model, leaderboard.model_copy(update={"left_s": left_s})


def _said(times: Sequence[int]) -> str:
    return f"; each model that varies with its seed was fitted {max(times)} times, and answers with the mean" if max(times) > 1 else ""


def _choose(options: Sequence[Option], pool: Pool) -> tuple[Option, str]:
    """The best option, or the simplest that is as good within one standard error of the difference.

    The folds are the same for all, so the standard error is that of the fold-wise differences. The margin never exceeds
    a five-hundredth of the best one's gain over a constant prediction.
    """
    sign = pool.metric.sign
    best = max(options, key=lambda option: sign * option.score)
    for option in sorted(options, key=lambda option: (_SIMPLICITY.index(option.kind), -sign * option.score)):
        lack = sign * (best.score - option.score)
        error = float((best.scores - option.scores).std(ddof=1)) / len(best.scores) ** 0.5
        margin = min(error, _MARGIN * pool.gain(best.score))
        if option is best:
            return best, f"{best.name} has the best cross-validated {pool.metric.name}, and nothing simpler is close"
        if lack <= margin:
            return option, f"{option.name} is simpler than {best.name} and lacks {lack:.2g}, less than the difference's standard error"
    raise AssertionError("the best option is among the options")


def _leaderboard(options: Sequence[Option], chosen: Option, rule: str, pool: Pool) -> Leaderboard:
    rows = []
    for option in sorted(options, key=lambda option: -pool.metric.sign * option.score):
        families = [pool.candidates[member][0].family for member in option.combination.members]
        studies = {pool.candidates[member][0].family: pool.candidates[member][0] for member in option.combination.members}
        seconds = sum(study.seconds for study in studies.values() if study.timed)
        note = "" if option.kind == "single" else _composition(option, families)
        rows.append(
            Row(
                name=option.name,
                kind=option.kind,
                family=families[0] if len(families) == 1 else "ensemble",
                score=option.score,
                std=float(option.scores.std()),
                seconds=round(seconds, 1),
                chosen=option is chosen,
                note=note,
                folds=tuple(option.scores.tolist()),
                settings=_settings(pool.candidates[option.combination.members[0]][1].trial) if option.kind == "single" else {},
            )
        )
    metric = pool.metric.name
    missed = pool.missed(chosen)
    return Leaderboard(
        metric=metric,
        entries=tuple(rows),
        rule=rule,
        notes=(*pool.notes, missed) if missed else tuple(pool.notes),
        missed=missed,
        tried=max(1, sum(trial.state == "complete" for study in pool.studies for trial in study.trials)),
        search=best_so_far(pool.studies, metric),
    )


def _settings(trial: Trial) -> dict[str, str]:
    settings = {**trial.choices, **trial.params}
    return {name: f"{value:.5g}" if isinstance(value, float) else str(value) for name, value in settings.items()}


def _composition(option: Option, families: Sequence[str]) -> str:
    weights = option.combination.combiner.weights
    if option.combination.combiner.kind == "stack":
        return "linear over " + ", ".join(families)
    return ", ".join(f"{weight:.2f} {family}" for family, weight in zip(families, weights))
