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
