"""A recommender's whole life on this machine: trained, deployed, challenged user by user, promoted, and trained again on what was taken."""

from __future__ import annotations

import re

import numpy as np
import pytest

from demo.traffic import Clients
from switchyard.tabular.tables.reading.purchases import CATEGORIES, ITEMS
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
VISITORS = 240


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):  # noqa: F811
    """The made-up shop with what its users and items are, of which the first version knows only what is popular."""
    made = ServingProject(tmp_path_factory.mktemp("life"))
    shop(made, ["popularity"])
    trained = made.run("--pipeline", "training", "--config", "configs/shop.yaml")
    assert trained.code == 0 and re.search(r"^order    .*re-rank", trained.output, re.MULTILINE), trained.output
    first = made.deploy("shop", {})[0]
    assert first.code == 0, first.output
    endpoint = first.summary["endpoint"]
    made.taken = {}
    made.clients = Clients(endpoint["url"], endpoint["token_file"], clients=2)
    yield made
    made.end("shop")


def shop(project, families):
    project.config(
        "shop", task="recommendation", goal="Show users what they take next.",
        data={"source": "builtin:purchases", "target": "item", "items": "builtin:products", "users": "builtin:members",
              "time_column": "time", "entity_column": None},
        tuning={"families": families, "trials": 1}, gates={"champion": "ignore"}, evaluation={"bootstrap": 50},
        experiment={"min_labels": 40, "minimum_effect": 0.35}, retraining={"min_labels": 100, "cooldown_hours": 0, "share": 0.5},
    )  # fmt: skip


def visit(project, day):
    """Visitors ask with items of the category that they like, take another by its popularity, and that is told; versions by visitor."""
    rng = np.random.default_rng(day)
    rows, taken = [], {}
    for number in range(VISITORS):
        kind = number % len(CATEGORIES)
        items = [f"p{place:03d}" for place in range(kind, ITEMS, len(CATEGORIES))]
        mine = project.taken.setdefault(number, [])
        # What is known of a visitor is never shown again, so it is no good label.
        weights = np.array([item not in mine for item in items]) / np.arange(1, len(items) + 1)
        *history, label = rng.choice(items, 3, replace=False, p=weights / weights.sum()).tolist()
        mine += [*history, label]
        rows.append({"user": f"v{number}", "history": history, "attributes": {"newsletter": CATEGORIES[kind]}})
        taken[f"d{day}-{number}"] = label
    answers = project.clients.predict(rows, list(taken), [row["user"] for row in rows])
    project.clients.feedback(taken)
    return {row["user"]: answer.version for row, answer in zip(rows, answers, strict=True)}


def champion(project):
    (found,) = [version["version"] for version in project.versions("shop") if "champion" in version["aliases"]]
    return found


def test_a_better_recommender_wins_its_users_and_learns_again_from_what_they_took(project):
    shop(project, ["segments", "item_knn", "attributes"])
    assert project.run("--pipeline", "training", "--config", "configs/shop.yaml").code == 0
    assert project.deploy("shop", {"strategy": "ab"})[0].code == 0

    first = visit(project, 1)
    assert 60 < sum(version == "2" for version in first.values()) < 180
    judged = project.deploy("shop", {"pipeline": "experiment"})[0]
    assert judged.summary["verdict"] == "promote" and champion(project) == "2", judged
    assert set(visit(project, 2).values()) == {"2"}

    again = project.run("--pipeline", "retraining", "--config", "configs/shop.yaml", "--why", "a new season")
    assert again.code == 0 and again.summary["retraining"]["stage"] == "trying", again.output
    assert again.summary["retraining"]["version"] == "3"
    third = next(version for version in project.versions("shop") if version["version"] == "3")
    # A visitor who takes an item twice has it once.
    assert "builtin:purchases and 4" in third["tags"]["data_source"] and "labelled predictions until" in third["tags"]["data_source"]

    second = visit(project, 3)
    # Who gets which version is decided by the user, and stays.
    assert set(second.values()) == {"2", "3"} and visit(project, 4) == second
    done = project.run("--pipeline", "retraining", "--config", "configs/shop.yaml")
    assert done.summary["retraining"]["stage"] == "promoted" and champion(project) == "3", done.output

    version, known = ask(project, {"user": "v1"})
    assert version == "3" and not known["notes"] and known["because"][0]


def ask(project, request):
    answer = project.clients._ask("/predict", request, {})
    return answer["meta"]["tags"]["version"], answer
