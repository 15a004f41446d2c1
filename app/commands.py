"""What run.py does for each pipeline: settle the config, run, write the files, print the result, say the exit code."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from zenml.client import Client

from app.outcome import Outcome
from app.running import execute, name_of_run, show_steps
from app.summary import TrainingSummary, print_training, write_summary
from stacks.secrets import refuse_plain_settings
from switchyard.tabular.config.problem import Problem, problem_from, read_settings
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED

DEFAULT_CONFIG = "configs/loans.yaml"
# Command line option -> place in the config.
_PLACES = {
    "data": ("data", "source"),
    "target": ("data", "target"),
    "time_column": ("data", "time_column"),
    "goal": ("goal",),
    "name": ("name",),
    "budget": ("tuning", "budget_s"),
    "trials": ("tuning", "trials"),
    "seed": ("tuning", "seed"),
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
    if config is None and "data" in given:
        if "target" not in given:
            raise InputError("--data needs --target COLUMN, the column to predict")
        settings, where = {"name": _slug(str(given["data"]))}, "the command line"
    else:
        settings, where = _config(root, config, given.get("name"))
    for option, value in given.items():
        *parents, key = _PLACES[option]
        place = settings
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InputError(f"{config}: {parent} must be a mapping")
        place[key] = value
    problem = problem_from(settings, where)
    refuse_plain_settings(settings)
    return problem, where


def _config(root: Path, config: Path | None, name: str | None) -> tuple[dict[str, Any], str]:
    """What the config says, and what to call it."""
    own = root / "configs" / f"{name}.yaml"
    chosen = config or (own if name and own.is_file() else root / DEFAULT_CONFIG)
    settings = read_settings(chosen)
    if config or not name or name in (settings.get("name"), chosen.stem):
        return settings, str(chosen)
    return _trained_by(root, name)


def _trained_by(root: Path, name: str) -> tuple[dict[str, Any], str]:
    """The config of the newest registered version of `name` that no retraining trained, and what to call it."""
    from registry.versions import configs

    ensure_stack(root)
    known = False
    for version, trained_by in configs(name):
        known = True
        # A table that a retraining put together is no source to begin from again.
        if not trained_by["data"]["source"].startswith(STAGED):
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


def _slug(source: str) -> str:
    stem = re.split(r"[?#]", source)[0].rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:63] or "table"


def is_local_file(source: str) -> bool:
    """Whether a table's source is a file that lies on this machine."""
    return "://" not in source and Path(source).expanduser().is_file()


def terminal() -> Console:
    """Standard output; where it is no terminal, lines are as long as tables need."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=150, highlight=False)


def ensure_repository(root: Path) -> None:
    """Make `root` a ZenML repository, so that it has an active stack of its own and a source root."""
    if not Client.is_repository_directory(root):
        Client.initialize(root)


def ensure_stack(root: Path) -> str:
    """Name of the active stack; the local one is registered where none of ours was ever chosen."""
    from stacks.registration import register_stack

    ensure_repository(root)
    active = Client().active_stack_model.name
    return register_stack("local") if active == "default" else active


def train(
    problem: Problem, where: str, *, root: Path, no_cache: bool, dry_run: bool, summary_path: Path | None, started: float, workers: int = 1
) -> int:
    """Run the training pipeline and return the exit code."""
    from pipelines.training import training
    from stacks.active import stage_file
    from stacks.settings import parallel_families
    from steps.registry.register_model import register_model

    console = terminal()
    source = problem.data.source
    stack = ensure_stack(root)
    if dry_run:
        _show_plan(problem, where, stack, training, workers, console)
        return 0
    console.print(f"[bold]training[/] {problem.name}: {source} -> {problem.data.target} on stack {stack} (config: {where})")
    location = stage_file(Path(source).expanduser()) if is_local_file(source) else source
    suite = _edited_suite(root, problem.name)
    problem, cache = problem.for_training(), not no_cache
    fresh = f"{stack}-{time.time_ns()}" if no_cache else ""
    # With a number of trials the time is nobody's share.
    parallel = parallel_families(stack) if problem.tuning.trials is None else 1
    shares = {"parallel": min(parallel, len(problem.tuning.families)), "workers": workers}
    arguments = {"problem": problem, "location": location, "edited_suite": suite, "fresh": fresh, **shares}
    outcome = _run(training, problem.name, cache, arguments, console)
    if outcome.was_cached("registration") and _is_lost(outcome.artifact("registration"), problem.name):
        console.print("the registry no longer holds this version: registering it again")
        register_model.configure(enable_cache=False)
        outcome = _run(training, problem.name, cache, arguments, console)
    summary = _finish_training(outcome, root, started)
    if summary_path:
        write_summary(summary_path, summary.to_json())
    print_training(outcome, summary, _deployment_command(problem, where, root), console)
    return 3 if summary.verdict == "rejected" else 0


def _deployment_command(problem: Problem, where: str, root: Path) -> str:
    """What to type to serve what was trained from the config `where`."""
    config = root / DEFAULT_CONFIG
    if Path(where).resolve() == config.resolve() and read_settings(config).get("name") == problem.name:
        return "make deployment"
    return f"python run.py --pipeline deployment {options_for(problem, where)}"


def _run(pipeline: Any, name: str, cache: bool, arguments: dict[str, Any], console: Console) -> Outcome:
    return execute(pipeline, arguments, name_of_run(pipeline.name, name), console, cache)


def _is_lost(registration: Any, name: str) -> bool:
    """Whether a version that an earlier run registered is no longer there."""
    from registry.versions import is_registered

    return registration.version is not None and not is_registered(name, registration.version, registration.digest)


def _edited_suite(root: Path, name: str) -> str:
    """The expectations that a person keeps in configs/, or nothing."""
    path = root / "configs" / f"{name}.expectations.json"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _finish_training(outcome: Outcome, root: Path, started: float) -> TrainingSummary:
    """Write the run's documents and reports to files and gather the summary."""
    problem: Problem = outcome.artifact("problem")
    documents = root / "docs" / "ml-project" / problem.name
    reports = root / "reports" / problem.name
    documents.mkdir(parents=True, exist_ok=True)
    reports.mkdir(parents=True, exist_ok=True)
    written: dict[str, Path] = {}
    for name, text in outcome.artifact("documents").files.items():
        target = (reports if name.endswith(".html") else documents) / name
        target.write_text(text, encoding="utf-8")
        if name.endswith(".md"):
            written[target.stem] = target
    for name in ("profile", "quality", "validation", "plan", "leaderboard", "evaluation", "explanation", "comparison"):
        if page := outcome.page(name):
            target = reports / f"{name}.html"
            target.write_text(page, encoding="utf-8")
            written[name] = target
    full = outcome.artifact("full_profile")
    (reports / "data_profile.html").write_text(full, encoding="utf-8")
    written["data_profile"] = reports / "data_profile.html"
    paths = {name: str(path.relative_to(root)) for name, path in written.items()}
    summary = TrainingSummary.gather(outcome, paths, time.monotonic() - started)
    # For `dvc metrics`: the scores alone, without what differs between equal runs.
    (documents / "metrics.json").write_text(json.dumps(summary.scores, indent=1) + "\n", encoding="utf-8")
    return summary


def _show_plan(problem: Problem, where: str, stack: str, training: Any, workers: int, console: Console) -> None:
    console.print(f"[bold]config[/] (checked, from {where})")
    console.print(yaml.safe_dump(problem.model_dump(mode="json"), sort_keys=False, allow_unicode=True), highlight=False, markup=False)
    console.print("[bold]steps[/]")
    show_steps(training, {"problem": problem, "location": problem.data.source, "edited_suite": "", "workers": workers}, console)
    console.print(f"[bold]stack[/] {stack}")
    for kind, components in Client().active_stack_model.components.items():
        console.print(f"  {kind.value}: {', '.join(f'{item.name} ({item.flavor_name})' for item in components)}", highlight=False)
