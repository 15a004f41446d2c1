"""`Recipe`: what a search found, by which models are made of interactions; `tune` finds one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.recommendation.blending import BASELINES, blend
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.forms import Form
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.model import NEARLY_NONE, Member, RecommendationModel
from switchyard.tabular.recommendation.protocol import split_by_time
from switchyard.tabular.recommendation.reranking import Reranker, Reranking
from switchyard.tabular.recommendation.search import Cut, Standing, Told, cuts_of, search
from switchyard.tabular.recommendation.teaching import teach
from switchyard.tabular.report.report import Name, Report, Section, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record

SEARCHED = 0.85
"""Share of the budget that the search takes; the rest is for the blend, the fits to all, and the proof."""


class Candidate(BaseModel):
    """The best setting of a family, and its part in the blend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    params: dict[str, Any]
    ndcg: float
    """nDCG@10 on the questions of the search."""
    trials: int
    weight: float
    """0 where it is not in the blend."""


class Tried(BaseModel):
    """One trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    params: dict[str, Any]
    ndcg: float


class Recipe(Record):
    """How a recommender is made of interactions."""

    candidates: tuple[Candidate, ...]
    """The best of each family that was asked for, the best first, and the baselines that were not."""
    trials: tuple[Tried, ...]
    users: int
    """That were asked in the search."""
    seed: int
    notes: tuple[str, ...] = ()
    """Families that could not be fitted, and why."""
    reranker: Reranker | None = None
    """What puts the blend's best in another order; None where that was no better."""

    @property
    def family(self) -> str:
        """The one that answers, or "blend"."""
        found = [one.family for one in self.candidates if one.weight > NEARLY_NONE]
        return found[0] if len(found) == 1 else "blend"

    def forms(self, log: Interactions, all_families: bool = False) -> dict[str, Form]:
        """The families of the blend, or all of them, fitted to `log`."""
        wanted = [one for one in self.candidates if one.weight or all_families]
        return {one.family: RECOMMENDERS[one.family].fit(log, one.params, self.seed) for one in wanted}

    def model(self, log: Interactions, forms: Mapping[str, Form] | None = None) -> RecommendationModel:
        """The blend, made of `log`; `forms` are families that are fitted to it already."""
        forms = self.forms(log) if forms is None else forms
        members = tuple(Member(one.family, one.params, forms[one.family], one.weight) for one in self.candidates if one.weight)
        made = RecommendationModel(members, log.item_ids, log.titles)
        if self.reranker is None:
            return made
        ordered = tuple(next(one for one in members if one.family == family) for family in self.reranker.families)
        names = made.segments.names if made.segments else ()
        return replace(made, members=ordered, reranking=Reranking.of(self.reranker, log, names))

    def table(self) -> Table:
        """The families, what they reached in the search and what part they have."""
        rows = [(RECOMMENDERS[one.family].title, one.ndcg, one.trials, one.weight) for one in self.candidates]
        return Table(("family", "nDCG@10", "trials", "weight"), rows, {"nDCG@10": ".4f", "weight": ".1%"})

    def reranked(self) -> str:
        """What became of the re-ranker, in a sentence."""
        if self.reranker is None:
            return "No re-ranker: too few users came in the search, or it answered users whom it had not seen no better than the blend."
        users = count_of(self.reranker.users, "user")
        title = FAMILIES[self.reranker.family].title
        return f"{title} re-ranks the blend's best, learnt from {users}: nDCG@10 {self.reranker.gain:+.4f} for users that it had not seen."

    def report(self) -> Report:
        settings = Table(("family", "setting"), [(Name(one.family), _said(one.params)) for one in self.candidates])
        lead = f"{count_of(len(self.trials), 'trial')}, asked for {count_of(self.users, 'user')} of before the holdout."
        return Report("Search", lead, [Section("Families", self.table(), self.reranked(), *self.notes), Section("Settings", settings)])

    def metadata(self) -> dict[str, Fact]:
        return {"family": self.family, "trials": len(self.trials)}


def tune(
    log: Interactions, families: Sequence[str], holdout: float, budget_s: float, trials: int | None, seed: int, told: Told | None = None
) -> Recipe:
    """Search for the best of each family and their blend, without a look at the last `holdout` of `log`.

    Parameters
    ----------
    budget_s : float
        Wall seconds of the whole training, of which the search takes its share.
    trials : int or None
        Trials per family instead of a budget.

    Raises
    ------
    InputError
        When the interactions can't be split in time, or no family has anything to learn from.
    SwitchyardError
        When no family could be fitted.
    """
    started = time.monotonic()
    suiting = [name for name in families if RECOMMENDERS[name].suits(log)]
    if not suiting:
        raise InputError(f"{families[0]} learns from {RECOMMENDERS[families[0]].needs}, or other tuning.families")
    known, _ = split_by_time(log, holdout)
    cuts = cuts_of(known, holdout, seed)
    standings = search(cuts, suiting, max(0.0, SEARCHED * budget_s - (time.monotonic() - started)), trials, seed, told)
    weights = blend(standings, cuts)
    standings += _baselines(cuts, suiting, seed)
    reranker = teach(standings, cuts, weights, seed)
    tried = sorted((trial for one in standings for trial in one.trials), key=lambda trial: -trial.ndcg)
    return Recipe(
        candidates=tuple(_candidate(one, weights.get(one.family, 0.0)) for one in standings),
        trials=tuple(Tried(family=one.family, params=one.params, ndcg=one.ndcg) for one in tried),
        users=sum(len(cut.questions) for cut in cuts),
        seed=seed,
        notes=tuple(f"{one.family}: {one.trouble}" for one in standings if one.trouble),
        reranker=reranker,
    )


def _baselines(cuts: Sequence[Cut], asked: Sequence[str], seed: int) -> list[Standing]:
    """One trial of each baseline that nobody asked for; such a one has no weight but to decide where nothing else does."""
    found = []
    for name in BASELINES:
        if name not in asked:
            try:
                found += search(cuts, [name], 0.0, 1, seed)
            except SwitchyardError:
                continue
    return found


def _candidate(standing: Standing, weight: float) -> Candidate:
    best = standing.best
    assert best is not None
    return Candidate(family=best.family, params=best.params, ndcg=best.ndcg, trials=standing.tried, weight=weight)


def _said(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in params.items())
