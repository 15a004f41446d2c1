"""`requirement_of`: the line by which a folder of one's own has pip, or uv, install the Switchyard that runs.

A requirement by name and address ("switchyard @ git+URL@REVISION") is one that both take, and installs a package; an editable one
from git is pip's alone.
"""

from __future__ import annotations

import json
import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from switchyard import __version__
from switchyard.project import CODE

_GIT = re.compile(r"(?:switchyard @ )?git\+(?P<address>.+?)(?:@(?P<revision>[^@/#]+))?(?:#egg=switchyard)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def requirement_of(said: str | None = None) -> str:
    """From a git address at the revision that runs, else this version of the package, else the folder that Switchyard lies in.

    Parameters
    ----------
    said : str or None
        A git address, which may name a revision behind an @; where absent, the one that what runs came from, if it knows one.
    """
    if address := said or _origin():
        found = _GIT.fullmatch("git+" + address.removeprefix("git+"))
        named = found["revision"] if found else None
        return f"switchyard @ git+{found['address'] if found else address}@{named or _revision()}"
    return f"switchyard=={__version__}" if _is_package() else f"-e {CODE}"


def is_by_git(requirement: str) -> bool:
    """Whether every machine finds what it names, given the rights."""
    return _GIT.fullmatch(requirement) is not None


def brought_up(requirement: str, version: str) -> str:
    """What the Switchyard that runs would write in place of `requirement`, which the one of `version` wrote.

    A revision that somebody chose, as a branch, stays.
    """
    if requirement == f"switchyard=={version}":
        return f"switchyard=={__version__}"
    found = _GIT.fullmatch(requirement)
    if found and (found["revision"] == f"v{version}" or _COMMIT.fullmatch(found["revision"] or "")):
        return requirement_of(found["address"])
    # As versions wrote a folder until they wrote whole lines.
    return f"-e {requirement}" if requirement == str(CODE) else requirement


def _is_package() -> bool:
    """Whether what runs came in a wheel: its folder is on the path by a file beside it (setup.py)."""
    return (CODE.parent / "switchyard.pth").is_file()


def _origin() -> str:
    """The git address that what runs came from; empty where it is none, or a path of this machine."""
    # A package lies in an environment, which may lie in a clone of something else.
    address = str(_direct().get("url", "")) if _is_package() else _git("remote", "get-url", "origin")
    return address if "://" in address and not address.startswith("file:") else ""


def _revision() -> str:
    """The tag of this version where what runs came by it, else the commit."""
    tag = f"v{__version__}"
    if _is_package():
        came = _direct().get("vcs_info", {})
        return tag if came.get("requested_revision") == tag else str(came.get("commit_id", tag))
    head = _git("rev-parse", "HEAD")
    return tag if not head or _git("rev-list", "-n", "1", tag) == head else head


def _direct() -> dict[str, Any]:
    """What an installer noted of a package that came from git (PEP 610); empty of any other."""
    try:
        noted = json.loads(distribution("switchyard").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        return {}
    return noted if "vcs_info" in noted else {}


def _git(*arguments: str) -> str:
    """What git says of the clone that runs; empty where it is none, or git has nothing to say."""
    if not (CODE / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", *arguments], cwd=CODE, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
