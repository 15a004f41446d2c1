"""An installation on somebody's own S3 and databases, which it must leave alone when it goes."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import time
from types import SimpleNamespace

import pytest

from tests.app.project import wait_until
from tests.kubernetes.backing import Backing
from tests.kubernetes.running import Installation, predictions, says_no_traceback

pytestmark = [pytest.mark.cluster, pytest.mark.full, pytest.mark.timeout(1800)]
BUCKET = "somebodys"
POSTGRES = ("mlflow", "studies", "predictions")
_NO_SUCH = ("database", "objects")
_SMALL = """
from zenml.client import Client
from zenml.enums import StackComponentType
small = {'replicas': 1, 'requests': {'memory': '160Mi', 'cpu': '25m'}}
Client().update_stack_component('switchyard_kubernetes', StackComponentType.MODEL_DEPLOYER, configuration=small)
"""


@pytest.fixture(scope="module")
def outside(registry):
    """An S3 server, MariaDB for ZenML and PostgreSQL for the others, outside the installation's namespace."""
    made = Backing(f"switchyard-outside-{secrets.token_hex(3)}", ("s3", "database", "postgres"))
    admin = f"create database zenml; grant all on zenml.* to '{made.key}'@'%'"
    made.run("database", "sh", "-c", f'MYSQL_PWD="$MARIADB_ROOT_PASSWORD" mariadb -u root -e "{admin}"')
    for name in POSTGRES:
        statement = f"create database {name} encoding 'UTF8' template template0"
        made.run("postgres", "sh", "-c", f'PGPASSWORD="$POSTGRES_PASSWORD" psql -h localhost -U "$POSTGRES_USER" -d first -c "{statement}"')
    yield made
    made.remove()


@pytest.fixture(scope="module")
def external(outside, tmp_path_factory):
    """`run.py stack up kubernetes --settings FILE`, the file made from the example's keys."""
    folder = tmp_path_factory.mktemp("external")
    values = {
        "S3_ENDPOINT_URL": outside.s3_url,
        "S3_BUCKET": BUCKET,
        "S3_ACCESS_KEY_ID": outside.key,
        "S3_SECRET_ACCESS_KEY": outside.secret,
        "ZENML_DATABASE_URL": outside.url("mysql", "database", "zenml"),
        **{f"{name.upper()}_DATABASE_URL": outside.url("postgresql", "postgres", name) for name in POSTGRES},
    }
    settings = folder / "settings.env"
    settings.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    made = Installation.prepared(folder, f"switchyard-external-{secrets.token_hex(3)}")
    up = made.up("--settings", str(settings))
    assert up.code == 0, up.output
    # Three pods of half a core are more than a test's node has.
    made.project.python(_SMALL)
    yield SimpleNamespace(installation=made, settings=settings)
    made.project.run("stack", "down", "kubernetes", "--namespace", made.namespace, "--yes")


def test_a_model_is_trained_deployed_and_logged_in_them(external, outside):
    installation, project = external.installation, external.installation.project
    names = {item["metadata"]["name"] for item in installation.items("deployments")}
    assert {"zenml", "mlflow"} <= names and not names & set(_NO_SUCH) and installation.items("persistentvolumeclaims") == []

    trained = installation.train("shared", "--workers", "2")
    assert trained.code == 0, trained.output
    deployed = installation.deploy("shared")
    printed = deployed.output.rstrip().splitlines()[-1]
    answer = json.loads(subprocess.run(printed, shell=True, capture_output=True, text=True, check=True).stdout)

    assert answer["meta"]["tags"]["version"] == deployed.summary["serving"]["version"]
    statement = f"select count(*) from predictions where prediction_id = '{answer['meta']['puid']}'"
    wait_until(
        lambda: outside.rows(statement, outside.url("postgresql+psycopg", "postgres", "predictions")) == [(1,)], 30, "the answer in the log"
    )
    studies = outside.rows("select count(*) from trials", outside.url("postgresql+psycopg", "postgres", "studies"))
    assert studies[0][0] >= 6
    keys = [entry["Key"] for entry in outside.client().list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert any(key.startswith("zenml/") for key in keys) and any(key.startswith("mlflow/") for key in keys)
    assert project.versions("shared")[0]["aliases"] == ["champion"]


def test_the_next_up_needs_no_file_and_changes_nothing(external):
    def state():
        found = external.installation.items("deployments,services,secrets")
        return {
            (item["kind"], item["metadata"]["name"]): item["metadata"].get("generation", item["metadata"]["resourceVersion"])
            for item in found
        }

    before = state()
    again = external.installation.up()
    assert again.code == 0, again.output
    assert state() == before


def test_a_wrong_password_is_told_before_anything_leans_on_it(external, tmp_path):
    """And what runs keeps the one that it has."""
    installation, right = external.installation, external.settings.read_text()
    wrong = tmp_path / "wrong.env"
    wrong.write_text(re.sub(r"^(PREDICTIONS_DATABASE_URL=\S+://[^:]+:)", r"\1not", right, flags=re.MULTILINE))
    before, began = installation.secret("databases"), time.monotonic()
    up = installation.up("--settings", str(wrong))
    took = time.monotonic() - began

    assert up.code == 1 and "PREDICTIONS_DATABASE_URL: database " in up.output and "takes no connection" in up.output, up.output
    assert "MLFLOW" not in up.output and says_no_traceback(up.output), up.output
    assert installation.secret("databases") == before
    print(f"a wrong password: {took:.0f} s")
    assert took < 120


def test_what_is_removed_and_installed_anew_finds_its_runs_and_models(external, outside):
    installation, project = external.installation, external.installation.project
    if not project.versions("shared"):
        assert installation.train("shared").code == 0
    before = project.versions("shared")
    answers = predictions(project, "shared", before[0]["version"])

    down = project.run("stack", "down", "kubernetes", "--namespace", installation.namespace, "--keep-data")
    assert down.code == 0, down.output
    # The front doors' pods end when their last requests have.
    wait_until(lambda: installation.items("deployments,pods") == [], 120, "the end of all pods")
    up = installation.up()
    assert up.code == 0, up.output

    assert project.versions("shared") == before
    assert predictions(project, "shared", before[0]["version"]) == answers
    again = project.train("shared", "--seed", "0")
    assert again.code == 0, again.output
