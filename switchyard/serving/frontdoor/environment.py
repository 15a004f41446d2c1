"""Where Envoy is: in an environment of its own, from the wheel that is pinned beside this file, or on the PATH.

`python -m switchyard.serving.frontdoor.environment` makes or updates `.venv-envoy`. Standard library only.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".venv-envoy"
LOCK = Path(__file__).with_name("requirements.txt")
_MARK = ".installed"

logger = logging.getLogger(__name__)


def find_envoy(folder: Path = FOLDER) -> str | None:
    """The Envoy to run: the pinned one where it is installed, else the one on the PATH, else None."""
    pinned = folder / "bin" / "envoy"
    return str(pinned) if pinned.is_file() else shutil.which("envoy")


def is_installed(folder: Path = FOLDER) -> bool:
    """Whether `folder` holds what is pinned."""
    mark = folder / _MARK
    return mark.is_file() and mark.read_text() == _digest()


def install(folder: Path = FOLDER) -> None:
    """Make `folder` hold what is pinned; does nothing where it does already.

    Raises
    ------
    subprocess.CalledProcessError
        The installer failed; what it printed says why.
    """
    if is_installed(folder):
        return
    logger.info("installing %s into %s", LOCK.relative_to(ROOT), folder)
    python = folder / "bin" / "python"
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "sync", "--quiet", "--python", python, LOCK], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", LOCK], check=True)
    (folder / _MARK).write_text(_digest())


def command(envoy: str, bootstrap: Path) -> list[str]:
    """Envoy's command line; one thread of work is enough for several thousand requests a second."""
    # Its warnings of every start: the authentication filter is not yet declared stable by its makers.
    quiet = ("--log-level", "warning", "--component-log-level", "misc:error")
    alone = ("--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "1000")
    return [envoy, "--config-path", str(bootstrap), *alone, *quiet]


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    install()
