"""A folder of one's own: what `init` writes into it, and what a newer Switchyard means for it.

`app/folder/` holds the files as they are written, with @NAME@ where something is put in. `.switchyard.json` in the folder keeps
the version that wrote them and their digests, so that what nobody edited is told from what somebody did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.requirement import brought_up
from switchyard import __version__
from switchyard.permissions import shared
from switchyard.project import RECORD
from switchyard.tabular.config.reference import FORMS, keys
from switchyard.tabular.errors import InputError, SwitchyardError

SCHEMA = "configs/schema.json"
_TEMPLATES = Path(__file__).parent / "folder"
_FILES = {
    "run.py": "run.py.txt",
    "requirements.txt": "requirements.txt",
    "README.md": "README.md",
    ".gitignore": "gitignore.txt",
    ".gitlab-ci.yml": "gitlab-ci.yml",
    ".github/workflows/model.yml": "github/model.yml",
    "plugins/README.md": "plugins/README.md",
    "tests/test_configs.py": "tests/test_configs.py.txt",
}
"""File of the folder -> template."""


def contents(name: str, config: str, source: str) -> dict[str, str]:
    """File of the folder -> its text, but for the config itself.

    Parameters
    ----------
    name : str
        What the folder is called.
    config : str
        Path of its first config in it.
    source : str
        The requirement of Switchyard: from `requirement_of`.
    """
    told = {"@NAME@": name, "@CONFIG@": config, "@SOURCE@": source}
    found = {}
    for file, template in _FILES.items():
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        for mark, value in told.items():
            text = text.replace(mark, value)
        found[file] = text
    return {**found, SCHEMA: FORMS["json"]()}


def write_folder(root: Path, files: Mapping[str, str], config: str, source: str) -> None:
    """Write `files` below `root`, and the record of them.

    Raises
    ------
    InputError
        One of them is there; nothing is written.
    """
    there = [file for file in (*files, RECORD) if (root / file).exists()]
    if there:
        raise InputError(f"{root} has {', '.join(there)} already, and nothing is overwritten; name another folder, or run.py upgrade in it")
    with shared():
        for file, text in files.items():
            path = root / file
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise InputError(f"{path}: {error.strerror}") from None
    _keep(root, {file: text for file, text in files.items() if file != config}, config, source)


@dataclass(frozen=True)
class Upgrade:
    """What the installed version means for a folder that another wrote.

    Attributes
    ----------
    before : str
        The version that wrote the folder.
    wrong : tuple of str
        Configs that the installed version refuses, and why.
    gone, new, changed : tuple of str
        Keys that it knows no more, knows besides, or has another default for.
    stale : tuple of str
        Files that nobody edited and that it would write otherwise.
    edited : tuple of str
        Files that it would write otherwise too, and that somebody edited.
    """

    before: str
    wrong: tuple[str, ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]
    stale: tuple[str, ...]
    edited: tuple[str, ...]


def upgrade_of(root: Path) -> Upgrade:
    """Compare the folder with what the installed version would write.

    Raises
    ------
    InputError
        `init` did not make it.
    """
    record = _record(root)
    old = {key.path: key.default for key in keys(json.loads(_read(root / SCHEMA)))}
    now = {key.path: key.default for key in keys()}
    differs = {file: text for file, text in _now(record).items() if _digest(text) != record["files"].get(file)}
    edited = [file for file in differs if (root / file).is_file() and _digest(_read(root / file)) != record["files"].get(file)]
    return Upgrade(
        before=record["version"],
        wrong=tuple(_refusals(root)),
        gone=tuple(sorted(old.keys() - now.keys())),
        new=tuple(sorted(now.keys() - old.keys())),
        changed=tuple(f"{path}: {old[path] or 'none'} -> {now[path] or 'none'}" for path in now if path in old and old[path] != now[path]),
        stale=tuple(file for file in differs if file not in edited),
        edited=tuple(edited),
    )


def bring_up(root: Path, upgrade: Upgrade) -> None:
    """Write the files that nobody edited as the installed version has them."""
    record = _record(root)
    now = _now(record)
    with shared():
        for file in upgrade.stale:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(now[file], encoding="utf-8")
    _keep(root, now, record["config"], brought_up(record["source"], record["version"]))


def _now(record: Mapping[str, str]) -> dict[str, str]:
    return contents(record["name"], record["config"], brought_up(record["source"], record["version"]))


def _refusals(root: Path) -> Iterator[str]:
    from switchyard.tabular.config.problem import problem_from, read_settings

    for path in sorted((root / "configs").glob("*.yaml")):
        where = f"configs/{path.name}"
        try:
            problem_from(read_settings(path), where)
        except SwitchyardError as error:
            yield str(error)


def _keep(root: Path, files: Mapping[str, str], config: str, source: str) -> None:
    digests = {file: _digest(text) for file, text in files.items()}
    record = {"version": __version__, "name": root.resolve().name, "config": config, "source": source, "files": digests}
    with shared():
        (root / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _record(root: Path) -> dict[str, str]:
    if not (root / RECORD).is_file():
        raise InputError(f"{root} is no folder that run.py init made (it has no {RECORD}); run this in one that is")
    found: dict[str, str] = json.loads(_read(root / RECORD))
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
