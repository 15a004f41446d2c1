"""Environments of contestants that can't live beside one another: made once, named by what is in them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from switchyard.serving import environment

ROOT = environment.ROOT


def ensure(name: str, requirements: Sequence[str], lock: Path | None = None) -> Path:
    """The Python of `.venv-benchmark-NAME`, which holds `requirements` and what `lock` lists; made where it is not there.

    Raises
    ------
    subprocess.CalledProcessError
        The installer failed; what it printed says why.
    """
    folder = ROOT / f".venv-benchmark-{name}"
    python, mark = folder / "bin" / "python", folder / ".installed"
    wanted = hashlib.sha256("\n".join([*requirements, lock.read_text() if lock else ""]).encode()).hexdigest()
    if mark.is_file() and mark.read_text() == wanted:
        return python
    arguments = [*requirements, *(["--requirement", str(lock)] if lock else [])]
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *arguments], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments], check=True)
    mark.write_text(wanted)
    return python
