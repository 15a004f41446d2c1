"""LightGBM puts the blend's best in another order: taught on the search's questions, kept where it helps, served as it is scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import switchyard
from switchyard.bundle.requests import Request
from switchyard.tabular.recommendation import reranking, teaching
from switchyard.tabular.recommendation.export import DifferentGraph, GraphRunner, check_graph
from switchyard.tabular.recommendation.fitting import interactions_in
from switchyard.tabular.recommendation.model import known_histories
from switchyard.tabular.recommendation.recipe import Recipe
from tests.switchyard.tabular.recommendation.shops import shop
from tests.switchyard.tabular.recommendation.test_attributes import ITEMS
from tests.switchyard.tabular.recommendation.test_segments import USERS

FAMILIES = ["popularity", "segments", "item_knn"]


@pytest.fixture(scope="module")
def fitted():
    """Taught from few users, of the best 12 of 20, whether it helps or not."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in ((teaching, "FEWEST", 10), (teaching, "WORTH", -1e9), (teaching, "CANDIDATES", 12)):
            patch.setattr(module, name, value)
        patch.setattr(reranking, "CANDIDATES", 12)
        return switchyard.recommend(shop(90, 20, 8), items=ITEMS, users=USERS, families=FAMILIES, trials=1, resamples=20)


@pytest.fixture
def model(fitted, monkeypatch):
    monkeypatch.setattr(reranking, "CANDIDATES", 12)
    return fitted.recipe.model(interactions_in(shop(90, 20, 8), ITEMS, USERS)[0])


def test_it_is_served_as_it_is_scored_and_stands_beside_the_blend(fitted):
    assert fitted.parity.largest_difference < 1e-4 and fitted.recipe.reranker.users >= 10
    assert {one.name: one.title for one in fitted.evaluation.standings}["blend"] == "Blend, not re-ranked"
    assert "s best, learnt from" in fitted.recipe.html()


def test_requests_are_answered_alike_alone_and_together(fitted):
    requests = [Request("u7"), Request(), Request(history=("i1", "i2"), exclude=("i3",), k=20), Request(attributes={"kind": "owl"})]

    assert fitted.scorer.recommend(requests) == [fitted.scorer.recommend([one])[0] for one in requests]
    assert not {"i1", "i2", "i3"} & {*fitted.scorer.recommend(requests)[2].items}


def test_what_is_no_candidate_keeps_the_score_of_the_blend_and_candidates_lose_nothing(model):
    histories = known_histories(interactions_in(shop(90, 20, 8), ITEMS, USERS)[0]).part(np.arange(5))
    seen = histories.mask(model.n_items)
    plain, ranked = replace(model, reranking=None).final(histories, seen), model.final(histories, seen)

    for before, after in zip(plain, ranked):
        candidates = np.argsort(-before)[:12]
        others = np.setdiff1d(np.arange(model.n_items), candidates)
        assert np.array_equal(before[others], after[others])
        there = candidates[np.isfinite(before[candidates])]
        assert (after[there] >= before[there]).all() and (after[there] > before[there]).any()


def test_a_graph_with_other_trees_is_not_served(fitted, model):
    other = replace(model, reranking=replace(model.reranking, settings=model.reranking.settings.model_copy(update={"strength": 9.0})))
    histories = known_histories(interactions_in(shop(90, 20, 8), ITEMS, USERS)[0])

    with pytest.raises(DifferentGraph, match="scores of the exported graph are not the model's, where 1.0% is allowed"):
        check_graph(other, GraphRunner(fitted.bundle.files["model.onnx"], model.item_ids), histories)


def test_the_recipe_keeps_it(fitted, tmp_path):
    fitted.recipe.write(tmp_path)

    assert Recipe.read(tmp_path) == fitted.recipe


def test_with_few_users_or_no_gain_there_is_none():
    few = switchyard.recommend(shop(60, 20, 8), families=["popularity", "item_knn"], trials=1, resamples=10)

    assert few.recipe.reranker is None and "No re-ranker" in few.recipe.html()
    assert "blend" not in {one.name for one in few.evaluation.standings}
