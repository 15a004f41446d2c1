"""The options of `run.py --pipeline`, by who takes them: one that the chosen pipeline has no use for is an error, never ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

STRATEGIES = ("all", "canary", "ab", "shadow")

CONFIG = click.Option(
    ["--config"], type=click.Path(path_type=Path), help="A YAML file of configs/; without it, --data and --name: the built-in loans."
)
DATA = click.Option(["--data"], help="PATH, URL, builtin:NAME or openml:NAME instead of the config's data.source; the table to score.")
NAME = click.Option(
    ["--name"], help="Name of the model in the registries. Alone: by configs/NAME.yaml, or as its newest version was trained."
)
WHY = click.Option(["--why"], default="", help="A reason to keep with the version, or with the retraining.")
VERSION = click.Option(["--version"], help="The version to deploy instead of the challenger, or to score with instead of the champion.")
WORKERS = click.Option(
    ["--workers"], type=click.IntRange(1, 64), default=1, show_default=True,
    help="Steps that share the trials of one family, by a study in the stack's database.",
)  # fmt: skip
NO_CACHE = click.Option(["--no-cache"], is_flag=True, help="Run every step again.")

PROBLEM = (
    CONFIG,
    DATA,
    click.Option(["--target"], help="The column to predict."),
    click.Option(["--time-column"], help="Column that orders rows in time; @row: the file's order is time."),
    NAME,
)
"""What says which problem it is."""

SEARCH = (
    *PROBLEM,
    click.Option(["--goal"], help="What the model is for, in a sentence; it goes into the documents."),
    click.Option(["--budget"], type=float, help="Wall seconds of tuning, ensembling and export together."),
    click.Option(["--trials"], type=int, help="Trials per model family instead of a budget: deterministic for a seed."),
    click.Option(["--seed"], type=int, help="Seed of everything random."),
)
"""What changes how its model is searched for, too."""

DEPLOYMENT = (
    click.Option(["--strategy"], type=click.Choice(STRATEGIES), default="all", show_default=True, help="Who gets the new version."),
    click.Option(["--share"], type=float, help="The new version's share of the requests, for canary and ab."),
    VERSION,
    click.Option(["--rollback"], is_flag=True, help="Go back to the version that was in production before."),
    WHY,
)

INFERENCE = (
    DATA,
    click.Option(["--output"], help="Where the answers go: PATH or URL, .csv, .tsv or .parquet, text also .gz."),
    VERSION,
    click.Option(["--query"], help="SQL to run when --data is a SQLAlchemy URL."),
    click.Option(
        ["--extra"],
        type=click.Choice(("refuse", "drop", "keep")),
        default="refuse",
        show_default=True,
        help="Columns that neither model nor config knows: an error, left out, or taken into the output.",
    ),
    click.Option(["--no-log"], is_flag=True, help="Leave the predictions out of the prediction log."),
)

MONITORING = (
    click.Option(["--since"], help="Beginning of the window, ISO 8601, UTC where it names no zone."),
    click.Option(["--until"], help="End of the window; with the newest prediction where it is not given."),
    click.Option(["--window"], help="Instead of --since: a time (30m, 12h, 7d, 2w), or the last rows (2000)."),
    DATA,
    click.Option(["--act/--no-act"], default=None, help="Retrain where the decision says so, instead of the config's retraining.act."),
    click.Option(["--schedule"], help='Again and again at the times of a cron expression, in UTC: "0 * * * *"; on a cluster, off ends it.'),
)
"""--data is here a table to score and look at, instead of the prediction log."""

EXPERIMENT = (click.Option(["--watch"], type=click.FloatRange(min=1), help="Look again after so many seconds until it is decided."),)

COMMON = (
    click.Option(["--dry-run"], is_flag=True, help="Print the checked config, the DAG and the stack; run nothing."),
    click.Option(["--summary"], type=click.Path(path_type=Path, dir_okay=False), help="Write the run's summary to this JSON file."),
)


@dataclass(frozen=True)
class Entry:
    """One pipeline of the command line.

    Parameters
    ----------
    function : str
        `module:name` of what runs it. It is called with the checked problem, what to call the problem's origin, the
        values of `own`, and `root`, `dry_run`, `summary_path` and `started`; it returns the exit code.
    problem : tuple of Option
        Those that change the config.
    own : tuple of Option
    """

    function: str
    problem: tuple[click.Option, ...]
    own: tuple[click.Option, ...]

    def load(self) -> Callable[..., int]:
        """The function; only now are the heavy libraries imported."""
        module, _, name = self.function.partition(":")
        return getattr(import_module(module), name)


PIPELINES = {
    "training": Entry("app.commands:train", SEARCH, (NO_CACHE, WORKERS)),
    "deployment": Entry("app.deployment:deploy", PROBLEM, DEPLOYMENT),
    "inference": Entry("app.inference:score", (CONFIG, NAME), INFERENCE),
    "retraining": Entry("app.retraining:retrain", SEARCH, (WHY,)),
    "experiment": Entry("app.experiment:judge", PROBLEM, EXPERIMENT),
    "monitoring": Entry("app.loop:watch", (CONFIG, NAME), MONITORING),
}


def takers_of(name: str) -> tuple[str, ...]:
    """The pipelines that take an option; none where it is of every command."""
    return tuple(pipeline for pipeline, entry in PIPELINES.items() if any(option.name == name for option in (*entry.problem, *entry.own)))


def all_options() -> list[click.Option]:
    """Every option once, in the order of the pipelines."""
    return list({option.name: option for entry in PIPELINES.values() for option in (*entry.problem, *entry.own)}.values()) + list(COMMON)


class Pipelines(click.Group):
    """The command line; its help shows the options under the pipelines that take them."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each set of pipelines, then the commands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(context):
            takers = takers_of(option.name or "")
            record = option.get_help_record(context)
            title = "Every pipeline" if len(takers) in (0, len(PIPELINES)) else f"For {', '.join(takers)}"
            if record:
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
        self.format_commands(context, formatter)


def options_of(pipeline: str, context: click.Context) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values of the options that change the problem, and of the pipeline's own.

    Raises
    ------
    click.UsageError
        An option was given that this pipeline does not take.
    """
    entry = PIPELINES[pipeline]
    common = {option.name for option in COMMON} | {"pipeline", "schema"}
    known = {option.name for option in (*entry.problem, *entry.own)} | common
    for option in context.command.params:
        if option.name not in known and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{option.opts[0]} is for --pipeline {' and '.join(takers_of(option.name))}, not for {pipeline}", context
            )
    chosen = [{option.name: context.params[option.name] for option in group} for group in (entry.problem, entry.own)]
    return chosen[0], chosen[1]
