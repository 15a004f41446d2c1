"""Runs Python programs of a project in processes that have the libraries beneath loaded already.

Loading ZenML, MLflow and the libraries of learning takes eight seconds of a processor, and a suite that drives `run.py` hundreds of
times would spend half of its time on that. One process (`multiprocessing`'s forkserver) loads them once; each program is a fork of it,
with the arguments, folder, environment, `sys.path` and output that it would have as `python PROGRAM ...`, and loads all of the
project's own code by itself. What a test is about processes (signals, kills, the cost of a start) starts a real one (`Project.start`).
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
_CONTEXT = multiprocessing.get_context("forkserver")
_LOCK = threading.Lock()


class Ran(NamedTuple):
    """How a program ended."""

    code: int
    output: str
    errors: str
    """Empty where they are in the output."""


def run_python(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], apart: bool = False) -> Ran:
    """Run `python ARGUMENTS` (a program, or `-c CODE`) in `folder` to its end; `apart`: what it writes to stderr is not in its output."""
    with TemporaryDirectory() as place:
        output, errors = Path(place, "output"), Path(place, "errors")
        streams = [str(output), str(errors if apart else output)]
        process = _CONTEXT.Process(target=_become, args=(list(arguments), str(folder), dict(environment), streams))
        with _LOCK:
            _CONTEXT.set_forkserver_preload(["tests.libraries"])
            process.start()
        process.join()
        assert process.exitcode is not None
        return Ran(process.exitcode, output.read_text(), errors.read_text() if apart else "")


def _become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    for stream, path in enumerate(streams, 1):
        target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(target, stream)
        os.close(target)
    assert "tests.libraries" in sys.modules, "the libraries were not loaded: import tests.libraries says why"
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    sys.argv = arguments if arguments[0] != "-c" else ["-c", *arguments[2:]]
    here = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = [*here, *(path for path in sys.path if path and Path(path).resolve() != ROOT)]
    try:
        if arguments[0] == "-c":
            exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_path(arguments[0], run_name="__main__")
    finally:
        # A fork of this Python's forkserver ends without them.
        atexit._run_exitfuncs()
