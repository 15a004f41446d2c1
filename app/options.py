"""Options that several commands take; one that a single command takes stands with the command."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names

CONFIG = click.Option(
    ["--config"],
    type=click.Path(path_type=Path),
    help="A YAML file of configs/; without it, --data and --name: the built-in loans.",
)
NAME = click.Option(
    ["--name"],
    shell_complete=model_names,
    help="Name of the model in the registries. Alone: by configs/NAME.yaml, or as its newest version was trained.",
)
SOURCE = click.Option(["--data"], help="PATH, URL, builtin:NAME or openml:NAME instead of the config's data.source.")
TABLE = click.Option(["--data"], help="PATH, URL, builtin:NAME, openml:NAME, or a SQLAlchemy URL with --query: the table to look at.")
QUERY = click.Option(["--query"], help="SQL to run when --data is a SQLAlchemy URL.")
WHY = click.Option(["--why"], default="", help="A reason to keep with the version, or with the retraining.")

PROBLEM = (
    CONFIG,
    SOURCE,
    click.Option(["--target"], help="The column to predict."),
    click.Option(["--time-column"], help="Column that orders rows in time; @row: the file's order is time."),
    NAME,
)
"""What says which problem it is."""

SEARCH = (
    *PROBLEM,
    QUERY,
    click.Option(["--goal"], help="What the model is for, in a sentence; it goes into the documents."),
    click.Option(["--budget"], type=float, help="Wall seconds of tuning, ensembling, export and the fit on all rows together."),
    click.Option(["--trials"], type=int, help="Trials per model family instead of a budget: deterministic for a seed."),
    click.Option(["--seed"], type=int, help="Seed of everything random."),
    click.Option(
        ["--task"], help="What is learnt where the target does not tell: clustering finds groups, recommendation what users take next."
    ),
    click.Option(["--user"], help="Recommendation: the column of who took something, where its name does not tell."),
    click.Option(["--item"], help="Recommendation: the column of what was taken, where its name does not tell."),
    click.Option(["--items"], help="Recommendation: PATH or URL of a table of the items with their titles and what describes them."),
    click.Option(["--users"], help="Recommendation: PATH or URL of a table of the users with what describes them."),
    click.Option(["--weight"], help="The column that says how much each row counts; it is no feature."),
    click.Option(["--metric"], help="What the search improves and the verdict compares."),
    click.Option(["--positive"], help="The class that probabilities are of, of two."),
    click.Option(["--ignore"], multiple=True, help="A column to leave out; may be given several times."),
    click.Option(
        ["--set", "changes"], multiple=True, help="KEY=VALUE for any key of the config (--schema lists them), as in split.kind=time."
    ),
)
"""What changes how its model is searched for, too."""

DRY_RUN = click.Option(["--dry-run"], is_flag=True, help="Print the checked config, the steps and the stack; run nothing.")
SUMMARY = click.Option(["--summary"], type=click.Path(path_type=Path, dir_okay=False), help="Write the run's summary to this JSON file.")
QUIET = click.Option(["--quiet"], is_flag=True, help="Print errors only; the exit code says how it ended.")
AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print the run's summary as JSON; all else goes to standard error.")
