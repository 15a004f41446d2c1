"""The serving environment: seldon-core wants its own (numpy below 2, protobuf below 4, an old Flask).

`python -m switchyard.serving.environment` makes or updates `.venv-serving`. Standard library only.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-serving"
LOCK = Path(__file__).with_name("requirements.txt")
_MARK = ".installed"

logger = logging.getLogger(__name__)


def is_installed(folder: Path = FOLDER) -> bool:
    """Whether `folder` holds what the lock says."""
    mark = folder / _MARK
    return mark.is_file() and mark.read_text() == _digest()


def install(folder: Path = FOLDER) -> Path:
    """Make `folder` hold what the lock says, with this Python's version; does nothing where it does already.

    Returns
    -------
    Path
        Of the environment's Python.

    Raises
    ------
    subprocess.CalledProcessError
        The installer failed; what it printed says why.
    """
    python = folder / "bin" / "python"
    if is_installed(folder):
        return python
    logger.info("installing %s into %s", LOCK.relative_to(ROOT), folder)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "sync", "--quiet", "--compile-bytecode", "--python", python, LOCK], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", LOCK], check=True)
    (folder / _MARK).write_text(_digest())
    return python


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    install()
