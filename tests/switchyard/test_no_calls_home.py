"""The libraries beneath tell their makers nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from switchyard import NO_CALLS_HOME

ROOT = Path(__file__).parents[2]
SCORED = """
from onnx import TensorProto, helper
import switchyard.bundle.scorer
import onnxruntime

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "secret", ends[:1], ends[1:])
model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""
TRACKED = """
import switchyard
from mlflow.telemetry.utils import is_telemetry_disabled

assert is_telemetry_disabled()
"""


@pytest.mark.parametrize("code", [SCORED, TRACKED], ids=["onnxruntime", "mlflow"])
def test_a_process_of_ours_sends_and_keeps_no_statistics(tmp_path, code):
    # On a machine of continuous integration the libraries are silent by themselves.
    environment = {
        name: value for name, value in os.environ.items() if name not in NO_CALLS_HOME and not name.startswith(("CI", "GITHUB", "PYTEST"))
    }
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env={**environment, "HOME": str(tmp_path)}, timeout=120)

    assert not list(tmp_path.rglob("*telemetry*")) and not (tmp_path / ".cache" / "Microsoft").exists()


def test_images_are_silent_from_their_first_process():
    text = (ROOT / "Dockerfile").read_text()

    assert [name for name, value in NO_CALLS_HOME.items() if f"{name}={value}" not in text] == []
