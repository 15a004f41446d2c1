"""An installation of before the code moved goes on after it: what it registered, served, decided and tried is there."""

import json

import pytest

from deployment.process.host import ProcessHost
from switchyard.monitoring.ledger import Ledger
from switchyard.predictionlog import connect
from switchyard.tabular.tuning.store import StudyStore
from tests.compatibility.installation import MODEL, STORED, restore
from tests.deployment.conftest import Client, installed  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DIGEST = "sha256:207c392b6afeab5d6f3e1908a5d7cc27ca7c41a6db6a1999dd0151d03021ec77"
ROW = json.loads((STORED / "request.json").read_text())["rows"][0]
PROBABILITY = 0.30664192402705204
"""Of class 1 for that row, as the old code answered."""
_LOOK = """
import json, pathlib
from app.repository import ensure_stack
stack = ensure_stack(pathlib.Path.cwd())
from zenml.client import Client
from deployment.registration import active_deployer
services = active_deployer().find_model_server()
flavor = Client().get_flavor_by_name_and_type("switchyard", "model_deployer")
print(json.dumps([stack, flavor.source, [[s.config.model, s.config.version, s.config.digest] for s in services]]))
"""
_SCORE = """
import json, sys, pandas, mlflow
from stacks.active import connect_mlflow
connect_mlflow()
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(pandas.DataFrame([json.loads(sys.argv[2])])).to_json(orient="records"))
"""


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):  # noqa: F811
    made = restore(tmp_path_factory.mktemp("moved"))
    yield made
    made.end(MODEL)


def decisions(project):
    engine = connect(f"sqlite:///{next(project.store.glob('**/predictions.db'))}")
    try:
        return Ledger(engine).decisions(MODEL)
    finally:
        engine.dispose()


def test_running_services_are_found_and_the_flavor_is_known_by_its_new_place(project):
    stack, source, services = json.loads(project.python(_LOOK).splitlines()[-1])
    assert (stack, source) == ("local", "deployment.flavor.SwitchyardDeployerFlavor")
    assert services == [[MODEL, "1", DIGEST]]


def test_the_registered_version_is_loaded_by_mlflow_and_answers_as_it_did(project):
    said = project.call("-c", _SCORE, f"models:/{MODEL}/1", json.dumps(ROW))
    assert said.rstrip().endswith("}]"), said
    answer = json.loads(said.splitlines()[-1])[0]
    assert answer["label"] == "1" and answer["probability_1"] == pytest.approx(PROBABILITY, abs=1e-6)


def test_the_registered_version_is_deployed_and_answers_as_it_did(project):
    result = project.deploy(MODEL, {"version": "1"})[0]
    assert result.code == 0, result.output
    client = Client(ProcessHost(next(project.store.glob("**/switchyard/serving"))).inspect(MODEL))
    status, answer = client.ask(row=ROW)
    assert status == 200 and answer["meta"]["tags"] == {"model": MODEL, "version": "1", "digest": DIGEST}
    assert answer["predictions"][0]["probabilities"]["1"] == pytest.approx(PROBABILITY, abs=1e-6)


def test_monitoring_reads_the_predictions_and_the_decisions_of_before(project):
    (before,) = decisions(project)
    result = project.run("--pipeline", "monitoring", "--config", "configs/moved.yaml", "--since", "2025-11-27", "--until", "2025-11-28")
    assert result.code == 0, result.output
    assert "prediction log" in result.output and ": 12 predictions" in result.output
    assert before in decisions(project) and len(decisions(project)) == 2


def test_the_study_of_before_is_read(project):
    (folder,) = project.store.glob("**/studies/*")
    (standing,) = StudyStore(folder.parent, folder.name).standings(("lightgbm",), "roc_auc", 1)
    assert (standing.trials, standing.finished) == (1, True)


def test_a_training_is_compared_with_the_champion_of_before(project):
    with (project.root / "configs" / "moved.yaml").open("a") as config:
        config.write("gates: {champion: ignore}\n")
    result = project.train(MODEL)
    assert result.code == 0, result.output
    assert "champion 1" in (project.root / "reports" / MODEL / "latest" / "comparison.html").read_text()
