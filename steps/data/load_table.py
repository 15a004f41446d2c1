"""Step: read the table and settle what the config left open."""

import logging
from typing import Annotated

from zenml import step

from stacks.files import local_copy
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.large.load import load
from switchyard.tabular.tables.large.rest import Rest
from switchyard.tabular.tables.reading.credentials import without_credentials
from switchyard.tabular.tables.table import Table

logger = logging.getLogger(__name__)
_MOST_NOTES, _MOST_COLUMNS = 40, 30
"""Of what is printed; the plan's report has all."""


@step(enable_cache=False)
def load_table(problem: Problem, location: str) -> tuple[Annotated[Table, "table"], Annotated[Problem, "problem"], Annotated[Rest, "rest"]]:
    """Read the table from `location` and resolve kinds, roles, task, metric and split; of one larger than memory a sample, and the rest.

    Never cached: what lies behind a name may have changed. Its outputs carry content hashes, so that steps after it
    are cached where it has not.
    """
    with local_copy(location) as readable:
        table, resolved, rest, notes = load(problem, readable, without_credentials(problem.data.source))
    for note in notes[:_MOST_NOTES]:
        logger.info(note)
    if len(notes) > _MOST_NOTES:
        logger.info("and %d more notes of this kind; plan.html says what becomes of each column", len(notes) - _MOST_NOTES)
    logger.info(_decided(table, resolved))
    return table, resolved, rest


def _decided(table: Table, problem: Problem) -> str:
    """What was inferred or set, in one line; the plan's report has the reasons."""
    found = [f"{column.name} {column.kind if column.role == 'feature' else column.role}" for column in table.schema.columns]
    columns = ", ".join(found[:_MOST_COLUMNS]) + (f" and {len(found) - _MOST_COLUMNS:,} more columns" if len(found) > _MOST_COLUMNS else "")
    positive = f" (positive class {problem.positive_class!r})" if problem.positive_class else ""
    of = f" of {table.schema.of:,}" if table.schema.of else ""
    return f"{len(table.frame):,}{of} rows; task {problem.task}{positive}, metric {problem.metric}, {problem.split.kind} split; {columns}"
