"""`in_a_process`: one measurement of a benchmark in a fresh process, so that its memory and its imports are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def in_a_process(module: str, *arguments: object) -> dict[str, Any]:
    """The JSON that `python -m MODULE ARGUMENTS` prints last; its errors go to the terminal, and where it fails the benchmark ends."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode:
        sys.exit(f"{' '.join(command[2:])} failed")
    return json.loads(done.stdout.splitlines()[-1])
