"""`join_labels`: what run.py does for `labels`: labels that come in bulk, into the prediction log."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import ensure_stack, terminal
from app.summary import write_summary
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError, SwitchyardError

if TYPE_CHECKING:
    from switchyard.tabular.batch.rows import Rows
    from switchyard.tabular.batch.truths import TruthColumns


def join_labels(
    problem: Problem,
    *,
    root: Path,
    data: str,
    query: str | None,
    columns: TruthColumns | None,
    within_days: float,
    summary_path: Path | None,
    started: float,
) -> int:
    """Join the labels in a table to the predictions of `problem.name`; prints and sums up what became of them.

    Parameters
    ----------
    problem : Problem
    root : Path
        Of the repository.
    data : str
        Path, URL, or a SQLAlchemy URL with `query`.
    columns : TruthColumns or None
        Those that the user named.
    within_days : float
        A label by entity and time belongs to the entity's latest prediction not older than this.

    Raises
    ------
    InputError
        The table has bad rows; nothing was written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from deployment.predictions import prediction_log
    from deployment.registration import ensure_deployer
    from registry.versions import CHAMPION, find_alias
    from stacks.secrets import with_secrets
    from switchyard.bundle import Signature
    from switchyard.predictionlog import Label, add_labels
    from switchyard.tabular.batch.truths import check_truths, read_truths, truth_columns
    from switchyard.tabular.tables.reading.credentials import first_line, without_credentials

    if within_days < 0:
        raise InputError(f"--within is {within_days:g} days; it can't be below 0")
    stack, console = ensure_stack(root), terminal()
    ensure_deployer()
    champion = find_alias(problem.name, CHAMPION)
    if champion.version is None:
        raise InputError(f"no version of {problem.name!r} is in production yet, so there is nothing to join labels to")
    signature = Signature.from_json(champion.files["signature.json"].decode())
    label = without_credentials(data)
    console.print(f"[bold]labels[/] {problem.name}: {label} on stack {stack}")
    with _rows(problem, with_secrets(data), query, label, signature.target) as rows:
        found = truth_columns(rows, problem, signature, columns)
        total = check_truths(rows, found, signature)
        by = "prediction id" if found.prediction_id else "entity and time"
        console.print(f"  {total:,} labels are good; joining by {by}", highlight=False)
        with prediction_log(problem.name) as engine:
            given = (
                Label(truth.value, truth.prediction_id, truth.entity_id, truth.event_time) for truth in read_truths(rows, found, signature)
            )
            try:
                counts = add_labels(engine, given, within=timedelta(days=within_days))
            except SQLAlchemyError as error:
                again = "what was joined stays; the same command again joins the rest"
                raise SwitchyardError(f"the prediction log failed: {first_line(getattr(error, 'orig', None) or error)} ({again})") from None
    became = asdict(counts)
    for name, meaning in _MEANINGS.items():
        console.print(f"{name:<10} {became[name]:>12,}   {meaning}", highlight=False)
    if summary_path:
        ended = {"pipeline": "labels", "status": "completed", "duration_s": round(time.monotonic() - started, 2)}
        write_summary(summary_path, json.dumps({**ended, "model": problem.name, "labels": total, "by": by, **became}, indent=1) + "\n")
    return 0


_MEANINGS = {
    "matched": "the prediction had no label before",
    "unmatched": "no such prediction yet; kept until it comes",
    "duplicate": "known already",
    "corrected": "another label than before; the new one holds",
}


@contextlib.contextmanager
def _rows(problem: Problem, data: str, query: str | None, label: str, expected: str) -> Iterator[Rows]:
    from stacks.files import local_input
    from switchyard.tabular.batch.rows import open_rows, rows_of_frame
    from switchyard.tabular.tables.reading.sources import is_in_memory, read_source

    source: Any = problem.data.model_copy(update={"source": data, "query": query})
    if is_in_memory(source):
        yield rows_of_frame(read_source(source).frame, label)
        return
    with local_input(str(Path(data).expanduser()) if "://" not in data else data) as path:
        if path.is_dir():
            raise InputError(f"{label} is a folder; name a file in it")
        yield open_rows(path, label, expected)
