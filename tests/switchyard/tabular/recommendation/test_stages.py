"""The stages of a training: tables become interactions and a settled problem, a recipe and its evaluation are kept, versions meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.bundle.requests import Request
from switchyard.tabular.batch.output import TableWriter
from switchyard.tabular.batch.scoring import Origin
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.comparison import check_gates
from switchyard.tabular.recommendation.batch import answer_all, requests_in
from switchyard.tabular.recommendation.comparing import compare_recommenders, latency_of
from switchyard.tabular.recommendation.documenting import write_card
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.fitting import evaluate_recipe, fit_to_all
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.model import known_histories
from switchyard.tabular.recommendation.recipe import Recipe, tune
from switchyard.tabular.recommendation.settling import settle
from switchyard.tabular.tables.reading.source import RawTable
from tests.switchyard.tabular.recommendation.shops import shop

ITEMS = pd.DataFrame({"item": [f"i{number}" for number in range(20)], "title": [f"Thing {number}" for number in range(20)]})


def problem(**changes):
    return problem_from({"name": "shop", "task": "recommendation", "data": {"source": "shop.csv"}, **changes}, "the test")


def raw(frame):
    return RawTable(frame, "shop.csv", "")


@pytest.fixture(scope="module")
def settled():
    return settle(raw(shop(60, 20, 8)), RawTable(ITEMS, "items.csv", ""), problem(evaluation={"bootstrap": 20}))


@pytest.fixture(scope="module")
def recipe(settled):
    return tune(settled[0], ("popularity", "item_knn", "als"), 0.2, 60.0, 1, 0)


@pytest.fixture(scope="module")
def evaluated(settled, recipe):
    return evaluate_recipe(recipe, settled[0], 0.2, "shop", "item", 20)


@pytest.fixture(scope="module")
def served(settled, recipe):
    return fit_to_all(recipe, settled[0], "shop", "item")[0]


def test_a_config_names_the_recommenders_that_are_tried():
    assert problem().tuning.families == ("popularity", "segments", "item_knn", "ease", "als", "bpr", "attributes")
    assert problem(tuning={"families": ["ease", "als"]}).tuning.families == ("ease", "als")


def test_the_config_of_a_recommendation_needs_no_target(settled):
    log, found, notes = settled

    assert problem().data.target == "item" and found.data.target == "item"
    assert (found.data.user, found.data.time_column, found.metric, found.split.kind) == ("user", "time", "ndcg_at_10", "time")
    assert log.titles["i3"] == "Thing 3" and any("'user' is taken for the user" in note for note in notes)
    # What is settled is a config again.
    assert problem_from(found.model_dump(mode="json"), "the test") == found


def test_a_split_that_is_none_in_time_is_refused():
    with pytest.raises(InputError, match="split.kind: random does not suit a recommendation"):
        settle(raw(shop(60, 20, 8)), None, problem(split={"kind": "random"}))


def test_a_metric_of_another_task_is_refused():
    with pytest.raises(InputError, match="'rmse' is no metric of a recommendation task; choose one of ndcg_at_10"):
        problem(metric="rmse")


def test_what_a_stage_made_is_read_as_it_was_written(settled, recipe, evaluated, tmp_path):
    for kept, kind in ((settled[0], Interactions), (recipe, Recipe), (evaluated[1], RecommendationEvaluation)):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        kept.write(folder)
        again = kind.read(folder)
        (folder / "again").mkdir()
        again.write(folder / "again")
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == {
            path.name: path.read_bytes() for path in (folder / "again").iterdir()
        }
        assert kept.html() and kept.metadata()


def test_versions_meet_on_the_users_of_the_challengers_split(settled, evaluated):
    log, found, _ = settled
    same = compare_recommenders(evaluated[0], evaluated[0], log, 0.2, 0, found.evaluation, champion_version="1")

    assert same.improvement.value == 0 and same.challenger.value == pytest.approx(evaluated[1].score.value)
    assert compare_recommenders(evaluated[0], None, log, 0.2, 0, found.evaluation).note == "no champion"


def test_a_champion_that_has_seen_what_is_asked_for_is_not_compared(settled, evaluated, served):
    log, found, _ = settled
    verdict = compare_recommenders(evaluated[0], served, log, 0.2, 0, found.evaluation, champion_version="1")

    assert verdict.champion is None and "learnt from what was up to" in verdict.note


def test_gates_hold_the_floor_of_the_metric(settled, evaluated):
    bundle, evaluation = evaluated
    strict = problem(constraints={"metric_floor": 0.99})

    assert check_gates(strict, evaluation, bundle_mb=bundle.megabytes).verdict == "rejected"
    assert check_gates(problem(), evaluation, bundle_mb=bundle.megabytes, latency_ms=1.0).verdict == "challenger"
    assert latency_of(bundle, known_histories(settled[0]), settled[0].item_ids) < 50


def test_the_card_says_what_it_is_of_and_what_it_can_not(settled, recipe, evaluated, served):
    log, found, _ = settled
    comparison = compare_recommenders(evaluated[0], None, log, 0.2, 0, found.evaluation)
    card = write_card(found, log, recipe, served, evaluated[1], comparison, check_gates(found, evaluated[1], comparison), {"code": "abc"})

    assert (
        served.digest in card.files["model_card.md"]
        and "the model answers no item that it has not seen taken" in card.files["model_card.md"]
    )


def test_every_user_of_a_table_gets_the_best_items(settled, served, tmp_path):
    frame = pd.DataFrame({"user": ["u3", "somebody", "u3"], "item": ["i1", "i2", None]})
    requests, notes = requests_in(frame, settled[1].data, "users.csv")
    with TableWriter(tmp_path / "out.parquet", ".parquet") as writer:
        logged = []
        counts = answer_all(served, requests, Origin("shop", "1", served.digest, "batch-1"), writer, lambda **given: logged.append(given))
        writer.close()
    written = pd.read_parquet(tmp_path / "out.parquet")

    assert requests == [Request("u3", ("i1",)), Request("somebody", ("i2",))] and "history" in notes[0]
    assert written.groupby("user")["rank"].max().to_dict() == {"u3": 10, "somebody": 10}
    assert logged[0]["entity_ids"] == ["u3", "somebody"]
    assert list(logged[0]["answers"]["probabilities"][0]) == written["item"][:10].tolist()
    assert np.isfinite(counts.distribution()["score"]["mean"])


def test_users_alone_are_enough_and_a_table_without_them_is_refused(settled):
    requests, _ = requests_in(pd.DataFrame({"user": [7, 8]}), settled[1].data, "users.csv")

    assert requests == [Request("7"), Request("8")]
    with pytest.raises(InputError, match="users.csv has no column 'user'"):
        requests_in(pd.DataFrame({"x": [1]}), settled[1].data, "users.csv")


def test_fit_sends_who_wants_recommendations_to_recommend():
    with pytest.raises(InputError, match=r"switchyard.recommend\(frame\)"):
        switchyard.fit(shop(60, 20, 8), "item", task="recommendation")
