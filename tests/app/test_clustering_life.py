"""A clustering's whole life on this machine: trained, deployed, asked, and trained again on the rows that came, by the same commands."""

from __future__ import annotations

import pytest

from demo.traffic import Clients, as_rows
from switchyard.tabular.tables.reading.shoppers import shoppers
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CONFIG = ("--config", "configs/customers.yaml")


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):  # noqa: F811
    made = ServingProject(tmp_path_factory.mktemp("life"))
    made.config(
        "customers", task="clustering", data={"source": "builtin:shoppers?rows=900", "target": "group", "time_column": None,
        "entity_column": "customer_no", "columns": {"joined": {"role": "ignored"}}},
        clustering={"names": ["north", "south", "east", "west"]}, tuning={"families": ["kmeans"], "trials": 1},
        retraining={"min_labels": 200, "cooldown_hours": 0},
    )  # fmt: skip
    yield made
    made.end("customers")


def test_it_learns_again_from_the_rows_that_came_and_groups_keep_their_names(project):
    assert project.run("--pipeline", "training", *CONFIG).code == 0
    first = project.deploy("customers", {})[0]
    assert first.code == 0, first.output
    refused = project.deploy("customers", {"strategy": "canary"}, {"pipeline": "experiment"})
    assert all("goes by labels that come later, and a clustering has none; --pipeline retraining" in one.output for one in refused)

    endpoint = first.summary["endpoint"]
    clients = Clients(endpoint["url"], endpoint["token_file"], clients=2)
    rows = as_rows(shoppers(300, seed=7))
    customers = [row["customer_no"] for row in rows]
    before = clients.predict(rows, [f"a{number}" for number in range(300)], customers)
    assert {answer.label for answer in before} == {"north", "south", "east", "west"}

    done = project.run("--pipeline", "retraining", *CONFIG)
    assert done.code == 0 and done.summary["retraining"]["stage"] == "promoted", done.output
    assert done.summary["retraining"]["rows"] == 300
    after = clients.predict(rows, [f"b{number}" for number in range(300)], customers)
    assert {answer.version for answer in after} == {"2"}
    assert sum(one.label == other.label for one, other in zip(before, after)) > 290
