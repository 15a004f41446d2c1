"""`Counts`: what a front door counted of one version, and the test that its rare events (errors, slow answers) are too many."""

from __future__ import annotations

import math

from switchyard.tabular.storable import Record

_COUNTED = ("requests", "errors", "refused")


class Counts(Record):
    """Requests of one version since some moment."""

    requests: int = 0
    errors: int = 0
    """Answered with 5xx, or not at all."""
    refused: int = 0
    """Answered with 4xx: the version could not take what was sent."""
    latency: tuple[tuple[float, int], ...] = ()
    """Upper edge in milliseconds, and how many were answered within it; edges rise and are finite, since JSON knows no other."""

    def since(self, before: Counts) -> Counts:
        """What was counted after `before` was; all of it where the front door was started anew since and counts from zero."""
        if any(getattr(self, count) < getattr(before, count) for count in _COUNTED):
            return self
        return self.less(before)

    def less(self, part: Counts) -> Counts:
        """Without those of `part`."""
        earlier = dict(part.latency)
        latency = tuple((edge, max(0, count - earlier.get(edge, 0))) for edge, count in self.latency)
        return Counts(latency=latency, **{count: max(0, getattr(self, count) - getattr(part, count)) for count in _COUNTED})

    @property
    def timed(self) -> int:
        """Requests whose time is known."""
        return self.latency[-1][1] if self.latency else 0

    def slower_than(self, edge: float) -> int:
        """Requests that took longer than `edge` milliseconds, one of the edges."""
        return self.timed - max((count for at, count in self.latency if at <= edge), default=0)

    def quantile(self, level: float) -> float | None:
        """Milliseconds within which a share `level` of the requests was answered, straight lines between the edges; None of none."""
        if not self.timed:
            return None
        wanted, low, below = level * self.timed, 0.0, 0
        for edge, count in self.latency:
            if count >= wanted:
                inside = (wanted - below) / (count - below) if count > below else 1.0
                return low + (edge - low) * inside
            low, below = edge, count
        return low


def too_many_p(events: int, others: int, share: float) -> float:
    """How likely it is that `events` of `events + others` fall to an arm by chance, valid at every look.

    Parameters
    ----------
    events, others : int
        Rare events, errors say, in the arm under test and in the other.
    share : float
        Of all requests, that the arm had: its share of the events where it is no worse.

    Returns
    -------
    float
        A p-value in [0, 1] that falls below some alpha at any look with chance at most alpha.

    References
    ----------
    The mixture martingale for counts of Lindon & Malek, *Anytime-valid inference for multinomial count data*, NeurIPS
    2022, made for canary releases; one-sided: the mixture is uniform over shares above `share`.
    """
    from scipy.special import betaln
    from scipy.stats import beta

    if events + others == 0 or not 0 < share < 1:
        return 1.0
    shape = (events + 1, others + 1)
    mixed = betaln(*shape) + beta.logsf(share, *shape) - math.log1p(-share)
    chance = events * math.log(share) + others * math.log1p(-share)
    return float(min(1.0, math.exp(min(0.0, chance - mixed))))
