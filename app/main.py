"""`main`: the command line for a folder, the project's or one of one's own."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

# Before ZenML is imported: quiet logs of its own, plain tracebacks, and, by `switchyard`, no usage statistics unless asked for.
os.environ.setdefault("ZENML_LOGGING_VERBOSITY", "WARN")
os.environ.setdefault("ZENML_ENABLE_RICH_TRACEBACK", "false")
if not sys.stdout.isatty():
    os.environ.setdefault("ZENML_LOGGING_COLORS_DISABLED", "true")

# On a new machine ZenML warns that it takes its default stack; the first command chooses ours.
logging.getLogger("zenml.zen_stores.base_zen_store").addFilter(lambda record: not str(record.msg).startswith("Setting the"))
# The cluster's stack has a kube context of its own, whichever is current.
logging.getLogger("zenml.integrations.kubernetes.orchestrators.kubernetes_orchestrator").addFilter(
    lambda record: "is not the same as the active context" not in str(record.msg)
)

STARTED = time.monotonic()

from switchyard import __version__  # noqa: E402, I001

import click  # noqa: E402

from app import collecting  # noqa: E402
from app.cli import CommandLine  # noqa: E402
from app.command import Command, Result  # noqa: E402
from app.perform import perform  # noqa: E402
from app.repository import close_workspace  # noqa: E402
from switchyard.permissions import keep_private  # noqa: E402
from switchyard.project import CODE, work_in  # noqa: E402
from switchyard.tabular.errors import SwitchyardError  # noqa: E402


def _perform(name: str, command: Command, values: dict[str, Any]) -> Result:
    return perform(click.get_current_context().find_root().obj, STARTED, name, command, values)


@click.group(
    cls=CommandLine,
    perform=_perform,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "obj": CODE},
)
@click.version_option(__version__, prog_name="switchyard")
@click.option(
    "--schema",
    type=click.Choice(["keys", "json", "markdown"]),
    is_flag=False,
    flag_value="keys",
    help="Print the keys of a config with defaults and limits; json: its JSON schema.",
)
@click.pass_context
def cli(context: click.Context, schema: str | None) -> None:
    """From a table to a model in production: python run.py --pipeline training --data FILE --target COLUMN."""
    if context.invoked_subcommand:
        return
    if schema:
        from switchyard.tabular.config.reference import FORMS

        click.echo(FORMS[schema](), nl=False)
        return
    click.echo(context.get_help())
    raise SystemExit(2)


def main(root: Path = CODE) -> None:
    """Run the command line in the folder `root`; a user's mistake ends in one line and its exit code, never in a traceback."""
    collecting.while_loading()
    keep_private()
    work_in(root)
    try:
        close_workspace()
        result = cli(standalone_mode=False, obj=root.resolve())
    except SwitchyardError as error:
        _tell(f"error: {error}", "red")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _tell("stopped; the same command continues where this one was", "yellow")
        sys.exit(1)
    sys.exit(result.exit_code if isinstance(result, Result) else 0)


def _tell(line: str, colour: str) -> None:
    """Print how it ended to standard error, in a colour where somebody sees it and NO_COLOR does not forbid it."""
    click.secho(line, fg=colour, err=True, color=False if os.environ.get("NO_COLOR") else None)
