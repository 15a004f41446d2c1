"""`RecommendationEvaluation`: what the answers to those who came after the split are worth, beside popularity and item-kNN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from switchyard.tabular.evaluation.resampling import Estimate, Resampler, resample
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.forms import Form
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.measures import MEASURES, PLAIN, K, coverage, novelty, per_user, popular_share
from switchyard.tabular.recommendation.model import Member, RecommendationModel
from switchyard.tabular.recommendation.protocol import Questions
from switchyard.tabular.report.report import Bars, Report, Section, Strong, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Record

SERVED, BLEND = "served", "blend"


_LEGEND = (
    "Scores are means over the users, 0 to 1, more is better. nDCG: how early among ten answers is what was taken next, 1 where all "
    "of it comes first. Recall: the share of what was taken next that is among the ten. MAP: the mean precision at each hit. MRR: one "
    "over the place of the first hit.",
    "Coverage: share of the catalogue that anybody is answered. Novelty: how seldom the answers were taken before, in bits; each more "
    "is half as many takers. Popular: share of the answers that are among the most taken hundredth of the items, ten at least.",
)


class Standing(Record):
    """What one way to answer is worth."""

    name: str
    """`served`, `blend` where a re-ranker follows it, or a family by itself."""
    title: str
    measures: dict[str, Estimate]
    coverage: float
    """Share of the catalogue that anybody is answered, 0..1."""
    novelty: float
    """Bits: how seldom its answers were taken before."""
    popular_share: float
    """Share of its answers among the most taken hundredth of the catalogue, 0..1."""


class RecommendationEvaluation(Record):
    """Scores on the users who came after the split."""

    users: int
    """With a later item that was known before the split; the scores are means over them."""
    new_users: int
    """Of these, who were not there before: asked for with the first half of their items as history."""
    items: int
    """Of the catalogue that is ranked."""
    out_of_reach: float
    """Share of the later items, 0..1, that nobody had taken before, which no model of interactions can answer. Not in the scores."""
    left_out: int
    """Users whose later items are all of that kind, or repeat earlier ones."""
    standings: tuple[Standing, ...]
    """The served model first, then families by themselves, best first."""
    groups: dict[str, Estimate]
    """nDCG@10 of the served model for warm and new users."""

    metric: ClassVar[str] = "ndcg_at_10"
    greater_is_better: ClassVar[bool] = True
    gains: ClassVar[dict[str, Estimate]] = {}
    """Nothing is compared with a library's defaults."""
    money: ClassVar[None] = None
    """No kinds of errors are told apart, so none has a cost."""

    @property
    def score(self) -> Estimate:
        """nDCG@10 of the served model."""
        return self.standings[0].measures["ndcg_at_10"]

    def scores(self) -> dict[str, float]:
        """The served model's scores by name."""
        served = self.standings[0]
        found = {name: float(mean.value or 0.0) for name, mean in served.measures.items()}
        return {**found, "coverage": served.coverage, "novelty": served.novelty, "popular_share": served.popular_share}

    def score_table(self) -> Table:
        """What is served, and each family alone."""
        rows = [
            (
                Strong(one.title) if one.name == SERVED else one.title,
                *(one.measures[name].value for name in MEASURES),
                _range(one.measures["ndcg_at_10"]),
                one.coverage,
                one.novelty,
                one.popular_share,
            )
            for one in self.standings
        ]
        names = [PLAIN[name] for name in MEASURES]
        formats = {**dict.fromkeys(names, ".4f"), "coverage": ".1%", "novelty": ".2f", "popular": ".1%"}
        return Table(["", *names, "95 % of nDCG", "coverage", "novelty", "popular"], rows, formats)

    def group_table(self) -> Table:
        """Warm and new users apart."""
        counts = {"warm": self.users - self.new_users, "new": self.new_users}
        rows = [(f"{name} users", counts[name], one.value, _range(one)) for name, one in self.groups.items()]
        return Table(["", "users", PLAIN["ndcg_at_10"], "95 %"], rows, {PLAIN["ndcg_at_10"]: ".4f"})

    def report(self) -> Report:
        lead = (
            f"{count_of(self.users, 'user')} who came after the split, {self.new_users:,} of them new; all {self.items:,} items ranked, "
            f"what they had taken left out. {self.out_of_reach:.1%} of what they took next nobody had taken before: not in the scores."
        )
        scores = [(one.title, float(one.measures["ndcg_at_10"].value or 0.0)) for one in self.standings]
        return Report(
            "Recommendation",
            lead,
            [
                Section("Scores", self.score_table(), f"{PLAIN['ndcg_at_10']}:", Bars(scores)),
                Section("Warm and new users", self.group_table()),
                Section("How to read this", *_LEGEND),
            ],
        )

    def metadata(self) -> dict[str, Fact]:
        return {"ndcg_at_10": float(self.score.value or 0.0), "users": self.users}


def evaluate(
    top: np.ndarray,
    forms: Mapping[str, Form],
    known: Interactions,
    questions: Questions,
    resamples: int,
    seed: int,
    confidence: float = 0.95,
    blend: RecommendationModel | None = None,
) -> RecommendationEvaluation:
    """Score answers.

    Parameters
    ----------
    top : ndarray of int64, shape (n, K)
        Of the served graph for each of the answerable questions, places in the catalogue of `known`.
    forms : mapping of str to Form
        Families to stand beside it, fitted to `known`.
    known : Interactions
        What was before the split.
    questions : Questions
        All of them.
    resamples : int
        Of the bootstrap.
    blend : RecommendationModel, optional
        What is served without its re-ranker, to stand beside it.
    """
    asked = questions.part(questions.answerable)
    beside = {
        family: RecommendationModel((Member(family, {}, form, 1.0),), known.item_ids).top(asked.history, K)
        for family, form in forms.items()
    }
    if blend is not None:
        beside[BLEND] = blend.top(asked.history, K)
    served = standing(SERVED, "Served", top, known, asked, resamples, seed, confidence)
    alone = [standing(name, _title(name), found, known, asked, resamples, seed, confidence) for name, found in beside.items()]
    ndcg = per_user(top, asked.truth)["ndcg_at_10"]
    groups = {"warm": ndcg[asked.warm], "new": ndcg[~asked.warm]}
    unknown, within = int(questions.unknown.sum()), int(questions.truth.lengths.sum())
    return RecommendationEvaluation(
        users=len(asked),
        new_users=int((~asked.warm).sum()),
        items=known.n_items,
        out_of_reach=unknown / (unknown + within),
        left_out=len(questions) - len(asked),
        standings=(served, *sorted(alone, key=lambda one: -(one.measures["ndcg_at_10"].value or 0.0))),
        groups={name: estimate(values, resamples, seed, confidence) for name, values in groups.items() if len(values)},
    )


def standing(
    name: str, title: str, top: np.ndarray, known: Interactions, asked: Questions, resamples: int, seed: int, confidence: float = 0.95
) -> Standing:
    """What the answers `top` to `asked` are worth."""
    takers = np.bincount(known.pairs.items, minlength=known.n_items)
    return Standing(
        name=name,
        title=title,
        measures={name: estimate(values, resamples, seed, confidence) for name, values in per_user(top, asked.truth).items()},
        coverage=coverage(top, known.n_items),
        novelty=novelty(top, takers, known.n_users),
        popular_share=popular_share(top, takers),
    )


def _title(name: str) -> str:
    return "Blend, not re-ranked" if name == BLEND else RECOMMENDERS[name].title


def _range(mean: Estimate) -> str:
    return "" if mean.low is None else f"{mean.low:.4f} to {mean.high:.4f}"


def estimate(values: np.ndarray, resamples: int, seed: int, confidence: float = 0.95) -> Estimate:
    """Mean of `values`, one for each user, with its bootstrap interval over users."""
    resampler = Resampler(len(values), resamples, seed)
    draws = resample({"": lambda weights: {"": weights @ values / weights.sum(axis=1)}}, resampler)
    return draws[""][""].estimate(confidence)
