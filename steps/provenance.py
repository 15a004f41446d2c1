"""What a run can be repeated from: the code's commit and the lock."""

from __future__ import annotations

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


def lock_digest() -> str:
    """`sha256:<hex>` of requirements.txt."""
    return f"sha256:{hashlib.sha256((ROOT / LOCK).read_bytes()).hexdigest()}"
