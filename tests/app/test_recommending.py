"""What a command knows of a recommender: its config from the command line, what its service is told, and what is not there yet."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app import recommending
from app.command import Request
from app.commands import monitoring
from app.settings import settings_from
from app.tasks import refuse_without_labels
from steps.deployment.deploy_version import _settings
from switchyard.tabular.errors import InputError
from tests.switchyard.tabular.recommendation.shops import shop


@pytest.fixture
def problem(tmp_path):
    shop(60, 20, 8).to_csv(tmp_path / "orders.csv", index=False)
    return settings_from(tmp_path, data=str(tmp_path / "orders.csv"), task="recommendation", name="shop")[0]


def test_a_recommendation_needs_no_target_on_the_command_line(problem, tmp_path):
    assert problem.task == "recommendation" and problem.data.target == "item"
    with pytest.raises(InputError, match="--data needs --target COLUMN"):
        settings_from(tmp_path, data="orders.csv")


def test_a_dry_run_reads_the_tables_and_says_what_does_not_suit(problem, tmp_path):
    recommending.plan(Request(problem, "here", tmp_path, "local", None), no_cache=False).check()
    other = problem.model_copy(update={"data": problem.data.model_copy(update={"item": "sku"})})

    with pytest.raises(InputError, match="data.item: 'sku' is not a column of"):
        recommending.plan(Request(other, "here", tmp_path, "local", None), no_cache=False).check()


def test_the_service_takes_the_user_of_a_request_for_its_entity(problem):
    told = _settings(
        problem.model_copy(update={"data": problem.data.model_copy(update={"entity_column": "customer", "time_column": "at"})})
    )

    assert told["entity_column"] == "user" and "time_column" not in told


def test_a_table_of_visits_is_monitored_like_any_other(problem):
    plan = monitoring.COMMAND.plan(
        SimpleNamespace(problem=problem, where="here", stack="local"), **{**monitoring.COMMAND.defaults(), "data": "visits.csv"}
    )

    assert plan.arguments["look"].source == "visits.csv"


def test_a_recommendation_learns_again_from_labels_and_clustering_has_none(problem):
    refuse_without_labels(problem, "experiment")

    with pytest.raises(InputError, match="experiment goes by labels that come later, and a clustering has none; --pipeline retraining"):
        refuse_without_labels(SimpleNamespace(task="clustering", name="groups"), "experiment")
