"""Which problem a command is about: the config, what the command line changes in it, and what to type to mean it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.names import name_of
from app.repository import ensure_stack
from stacks.secrets import refuse_plain_settings
from switchyard.tabular.config.problem import Problem, problem_from, read_settings
from switchyard.tabular.config.yaml_text import parse_yaml
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED
from switchyard.tabular.tasks import TASKS

DEFAULT_CONFIG = "configs/loans.yaml"
# Command line option -> place in the config.
_PLACES = {
    "data": ("data", "source"),
    "target": ("data", "target"),
    "query": ("data", "query"),
    "time_column": ("data", "time_column"),
    "goal": ("goal",),
    "name": ("name",),
    "budget": ("tuning", "budget_s"),
    "trials": ("tuning", "trials"),
    "seed": ("tuning", "seed"),
    "task": ("task",),
    "user": ("data", "user"),
    "item": ("data", "item"),
    "items": ("data", "items"),
    "users": ("data", "users"),
    "weight": ("data", "weight"),
    "metric": ("metric",),
    "positive": ("positive_class",),
}


def settings_from(root: Path, config: Path | None = None, **options: Any) -> tuple[Problem, str]:
    """The checked problem from a config and the command line, which wins; and what to call the config's origin.

    Where only a name is given, the config is configs/NAME.yaml, or what the model of that name was trained by.

    Raises
    ------
    InputError
        When a key, a value or a file is wrong, --data comes without --target, or nothing is known by the name.
    """
    given = {key: value for key, value in options.items() if value is not None}
    places = [*_ignored(given.pop("ignore", ())), *_changes(given.pop("changes", ()))]
    if config is None and "data" in given:
        if "target" not in given and not is_without_target(given.get("task")):
            raise InputError("--data needs --target COLUMN, the column to predict; --task clustering and --task recommendation want none")
        settings, where = {"name": name_of(str(given["data"]))}, "the command line"
    else:
        settings, where = _config(root, config, given.get("name"))
    for (*parents, key), value in [*((_PLACES[option], value) for option, value in given.items()), *places]:
        place = settings
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InputError(f"{where}: {parent} must be a mapping")
        place[key] = value
    problem = problem_from(settings, where)
    refuse_plain_settings(settings)
    return problem, where


def is_without_target(task: str | None) -> bool:
    """Whether `task`, as typed, is one that has no column to predict."""
    return task in TASKS and not TASKS[str(task)].target


def _ignored(columns: Iterable[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where the config says that columns are left out, and what."""
    for column in columns:
        yield ("data", "columns", column, "role"), "ignored"


def _changes(changes: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The places in the config that each KEY=VALUE of --set names, and the values, read as in a YAML file.

    Raises
    ------
    InputError
        When there is no KEY= in front, or the value is no YAML.
    """
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not all(key.split(".")):
            raise InputError(f"--set {change}: write KEY=VALUE, as in split.kind=time (python run.py --schema lists the keys)")
        yield tuple(key.split(".")), parse_yaml(text, f"--set {key}")


def _config(root: Path, config: Path | None, name: str | None) -> tuple[dict[str, Any], str]:
    """What the config says, and what to call it."""
    own = root / "configs" / f"{name}.yaml"
    if config is None and name and not own.is_file() and not (root / DEFAULT_CONFIG).is_file():
        return _trained_by(root, name)
    chosen = config or (own if name and own.is_file() else default_config(root))
    settings = read_settings(chosen)
    if config or not name or name in (settings.get("name"), chosen.stem):
        return settings, str(chosen)
    return _trained_by(root, name)


def default_config(root: Path) -> Path:
    """The config that is meant where none is named: the built-in loans', else the only one there is.

    Raises
    ------
    InputError
        There are several.
    """
    usual, there = root / DEFAULT_CONFIG, sorted((root / "configs").glob("*.yaml"))
    if usual.is_file() or not there:
        return usual
    if len(there) > 1:
        raise InputError(f"say which config by --config: {', '.join(f'configs/{path.name}' for path in there[:10])}")
    return there[0]


def _trained_by(root: Path, name: str) -> tuple[dict[str, Any], str]:
    """The config of the newest registered version of `name` that no retraining trained, and what to call it."""
    from registry.versions import configs

    ensure_stack(root)
    known = False
    for version, trained_by in configs(name):
        known = True
        # A table that a retraining put together is no source to begin from again.
        if not trained_by["data"]["source"].startswith(STAGED):
            # Whoever can write the registry has no say in whom a deployment trusts.
            trained_by.pop("trust", None)
            return trained_by, f"what version {version} was trained by"
    if known:
        raise InputError(
            f"every registered version of {name!r} was trained by a retraining; name the config that it began with by --config"
        )
    there = sorted(path.stem for path in (root / "configs").glob("*.yaml"))
    raise InputError(
        f"--name {name}: there is no configs/{name}.yaml and no registered version of that name (configs: {', '.join(there)}); "
        "a new model wants --config FILE, or --data TABLE and --target COLUMN"
    )


def options_for(problem: Problem, where: str) -> str:
    """What to type to mean this problem again: its config, or its name where the registry knows by what it was trained."""
    own = Path(where).is_file() and read_settings(where).get("name") == problem.name
    return f"--config {shlex.quote(where)}" if own else f"--name {shlex.quote(problem.name)}"
