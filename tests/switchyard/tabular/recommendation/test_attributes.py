"""What an item table says of the items: its columns as words, and items that are described alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.fitting import interactions_in
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import tune
from switchyard.tabular.recommendation.words import described_by
from tests.switchyard.tabular.recommendation.shops import shop

ITEMS = pd.DataFrame(
    {
        "item": [f"i{number}" for number in range(20)],
        "title": [f"{'Green tea' if number < 10 else 'Black coffee'} {number}" for number in range(20)],
        "price": np.linspace(1, 20, 20),
        "since": pd.date_range("2020-01-01", periods=20).astype(str),
    }
)


@pytest.fixture(scope="module")
def log():
    return interactions_in(shop(60, 20, 8), ITEMS)[0]


def test_texts_become_words_and_numbers_and_dates_their_tenth():
    found = described_by(ITEMS, "item", "items.csv").words()

    assert set(found["i0"]) == {"title:green", "title:tea", "title:0", "price=0", "since=0"}
    assert set(found["i19"]) == {"title:black", "title:coffee", "title:19", "price=9", "since=9"}
    assert described_by(ITEMS.assign(price=np.nan, title=None).head(3), "item", "items.csv").words()["i1"] == ("since=4",)


def test_descriptions_are_kept_with_the_interactions(log, tmp_path):
    log.write(tmp_path)

    assert Interactions.read(tmp_path).words == log.words and log.rows(np.arange(len(log)) < 300).words == log.words
    assert "items that are described" in log.html()


def test_items_described_alike_are_neighbours(log):
    form = RECOMMENDERS["attributes"].fit(log, {"neighbours": 5, "common": 1.0, "fame": 0.0, "half_life": None}, 0)
    places = {name: place for place, name in enumerate(log.item_ids)}

    for number in (3, 14):
        near = {log.item_ids[place] for place in form.places[places[f"i{number}"]] if place < log.n_items}
        assert len(near) == 5 and all((int(name[1:]) < 10) == (number < 10) for name in near)


def test_attributes_are_served_as_they_are_scored_and_are_not_tried_without_an_item_table():
    fitted = switchyard.recommend(shop(60, 20, 8), items=ITEMS, families=["attributes", "popularity"], trials=1, resamples=20)

    assert {one.name for one in fitted.evaluation.standings} == {"served", "attributes", "popularity", "item_knn"}
    assert fitted.parity.largest_difference < 1e-4
    plain = tune(interactions_in(shop(60, 20, 8), None)[0], ("attributes", "popularity"), 0.2, 60.0, 1, 0)
    assert [one.family for one in plain.candidates] == ["popularity", "item_knn"] and plain.family == "popularity"
    with pytest.raises(InputError, match="attributes learns from what describes the items"):
        tune(interactions_in(shop(60, 20, 8), None)[0], ("attributes",), 0.2, 60.0, 1, 0)
