"""What a run can be repeated from, the code's commit and the lock; and who asks for it."""

from __future__ import annotations

import getpass
import hashlib
import os
import subprocess

from steps.caching import LOCK, ROOT
from switchyard.project import folder

COMMIT_VARIABLE = "SWITCHYARD_COMMIT"


def code_commit() -> str:
    """The commit the code is at, with `-dirty` where files differ from it; SWITCHYARD_COMMIT, which stacks set in containers, wins."""
    if told := os.environ.get(COMMIT_VARIABLE):
        return told
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=folder(), capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def person(of_run: str = "") -> str:
    """Who asks: SWITCHYARD_USER where one account acts for many, else the account.

    Parameters
    ----------
    of_run : str
        Name of ZenML's user who started the run: in a pod the account is nobody's.
    """
    if named := os.environ.get("SWITCHYARD_USER"):
        return named
    if of_run not in ("", "default"):
        return of_run
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def lock_digest() -> str:
    """`sha256:<hex>` of requirements.txt."""
    return f"sha256:{hashlib.sha256((ROOT / LOCK).read_bytes()).hexdigest()}"
