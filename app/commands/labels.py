"""`labels`: labels that come in bulk, into the prediction log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.command import Command, Plan, Request, Result
from app.options import CONFIG, NAME, QUERY
from switchyard.tabular.errors import InputError, SwitchyardError

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data
    from switchyard.tabular.tables.reading.rows import Rows


def plan(request: Request, *, data: str | None, within: float, **_own: Any) -> Plan:
    """What joining would read.

    Raises
    ------
    InputError
        No table is named, or the time within which a label may come is below 0.
    """
    from switchyard.tabular.tables.reading.credentials import without_credentials

    if not data:
        raise InputError("labels needs --data TABLE")
    if within < 0:
        raise InputError(f"--within is {within:g} days; it can't be below 0")
    return Plan(f"[bold]labels[/] {request.problem.name}: {without_credentials(data)} on stack {request.stack}")


def run(request: Request, plan: Plan, *, data: str, query: str | None, sheet: str | None, within: float, **columns: Any) -> Result:
    """Join the labels in a table to the predictions of the model; prints and sums up what became of them.

    A label by entity and time belongs to the entity's latest prediction that is not older than `within` days.

    Raises
    ------
    InputError
        The table has bad rows; nothing was written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from deployment.predictions import prediction_log
    from deployment.registration import ensure_served
    from registry.versions import CHAMPION, find_alias
    from stacks.secrets import with_secrets
    from switchyard.predictionlog import Label, add_labels
    from switchyard.tabular.batch.truths import TruthColumns, check_truths, read_truths, truth_columns
    from switchyard.tabular.tables.reading.credentials import first_line, without_credentials

    problem, console = request.problem, request.console
    ensure_served(request.problem.name)
    champion = find_alias(problem.name, CHAMPION)
    if champion.version is None:
        raise InputError(f"no version of {problem.name!r} is in production yet, so there is nothing to join labels to")
    signature = champion.opened.signature
    named = TruthColumns(columns["label_column"], columns["id_column"], columns["entity_column"], columns["time_column"])
    source = problem.data.model_copy(update={"source": with_secrets(data), "query": query, "sheet": sheet})
    with _rows(source, without_credentials(data), signature.target) as rows:
        found = truth_columns(rows, problem, signature, named)
        total = check_truths(rows, found, signature)
        by = "prediction id" if found.prediction_id else "entity and time"
        console.print(f"  {total:,} labels are good; joining by {by}", highlight=False)
        truths = read_truths(rows, found, signature)
        with prediction_log(problem.name) as engine:
            given = (Label(truth.value, truth.prediction_id, truth.entity_id, truth.event_time) for truth in truths)
            try:
                counts = add_labels(engine, given, within=timedelta(days=within))
            except SQLAlchemyError as error:
                again = "what was joined stays; the same command again joins the rest"
                raise SwitchyardError(f"the prediction log failed: {first_line(getattr(error, 'orig', None) or error)} ({again})") from None
    became = asdict(counts)
    for name, meaning in _MEANINGS.items():
        console.print(f"{name:<10} {became[name]:>12,}   {meaning}", highlight=False)
    return Result({"status": "completed", "model": problem.name, "labels": total, "by": by, **became})


_MEANINGS = {
    "matched": "the prediction had no label before",
    "unmatched": "no such prediction yet; kept until it comes",
    "duplicate": "known already",
    "corrected": "another label than before; the new one holds",
}


@contextlib.contextmanager
def _rows(data: Data, label: str, expected: str) -> Iterator[Rows]:
    from stacks.files import local_input
    from switchyard.tabular.tables.reading.opening import open_rows
    from switchyard.tabular.tables.reading.rows import rows_of_frame
    from switchyard.tabular.tables.reading.sources import is_in_memory, read_source

    if is_in_memory(data):
        yield rows_of_frame(read_source(data).frame, label)
        return
    with local_input(str(Path(data.source).expanduser()) if "://" not in data.source else data.source) as path:
        yield open_rows(path, label, expected, sheet=data.sheet)


COMMAND = Command(
    "Join labels in bulk to the predictions in the log.",
    plan,
    run,
    changes=(CONFIG, NAME),
    own=(
        click.Option(
            ["--data"], help="PATH, URL, or a SQLAlchemy URL with --query: a label a row, with prediction_id, or entity and time."
        ),
        QUERY,
        click.Option(["--sheet"], help="Of a workbook; else the first that holds anything."),
        click.Option(["--label-column"], default="", help="Holds the labels; else label, or the target's name."),
        click.Option(["--id-column"], help="Holds prediction ids; else prediction_id."),
        click.Option(["--entity-column"], help="Where there are no prediction ids; else entity_id, or the config's."),
        click.Option(["--time-column"], help="Goes with the entity; else event_time, or the config's."),
        click.Option(
            ["--within"],
            type=float,
            default=1.0,
            show_default=True,
            help="Days that an entity's prediction may be older than the label's time.",
        ),
    ),
)
