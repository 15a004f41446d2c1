"""What `make setup` would install, and what it says before it does."""

import http.server
import os
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def index(tmp_path):
    """Address of an index that knows torch."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "index.html").touch()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def said_by_setup(*given: str, **environment: str) -> str:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "MAKE"))}
    command = ["make", "-n", "-B", "-o", "there/.uv", "there/.installed", "VENV=there", *given]
    return subprocess.run(command, cwd=ROOT, env={**inherited, **environment}, capture_output=True, text=True, check=True).stdout


def test_torch_is_the_build_without_cuda_where_no_driver_runs_and_its_index_answers(index, tmp_path):
    cpu = f"torch by {index}:"

    assert cpu in said_by_setup(f"TORCH_CPU={index}", f"NVIDIA={tmp_path}/none")
    assert cpu not in said_by_setup(f"TORCH_CPU={index}", f"NVIDIA={tmp_path}")
    assert cpu not in said_by_setup(f"TORCH_CPU={index}/away", f"NVIDIA={tmp_path}/none")
    assert cpu not in said_by_setup(f"TORCH_CPU={index}", f"NVIDIA={tmp_path}/none", UV_EXTRA_INDEX_URL="")
