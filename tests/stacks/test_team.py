"""The stack of a team without a cluster: its servers by their real programs, and a line for each that does not take what it is given."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import sqlalchemy

from demo.traffic import Clients, as_rows
from stacks import active, registration, team
from stacks.installation.urls import for_driver
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import Project, wait_until
from tests.databases import free_port, postgresql, server_folder  # noqa: F401 - fixtures
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject

KEY, SECRET = "team-access-key", "team-secret-key"
ROOT = Path(__file__).resolve().parents[2]


def settings_at(path, **changes):
    """The example's file, filled in."""
    known = {
        "S3_ENDPOINT_URL": "http://127.0.0.1:9", "S3_ACCESS_KEY_ID": KEY, "S3_SECRET_ACCESS_KEY": SECRET,
        "MLFLOW_URL": "http://127.0.0.1:9", "DATABASE_URL": "postgresql://me:s3same@127.0.0.1:9/predictions",
    }  # fmt: skip
    lines = (ROOT / team.EXAMPLE).read_text().splitlines()
    values = dict(line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#")) | known | changes
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    return path


@contextmanager
def answering(status, kind="application/json", login=None):
    """URL of a server that says `status` to all, or 401 to those without `login`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            given = self.headers.get("authorization", "")
            known = login is None or given == f"Basic {base64.b64encode(login.encode()).decode()}"
            self.send_response(status if known else 401)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is missing; stacks/team.env.example lists the keys"),
        ({"S3_SECRET_ACCES_KEY": "x"}, "S3_SECRET_ACCES_KEY is no key"),
        ({"DATABASE_URL": "predictions"}, "DATABASE_URL is no SQLAlchemy URL"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_named(tmp_path, monkeypatch, changes, said):
    monkeypatch.setattr(team, "_look_at_mlflow", lambda _team: None)
    monkeypatch.setattr(team, "_look_at_objects", lambda _team: None)

    with pytest.raises(InputError, match=said):
        team.look_at_servers(team.read_team(settings_at(tmp_path / "team.env", **changes)))
    with pytest.raises(InputError, match="stack team needs --settings FILE.*start from stacks/team.env.example"):
        team.read_team(None)
    # In a folder of one's own there is no stacks/.
    monkeypatch.setenv("SWITCHYARD_FOLDER", str(tmp_path))
    with pytest.raises(InputError, match=f"start from {ROOT}/stacks/team.env.example"):
        team.read_team(None)


def test_an_mlflow_that_is_none_or_refuses_is_told_in_a_line(tmp_path):
    def look(url, **login):
        team._look_at_mlflow(team.read_team(settings_at(tmp_path / "team.env", MLFLOW_URL=url, **login)))

    with pytest.raises(
        InputError, match=r"MLflow at http://127.0.0.1:9 does not answer this machine \(ConnectionError\): check MLFLOW_URL"
    ):
        look("http://127.0.0.1:9")
    with answering(200, "text/html") as url, pytest.raises(InputError, match="is no MLflow server"):
        look(url)
    with answering(200, login="ann:right") as url:
        look(url, MLFLOW_USERNAME="ann", MLFLOW_PASSWORD="right")
        with pytest.raises(InputError, match=r"refuses MLFLOW_USERNAME and MLFLOW_PASSWORD.*HTTP 401") as refused:
            look(url, MLFLOW_USERNAME="ann", MLFLOW_PASSWORD="wrong-one")
    assert "wrong-one" not in str(refused.value)


def test_a_database_that_refuses_is_told_without_its_password(tmp_path, postgresql):  # noqa: F811
    url = for_driver(sqlalchemy.make_url(postgresql))
    team._look_at_database(team.read_team(settings_at(tmp_path / "team.env", DATABASE_URL=postgresql)))
    wrong = url.set(drivername="postgresql", username="nobody_known", password="s3same").render_as_string(hide_password=False)

    with pytest.raises(InputError, match="DATABASE_URL: database 127.0.0.1/postgres takes no connection: .*nobody_known") as refused:
        team._look_at_database(team.read_team(settings_at(tmp_path / "team.env", DATABASE_URL=wrong)))
    assert "\n" not in str(refused.value) and "s3same" not in str(refused.value)


def test_a_stack_file_with_half_a_login_is_told_in_a_line(tmp_path):
    project = Project(tmp_path)
    own = "name: own\ncomponents:\n  orchestrator: {name: own, flavor: local}\n  artifact_store: {name: own, flavor: local}\n"
    tracker = "  experiment_tracker: {name: own, flavor: mlflow, configuration: {tracking_uri: 'http://m', tracking_username: ann}}\n"
    (project.root / "stacks" / "own.yaml").write_text(own + tracker)
    done = project.run("stack", "up", "own")

    assert done.code == 2 and len(done.output.strip().splitlines()) == 1, done.output
    assert "error: own.yaml, experiment_tracker 'own': " in done.output and "`tracking_password`" in done.output


def test_searches_stay_on_the_machine_whose_steps_they_are(tmp_path, monkeypatch):
    monkeypatch.delenv(active.STUDIES_VARIABLE, raising=False)
    monkeypatch.setattr(active, "artifact_store", lambda: SimpleNamespace(name="s3_team", path="s3://switchyard/zenml"))
    monkeypatch.setattr(active, "GlobalConfiguration", lambda: SimpleNamespace(local_stores_path=str(tmp_path)))
    made = []
    monkeypatch.setattr("switchyard.tabular.tuning.store.StudyStore", lambda root, *_words, **_named: made.append(root))
    monkeypatch.setattr(active, "is_local", lambda: True)
    active.studies("key")
    monkeypatch.setattr(active, "is_local", lambda: False)

    assert made == [str(tmp_path / "switchyard" / "studies")]
    with pytest.raises(InputError, match="artifact store 's3_team' is remote: set SWITCHYARD_STUDIES"):
        active.studies("key")


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """Address of an S3 server over a folder."""
    if not shutil.which("versitygw"):
        pytest.skip("no versitygw on the PATH: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    folder, address = tmp_path_factory.mktemp("objects"), f"127.0.0.1:{free_port()}"
    command = ["versitygw", "--port", address, "--health", "/health", "posix", str(folder)]
    server = subprocess.Popen(command, env={**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}, stdout=subprocess.DEVNULL)
    wait_until(lambda: answers(f"http://{address}/health"), 20, "the S3 server")
    yield f"http://{address}"
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def mlflow(objects, postgresql, tmp_path_factory):  # noqa: F811
    """URL of an MLflow server that keeps its files in that S3 and its records in PostgreSQL."""
    url, port = for_driver(sqlalchemy.make_url(postgresql)), free_port()
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE mlflow"))
    command = [
        str(Path(sys.executable).with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", str(url.set(database="mlflow")), "--artifacts-destination", "s3://switchyard/mlflow",
    ]  # fmt: skip
    known = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "MLFLOW_S3_ENDPOINT_URL": objects}
    known["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    folder = tmp_path_factory.mktemp("mlflow")
    server = subprocess.Popen(command, env={**os.environ, **known}, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), 90, "the MLflow server")
    yield f"http://127.0.0.1:{port}"
    os.killpg(server.pid, 9)
    server.wait()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("DROP DATABASE mlflow WITH (FORCE)"))
    engine.dispose()


def answers(url):
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


LOOK = """
import json
from zenml.client import Client
from deployment.predictions import prediction_log_url
from stacks.active import artifact_store, connect_mlflow
from stacks.files import store_whole
import mlflow
connect_mlflow()
with mlflow.start_run() as run:
    mlflow.log_text("kept", "note.txt")
text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt")
store = artifact_store()
store_whole(f"{store.path}/note", b"kept too")
with store.open(f"{store.path}/note", "rb") as file:
    kept = file.read().decode()
components = [one[0].configuration for one in Client().active_stack_model.components.values()]
print(json.dumps([text, kept, prediction_log_url("loans"), components]))
"""


@pytest.mark.slow
def test_a_team_shares_its_servers_and_no_login_is_in_the_stack(tmp_path, objects, mlflow, postgresql):  # noqa: F811
    project = Project(tmp_path / "member")
    database = sqlalchemy.make_url(postgresql).set(password="any-at-all").render_as_string(hide_password=False)
    file = settings_at(tmp_path / "team.env", S3_ENDPOINT_URL=objects, MLFLOW_URL=mlflow, DATABASE_URL=database)
    wrong = settings_at(
        tmp_path / "wrong.env", S3_ENDPOINT_URL=objects, MLFLOW_URL=mlflow, DATABASE_URL=database, S3_SECRET_ACCESS_KEY="no"
    )
    up = ("stack", "up", "team", "--settings")
    refused, done, again = project.run(*up, str(wrong)), project.run(*up, str(file)), project.run(*up, str(file))

    assert refused.code == 2 and "refuses bucket switchyard" in refused.output and len(refused.output.strip().splitlines()) == 1
    assert done.code == again.code == 0 and "stack team is registered and active" in again.output, done.output
    text, kept, url, components = json.loads(project.python(LOOK).splitlines()[-1])
    assert (text, kept, url) == ("kept", "kept too", database)
    assert not {SECRET, KEY, "any-at-all"} & set(json.dumps(components).replace('"', " ").split()) and "any-at-all" not in str(components)


@pytest.mark.full
@pytest.mark.timeout(1500)
def test_what_one_member_trains_and_serves_another_watches_and_takes_over(tmp_path, installed, objects, mlflow, postgresql):  # noqa: F811
    database = sqlalchemy.make_url(postgresql).set(password="any-at-all").render_as_string(hide_password=False)
    file = settings_at(tmp_path / "team.env", S3_ENDPOINT_URL=objects, MLFLOW_URL=mlflow, DATABASE_URL=database)
    ann, bob = ServingProject(tmp_path / "ann"), ServingProject(tmp_path / "bob")
    config = ("--config", "configs/loans.yaml")
    try:
        for member in (ann, bob):
            member.config("loans", tuning={"trials": 1})
            assert member.run("stack", "up", "team", "--settings", str(file)).code == 0
        ended = ann.batch(
            ["training", *config], ["deployment", *config, "--summary", "deployed.json"],
            ["inference", *config, "--data", "builtin:loans?rows=120&seed=3", "--output", "scored.csv"],
        )  # fmt: skip
        assert [one.code for one in ended] == [0, 0, 0], "\n".join(one.output for one in ended)
        endpoint = json.loads((ann.root / "deployed.json").read_text())["endpoint"]
        frame = loans(150, seed=3)
        ids = [f"asked-{number}" for number in range(len(frame))]
        rows = as_rows(frame.drop(columns="defaulted"))
        Clients(endpoint["url"], endpoint["token_file"], clients=2).predict(rows, ids, frame.applicant_id.tolist())
        frame.assign(prediction_id=ids)[["prediction_id", "defaulted"]].to_csv(bob.root / "outcomes.csv", index=False)
        # All of it is seen from the other's machine, which has trained and answered nothing.
        ended = bob.batch(
            ["labels", *config, "--data", "outcomes.csv", "--summary", "labels.json"],
            ["monitoring", *config, "--summary", "watched.json"],
            ["deployment", *config, "--why", "ann's machine is to go", "--summary", "deployed.json"],
            ["status", "loans"], ["prune", "--keep", "runs=0", "--keep", "trainings=0"],
        )  # fmt: skip
        assert [one.code for one in ended] == [0, 0, 0, 0, 0], "\n".join(one.output for one in ended)
        assert json.loads((bob.root / "labels.json").read_text())["matched"] == 150
        watched = json.loads((bob.root / "watched.json").read_text())
        assert (watched["window"]["rows"], watched["window"]["labelled"], watched["model"]["version"]) == (150, 150, "1")
        endpoint = json.loads((bob.root / "deployed.json").read_text())["endpoint"]
        (answer,) = Clients(endpoint["url"], endpoint["token_file"], clients=1).predict(rows[:1], ["bob-0"], ["a"])
        assert answer.version == "1"
    finally:
        for member in (ann, bob):
            member.end("loans")


def test_what_stands_in_braces_is_what_the_settings_give():
    found = team.Team(s3_endpoint_url="a", s3_access_key_id="b", s3_secret_access_key="c", mlflow_url="d/", database_url="e")
    text = (registration.FOLDER / "team.yaml").read_text()

    assert set(registration._PLACEHOLDER.findall(text)) == set(found.values())
    secrets = {f"{name}.{key}" for name, values in found.secrets().items() for key in values}
    assert set(re.findall(r"\{\{([\w.-]+)\}\}", text)) <= secrets
