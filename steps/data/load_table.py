"""Step: read the table and settle what the config left open."""

import logging
from dataclasses import replace
from typing import Annotated

from zenml import step

from stacks.files import local_copy
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.history import add_history
from switchyard.tabular.tables.reading.credentials import STAGED, without_credentials
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.table import Table

logger = logging.getLogger(__name__)
_MOST_NOTES, _MOST_COLUMNS = 40, 30
"""Of what is printed; the plan's report has all."""


@step(enable_cache=False)
def load_table(problem: Problem, location: str) -> tuple[Annotated[Table, "table"], Annotated[Problem, "problem"]]:
    """Read the table from `location` and resolve kinds, roles, task, metric and split.

    Never cached: what lies behind a name may have changed. Its outputs carry content hashes, so that steps after it
    are cached where it has not.
    """
    source = without_credentials(problem.data.source)
    with local_copy(location) as readable:
        try:
            raw = read_source(problem.data.model_copy(update={"source": readable}))
            # A staged table names the source beneath by itself.
            raw = raw if source.startswith(STAGED) else replace(raw, source=source)
            table, resolved, notes = resolve(raw, problem)
        except InputError as error:
            # The user knows the file by its own name, not by its place in the artifact store.
            raise InputError(str(error).replace(readable, source)) from None
    for note in notes[:_MOST_NOTES]:
        logger.info(note)
    if len(notes) > _MOST_NOTES:
        logger.info("and %d more notes of this kind; plan.html says what becomes of each column", len(notes) - _MOST_NOTES)
    logger.info(_decided(table, resolved))
    return add_history(table, resolved), resolved


def _decided(table: Table, problem: Problem) -> str:
    """What was inferred or set, in one line; the plan's report has the reasons."""
    found = [f"{column.name} {column.kind if column.role == 'feature' else column.role}" for column in table.schema.columns]
    columns = ", ".join(found[:_MOST_COLUMNS]) + (f" and {len(found) - _MOST_COLUMNS:,} more columns" if len(found) > _MOST_COLUMNS else "")
    positive = f" (positive class {problem.positive_class!r})" if problem.positive_class else ""
    return f"{len(table.frame):,} rows; task {problem.task}{positive}, metric {problem.metric}, {problem.split.kind} split; {columns}"
