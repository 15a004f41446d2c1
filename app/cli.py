"""The command line: `run.py NAME` or `run.py --pipeline NAME`; a command's module is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from app.command import Command, Result
from app.commands import NAMES
from app.options import AS_JSON, DRY_RUN, QUIET, SUMMARY

_ALIAS = "--pipeline"
Perform = Callable[[str, Command, dict[str, Any]], Result]
"""Does what a command with these values of its options asks for."""


class CommandLine(click.Group):
    """The commands of `app.commands`, each loaded when it is used.

    Parameters
    ----------
    perform : callable
        Called with a command's name, the command and the values of its options.
    """

    def __init__(self, *args: Any, perform: Perform | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._perform = perform

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names, in the order of a model's life."""
        return list(NAMES)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command with this name; None where there is none."""
        if name not in NAMES:
            return None
        found = load(name)
        if isinstance(found, click.Command):
            return found
        return _Checked(
            name,
            params=[*found.changes, *found.own, DRY_RUN, SUMMARY, QUIET, AS_JSON],
            help=found.help,
            callback=lambda **values: self._perform(name, found, values) if self._perform else Result(),
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """As click does, with `--pipeline NAME` anywhere for NAME in front."""
        return super().parse_args(context, as_command(args))

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands, then how their own options are asked for."""
        super().format_options(context, formatter)
        formatter.write_paragraph()
        formatter.write_text(f"{context.command_path} COMMAND --help shows a command's options; {_ALIAS} COMMAND is the same as COMMAND.")


class _Checked(click.Command):
    """A command that knows whose an option is that it does not take."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(context, args)
        except click.NoSuchOption as error:
            takers = takers_of(error.option_name)
            if not takers:
                raise
            raise click.UsageError(f"{error.option_name} is for {' and '.join(takers)}, not for {self.name}", context) from None


def load(name: str) -> Command | click.Command:
    """The command `name`; only now is its module imported."""
    found: Command | click.Command = import_module(f"app.commands.{name}").COMMAND
    return found


def as_command(arguments: Sequence[str]) -> list[str]:
    """The arguments with the command in front: `--pipeline NAME` may stand anywhere among them."""
    rest = list(arguments)
    for place, argument in enumerate(rest):
        if argument == _ALIAS and place + 1 < len(rest):
            return [rest[place + 1], *rest[:place], *rest[place + 2 :]]
        if argument.startswith(f"{_ALIAS}="):
            return [argument.partition("=")[2], *rest[:place], *rest[place + 1 :]]
    return rest


def takers_of(option: str) -> list[str]:
    """Names of the commands that take an option, as in `--budget`."""
    commands = {name: load(name) for name in NAMES}
    return [
        name
        for name, command in commands.items()
        if isinstance(command, Command) and any(option in one.opts for one in (*command.changes, *command.own))
    ]
