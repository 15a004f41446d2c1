"""`run`: the command line for a folder of one's own, as its run.py calls it; where the project's code is, and that folder.

The project around the library (run.py, app, pipelines, steps, ...) lies beside it, in a clone and where a wheel puts it. A folder
made by `init` holds configs, plugins and results, and no code of Switchyard.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
"""Where run.py, app, pipelines and the other rooms are."""
RECORD = ".switchyard.json"
"""In a folder that `init` made: which version wrote what."""
_VARIABLE = "SWITCHYARD_FOLDER"
_ANYWHERE = ("init", "-h", "--help", "--version", "--schema")


def folder() -> Path:
    """Where configs, plugins and results are: a folder of one's own, else the project's."""
    return Path(os.environ.get(_VARIABLE) or CODE)


def shown(path: str) -> str:
    """A file of the code, such as an example to copy, as somebody who works in that folder finds it."""
    return path if folder() == CODE else str(CODE / path)


def work_in(root: Path) -> None:
    """Make `root` that folder, for this process and those it starts."""
    os.environ[_VARIABLE] = str(root.resolve())


def run(root: str | Path) -> None:
    """Run the command line, with `sys.argv`, for the folder `root`."""
    if not (CODE / "app" / "main.py").is_file():
        sys.exit(f"error: {CODE} holds the library alone; install Switchyard whole: pip install PATH-OR-GIT-ADDRESS")
    # Before the folder's own: its tests/ and plugins/ are called like ours.
    sys.path.insert(0, str(CODE))
    import_module("app.main").main(Path(root))


def command() -> None:
    """The program `switchyard`: run.py of the folder that one is in; in any other it makes one."""
    here = Path.cwd()
    if not (here / RECORD).is_file() and here != CODE and not set(_ANYWHERE) & set(sys.argv[1:2]):
        sys.exit(f"error: {here} is no folder that init made (it has no {RECORD}): switchyard init FOLDER, then cd FOLDER")
    run(here)


if __name__ == "__main__":
    print(CODE)
