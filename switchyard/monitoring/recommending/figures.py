"""`Figures`: how wide and how common what was shown is, and what was new, in a window and when the version was trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from switchyard.monitoring.recommending.catalogue import Catalogue
from switchyard.monitoring.recommending.shown import taken_in
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.twosample import more_often
from switchyard.monitoring.window import Window
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.report.report import Table
from switchyard.tabular.storable import Record

_DRAWS, _NAMED = 5, 5
_HALF, _MORE_COMMON = 0.5, 0.2
"""Of the coverage that as many answers had; by how much the share of common items may rise."""


class Rate(Record):
    """So many of so many, beside what it was."""

    now: int
    of: int
    before: int
    of_before: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        return self.now / self.of if self.of else 0.0

    @property
    def share_before(self) -> float:
        return self.before / self.of_before if self.of_before else 0.0

    def risen(self, by: float, limit: float) -> bool:
        """Whether it is more by a share `by`, with a chance below `limit` of being none."""
        return self.share - self.share_before > by and more_often(self.now, self.of, self.before, self.of_before) < limit


class Figures(Record):
    """A window of answers beside those of the holdout."""

    answers: int
    """As many as both sides could give: coverage grows with their number."""
    coverage: float
    coverage_before: float
    """Share of the catalogue that anybody was shown, 0..1."""
    popular: float
    popular_before: float
    """Share of what was shown among the most taken hundredth of the catalogue, 0..1."""
    new_items: Rate
    """Items of the histories in the requests that the version has not learnt from; before: of the holdout's items."""
    new_labels: Rate
    """The same of what was taken."""
    new_users: Rate
    """Users it has not learnt from, each once."""
    unnamed: float
    """Share of the requests, 0..1, with neither a user nor a history: they get what is popular."""

    def table(self) -> Table:
        """Now and before."""
        rows = [
            (f"catalogue that was shown ({self.answers:,} answers)", self.coverage, self.coverage_before),
            ("answers among the most taken hundredth", self.popular, self.popular_before),
            ("items of histories that are new since training", self.new_items.share, self.new_items.share_before),
            ("items taken that are new since training", self.new_labels.share, self.new_labels.share_before),
            ("users who are new since training", self.new_users.share, self.new_users.share_before),
            ("requests without user and history", self.unnamed, None),
        ]
        return Table(("share", "now", "on the holdout"), rows, {"now": ".1%", "on the holdout": ".1%"})

    def shares(self) -> dict[str, float]:
        """The shares by name, for the summary of a run."""
        rates = {"new_items": self.new_items, "new_labels": self.new_labels, "new_users": self.new_users}
        found = {name: rate.share for name, rate in rates.items()}
        return {"coverage": self.coverage, "popular_share": self.popular, **found, "unnamed": self.unnamed}

    def findings(self, settings: Monitoring) -> dict[str, str]:
        """What is beyond its limit, by what it is about."""
        found, limit = {}, settings.p_at_once / 3
        named = {"items of the histories": self.new_items, "labels": self.new_labels, "users": self.new_users}
        for what, rate in named.items():
            if rate.risen(settings.unseen_share, limit):
                examples = f": {', '.join(rate.examples)}" if rate.examples else ""
                found[what] = f"{rate.share:.1%} are new since training, {rate.share_before:.1%} of the holdout's were{examples}"
        if self.coverage < _HALF * self.coverage_before:
            found["coverage"] = (
                f"{self.coverage:.1%} of the catalogue was shown, {self.coverage_before:.1%} by as many answers of the holdout; "
                "do requests still bring their users and histories?"
            )
        if self.popular - self.popular_before > _MORE_COMMON:
            found["popularity"] = (
                f"{self.popular:.1%} of what was shown is among the most taken hundredth, {self.popular_before:.1%} on the holdout"
            )
        return found


def figures_of(window: Window, reference: Reference) -> Figures | None:
    """A window's figures of a recommendation; None where nothing was shown."""
    catalogue, answers = reference.catalogue, window.answers
    assert catalogue is not None
    if not answers["shown"].map(len).any():
        return None
    size = min(len(answers), len(reference.answers))
    coverage, before = (_coverage(frame["shown"], size, catalogue) for frame in (answers, reference.answers))
    taken = taken_in(answers)["item"].astype(str).tolist()
    users = pd.unique(answers["user"].dropna().astype(str)).tolist()
    strange = np.array(users, dtype=object)[catalogue.strangers(users)] if users else []
    return Figures(
        answers=size,
        coverage=coverage,
        coverage_before=before,
        popular=_popular(answers["shown"], catalogue),
        popular_before=_popular(reference.answers["shown"], catalogue),
        new_items=_new([name for history in answers["history"] for name in history], catalogue),
        new_labels=_new(taken, catalogue),
        # No names: the report of a window names no customer.
        new_users=Rate(now=len(strange), of=len(users), before=catalogue.new_users[0], of_before=catalogue.new_users[1]),
        unnamed=float((answers["user"].isna() & (answers["history"].map(len) == 0)).mean()),
    )


def _new(items: Sequence[str], catalogue: Catalogue) -> Rate:
    strange = [name for name in items if name not in catalogue.ids]
    most = pd.Series(strange, dtype=object).value_counts().index[:_NAMED]
    return Rate(now=len(strange), of=len(items), before=catalogue.new_items[0], of_before=catalogue.new_items[1], examples=tuple(most))


def _coverage(shown: pd.Series, size: int, catalogue: Catalogue) -> float:
    """Of `size` answers, the mean of some draws."""
    rng, found = np.random.default_rng(0), []
    lists = shown.tolist()
    for _ in range(_DRAWS if size < len(lists) else 1):
        at = rng.choice(len(lists), size, replace=False)
        found.append(len({name for row in at for name in lists[row][:K]} & catalogue.ids))
    return float(np.mean(found)) / len(catalogue)


def _popular(shown: pd.Series, catalogue: Catalogue) -> float:
    names = [name for items in shown for name in items[:K]]
    return float(np.mean([name in catalogue.popular for name in names])) if names else 0.0
