"""What a command loads before it does anything, told by modules and never by seconds."""

import subprocess
import sys
from pathlib import Path

import run

ROOT = Path(run.__file__).parent
OF_A_RUN = {
    "sklearn",
    "scipy.stats",
    "scipy.optimize",
    "lightgbm",
    "xgboost",
    "torch",
    "optuna",
    "shap",
    "matplotlib",
    "evidently",
    "mlflow",
}


def loaded_by(code: str) -> set[str]:
    """Modules that a new interpreter has after `code`."""
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], cwd=ROOT, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_pipelines_are_drawn_up_without_the_libraries_that_their_steps_run():
    loaded = loaded_by("import pipelines.training, pipelines.clustering, pipelines.inference, pipelines.monitoring, pipelines.deployment")

    assert "zenml" in loaded
    assert OF_A_RUN & loaded == set()


def test_what_steps_take_is_known_without_those_libraries_too():
    # As ZenML has pydantic resolve it, when a step is called.
    code = """
import pipelines.training, pipelines.clustering, pipelines.inference, pipelines.monitoring
from pydantic import ConfigDict, create_model
from zenml.steps import BaseStep
ours = [module for name, module in sys.modules.items() if name.startswith("steps.")]
steps = {step for module in ours for step in vars(module).values() if isinstance(step, BaseStep)}
for step in steps:
    for name, given in step.entrypoint_definition.inputs.items():
        create_model(step.name, __config__=ConfigDict(arbitrary_types_allowed=True), **{name: (given.annotation, ...)})
assert len(steps) > 30
"""
    assert "sklearn" not in loaded_by(code)
