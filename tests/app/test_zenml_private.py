"""What we do behind ZenML's back does what it is for; a release of ZenML that does it otherwise fails here."""

import re
import subprocess
import sys
from uuid import uuid4

import pytest

from tests.app.project import ROOT

PIPELINE = """
import os
import sys
from zenml import pipeline, step
from zenml.client import Client

import materializers.zenml_private as private


@step(enable_cache=True)
def answer() -> int:
    return 42


@pipeline
def asking():
    answer()


def run(**options):
    asking.with_options(**options)()
    return Client().list_pipeline_runs(sort_by="desc:created", hydrate=True).items[0]
"""


def told_by(folder, code):
    """What a process of its own prints, on a ZenML store below `folder`."""
    script = folder / "asked.py"
    script.write_text(PIPELINE + code)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT), "ZENML_CONFIG_PATH": str(folder / "zenml")}
    environment |= {"ZENML_ANALYTICS_OPT_IN": "false", "ZENML_LOGGING_VERBOSITY": "ERROR"}
    done = subprocess.run([sys.executable, str(script)], cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return re.search(r"TOLD (.*)", done.stdout)[1].split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("zenml")


def test_a_pipeline_is_run_without_the_integrations_that_are_installed(folder):
    code = """
import zenml.integrations.registry as registry
asked = []
real = registry.integration_registry.activate_integrations
registry.integration_registry.activate_integrations = lambda: asked.append(1)
run()
before = len(asked)
registry.integration_registry.activate_integrations = real
private.leave_integrations_out()
run()
print("TOLD", before, "torch" in sys.modules, "xgboost" in sys.modules)
"""
    assert told_by(folder, code) == ["1", "False", "False"]


def test_a_step_is_made_afresh_in_one_run_and_not_in_those_after_it(folder):
    code = """
from app.running import without_cache
from stacks.settings import RunSettings
options = without_cache(RunSettings(), ["answer"]).options()
found = [run(**given).steps["answer"].status.value for given in ({}, {}, options, {})]
print("TOLD", *found[1:])
"""
    assert told_by(folder, code) == ["cached", "completed", "cached"]


def test_a_record_of_a_run_ends_as_it_is_told_with_the_reason(folder):
    code = """
from zenml import get_step_context
from zenml.enums import ExecutionStatus


@step(enable_cache=False)
def ended() -> int:
    context = get_step_context()
    private.end_step(context.step_run.id, ExecutionStatus.FAILED)
    private.end_run(context.pipeline_run.id, ExecutionStatus.FAILED, "because " + "x" * 1000)
    found = Client().get_pipeline_run(context.pipeline_run.id)
    print("TOLD", found.status.value, found.steps["ended"].status.value, found.get_body().status_reason.split()[0])
    sys.stdout.flush()
    os._exit(0)


@pipeline
def ending():
    ended()


ending()
"""
    assert told_by(folder, code) == ["failed", "failed", "because"]


def test_a_run_whose_process_was_killed_is_named_and_then_ended_and_one_that_goes_on_is_left_alone(folder):
    code = """
import subprocess
from pathlib import Path
from rich.console import Console
from app.killed import held, killed_runs
from app.running import execute

if len(sys.argv) > 1:
    @step(enable_cache=False)
    def dying() -> int:
        os.kill(os.getpid(), 9)


    @pipeline
    def killing():
        dying()


    execute(killing, {}, "killing-small-1", Console())

subprocess.run([sys.executable, __file__, "again"])


def status(name):
    return Client().list_pipeline_runs(name=name).items[0].status.value


before, named = status("killing-small-1"), killed_runs()
try:
    with held("killing-small-1"):
        left_alone = killed_runs(end=True)
        raise ValueError
except ValueError:
    pass
execute(asking, {}, "asking-small-2", Console())
steps = [step.status.value for step in Client().list_run_steps(size=100).items if step.name == "dying"]
files = [path for path in (Path(os.environ["ZENML_CONFIG_PATH"]) / "local_stores/switchyard/running").iterdir()]
print("TOLD", before, *named, len(left_alone), status("killing-small-1"), *steps, status("asking-small-2"), len(files))
"""
    assert told_by(folder, code) == ["running", "killing-small-1", "0", "failed", "failed", "completed", "0"]


def test_what_made_a_step_fail_outside_its_function_is_recorded(folder):
    code = """
from typing import Any
from zenml.enums import ExecutionStatus
from zenml.materializers.base_materializer import BaseMaterializer


class Kept:
    pass


class Broken(BaseMaterializer):
    ASSOCIATED_TYPES = (Kept,)

    def save(self, data: Any) -> None:
        private.tell_why_step_failed(OSError("no room"))
        raise OSError("no room")


@step(output_materializers=Broken, enable_cache=False)
def keeping() -> Kept:
    return Kept()


@pipeline
def breaking():
    keeping()


try:
    breaking()
except Exception:
    pass
found = Client().list_pipeline_runs(sort_by="desc:created", hydrate=True).items[0]
print("TOLD", found.steps["keeping"].exception_info.message.replace(" ", "_"))
"""
    assert told_by(folder, code) == ["no_room"]


def test_a_service_is_recorded_whole_and_a_flavor_is_changed(folder):
    code = f"""
from deployment.registration import ensure_flavor
from deployment.service import FLAVOR, ServedVersionConfig, record
from zenml.enums import StackComponentType
ensure_flavor()
known = Client().get_flavor_by_name_and_type(FLAVOR, StackComponentType.MODEL_DEPLOYER)
private.update_flavor(known.id, config_schema={{"changed": True}})
changed = Client().get_flavor(known.id).config_schema
record(ServedVersionConfig(
    name="{uuid4()}", service_name="small-v1", deployer="d", model="small", instance="v1", version="1", digest="sha256:0", bundle_uri="/b",
    model_name="small", model_version="1", pipeline_name="p",
))
found = Client().list_services(service_name="small-v1", hydrate=True).items[0]
print("TOLD", changed["changed"], found.config["digest"], found.config["instance"])
"""
    assert told_by(folder, code) == ["True", "sha256:0", "v1"]
