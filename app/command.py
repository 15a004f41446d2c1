"""`Command`: one thing that a person can ask run.py for, what it is given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click
    from rich.console import Console

    from switchyard.tabular.config.problem import Problem


@dataclass(frozen=True)
class Request:
    """What every command is given.

    Parameters
    ----------
    problem : Problem
        The checked config, the command line's changes in it.
    where : str
        What to call the config's origin.
    root : Path
        Folder of configs and results: the project's, or one of one's own.
    stack : str
        Name of the active stack.
    console : Console
        Where what a person reads is printed.
    """

    problem: Problem
    where: str
    root: Path
    stack: str
    console: Console


@dataclass(frozen=True)
class Plan:
    """What a command would run.

    Parameters
    ----------
    title : str
        One line that says what begins, in rich's markup.
    pipeline : Pipeline or None
        A function decorated with ZenML's `@pipeline`; None for a command without one.
    arguments : mapping
        Arguments of the pipeline. Making them has no effects: tables are staged by the run.
    check : callable, optional
        What a dry run looks at besides, since the run's first steps would; raises what they would, and gives the lines that are
        printed of it.
    """

    title: str
    pipeline: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[], Sequence[str] | None] | None = None


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Parameters
    ----------
    summary : mapping
        What `--summary` writes; empty where nothing ran, as by a dry run or a schedule.
    exit_code : int
        0 well, 3 stopped by a gate. Errors are raised, not returned.
    """

    summary: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(frozen=True)
class Command:
    """One command of run.py.

    Parameters
    ----------
    help : str
        One line.
    plan : callable
        `(request, **own) -> Plan`: checks what was asked for and says what would run.
    run : callable
        `(request, plan, **own) -> Result`.
    changes : tuple of Option
        Options that choose the problem or change its config.
    own : tuple of Option
        Options that `plan` and `run` are called with.
    """

    help: str
    plan: Callable[..., Plan]
    run: Callable[..., Result]
    changes: tuple[click.Option, ...] = ()
    own: tuple[click.Option, ...] = ()

    def __call__(self, request: Request, **own: Any) -> Result:
        """Say what begins, and do it; options that are not given have their defaults."""
        values = {**self.defaults(), **own}
        plan = self.plan(request, **values)
        request.console.print(plan.title, highlight=False)
        return self.run(request, plan, **values)

    def defaults(self) -> dict[str, Any]:
        """What each of the command's own options is where nobody gives it."""
        import click

        return dict(click.Command("defaults", params=list(self.own)).make_context("defaults", []).params)
