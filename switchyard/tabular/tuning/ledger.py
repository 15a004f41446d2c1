"""Who has used how much of the budget, and who may use how much more.

The budget is wall time of tuning, ensemble and export together. Every family notes the sessions it ran in; their
union over all families is the time that is gone. So families that run at the same time cost their time once, time
before a kill counts, and the night between a kill and the next start does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from switchyard.tabular.families import FAMILIES

Session = tuple[float, float]
"""Start and last sign of life, seconds since the epoch."""

_GAP_S = 5.0
"""Shorter pauses between sessions are work around tuning (artifacts being stored) and cost budget; longer ones are an absent user."""

FAR = 0.05
SELDOM_TAKEN = 0.02
"""As `FAR`: from here on an ensemble has seldom use for a family, so no time is set aside to fit it."""

_SEEDS_SHARE = 0.1
"""Of the budget at most, to fit what leads with other seeds besides."""
_MORE_SEEDS = 3
"""For how many of such fits time is set aside."""

COMPARING_S = 2.0
"""To compare combinations, to calibrate and write what no member is charged for, and for the orchestrator between two steps."""

SLOWER = 1.25
"""What a fit may take longer than the trial did: a model that was not fitted to all rows costs more than a trial less."""


@dataclass(frozen=True)
class Standing:
    """Where one family is."""

    family: str
    finished: bool = False
    sessions: tuple[Session, ...] = ()
    best: float | None = None
    """Best cross-validated score so far, in the metric's own direction."""
    trials: int = 0
    refit_s: float | None = None
    """Estimated seconds to fit its best trial to the training rows and to export it; None while it has none."""
    leads: bool = False
    """Whether no other family's best is better."""


def clock(sessions: Iterable[Session]) -> float:
    """Wall seconds that the sessions cover, pauses under five seconds included."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(sessions):
        if start <= end + _GAP_S:
            total += max(0.0, stop - end)
        else:
            total += stop - start
        end = max(end, stop)
    return total


def reserve(budget_s: float, standings: Sequence[Standing] = (), fits: float = 1.0) -> float:
    """Seconds of the budget that tuning leaves for the fits of what is chosen and their exports.

    20 % of short budgets and 12 % of long ones, and half as much again for each further fit; less as soon as some family has
    a model and all that have one can be fitted in less, those to come at the mean of the others. Never less than what leads by
    itself takes, however much that is: a search that can't fit what it found has found nothing. What leads is fitted with other
    seeds besides, where it varies with them: time for up to three of these fits, as many as go into a tenth of the budget.

    Parameters
    ----------
    fits : float
        How often, in fits to the training rows.
    """
    most = max(0.12 * budget_s, min(0.20 * budget_s, 15.0)) * (0.5 + 0.5 * fits)
    known = [standing.refit_s for standing in standings if standing.refit_s is not None]
    if not known:
        return most
    to_come = sum(standing.refit_s is None and not standing.finished for standing in standings)
    every = SLOWER * fits * sum(known) * (1 + to_come / len(known)) + COMPARING_S
    leader = SLOWER * fits * leaders_s(standings)
    seeds = min(_MORE_SEEDS, int(_SEEDS_SHARE * budget_s / leader)) if leader and _leader_varies(standings) else 0
    return max(min(most, every), leader + COMPARING_S) + seeds * leader


def _leader_varies(standings: Sequence[Standing]) -> bool:
    return any(FAMILIES[standing.family].varies for standing in standings if standing.leads)


def leaders_s(standings: Sequence[Standing]) -> float:
    """Seconds of one fit of what leads, with its export; 0 while nothing does."""
    return max((standing.refit_s for standing in standings if standing.leads and standing.refit_s is not None), default=0.0)


def remaining(standings: Sequence[Standing], budget_s: float) -> float:
    """Wall seconds of the budget that no family has used, those for the fits of what is chosen among them."""
    return budget_s - clock(session for standing in standings for session in standing.sessions)


def usable(standings: Sequence[Standing], budget_s: float, fits: float = 1.0) -> float:
    """Wall seconds that are left for tuning, all families together; `fits` as in `reserve`."""
    return remaining(standings, budget_s) - reserve(budget_s, standings, fits)


def share(family: str, standings: Sequence[Standing], budget_s: float, parallel: int = 1, fits: float = 1.0) -> float:
    """Wall seconds that `family` may use from now on.

    Parameters
    ----------
    family : str
        Who asks.
    standings : sequence of Standing
        All families of the problem, `family` among them, their sessions up to now.
    budget_s : float
        Wall seconds of the whole budget.
    parallel : int
        How many families run at once, each on a machine of its own.
    fits : float
        As in `reserve`.

    Returns
    -------
    float
        The part of `family` in the time of the unfinished ones, less what it has used; never negative. What siblings
        left over because they finished or gave up early is thereby shared among those to come.

    Notes
    -----
    A family whose library takes all of its part to load has none, unless it is the only one or at work already.
    """
    left = usable(standings, budget_s, fits)
    entitled = [standing for standing in standings if not standing.finished or standing.family == family]
    used = {standing.family: clock(standing.sessions) for standing in entitled}
    weights = {standing.family: FAMILIES[standing.family].weight for standing in entitled}
    # What the unfinished have used so far was part of their share: after a kill nobody starts afresh.
    whole = (left + sum(used.values())) * parallel
    for name in sorted(weights, key=lambda name: -FAMILIES[name].starts_s):
        if len(weights) > 1 and not used[name] and whole * weights[name] / sum(weights.values()) < FAMILIES[name].starts_s:
            del weights[name]
    return max(0.0, min(left, whole * weights[family] / sum(weights.values()) - used[family])) if family in weights else 0.0


def far_behind(own: float, standings: Sequence[Standing], family: str, sign: float, constant: float, by: float = FAR) -> str:
    """Why `family` should give its time to others; empty while it is in the race.

    A family is far behind when its best score lacks more than `by` (a twentieth) of what the best sibling gained over a
    constant prediction: tuning seldom closes such a gap, and so weak a member adds little to an ensemble.
    """
    others = [standing for standing in standings if standing.family != family and standing.best is not None]
    if not others:
        return ""
    leader = max(others, key=lambda standing: sign * standing.best)
    gain = sign * (leader.best - constant)
    if gain <= 0 or sign * (leader.best - own) <= by * gain:
        return ""
    return f"gave up early: {own:.5g} is far behind {leader.family} with {leader.best:.5g}, so its time goes to the others"
