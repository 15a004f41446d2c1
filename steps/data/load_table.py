"""Step: read the table and settle what the config left open."""

import logging
from dataclasses import replace
from typing import Annotated

from zenml import step

import materializers.storable  # noqa: F401 - registers the materializer of everything that follows
from stacks.active import local_copy
from tabular.data.sources import read_source
from tabular.errors import InputError
from tabular.features.history import add_history
from tabular.inference import resolve
from tabular.problem import Problem
from tabular.table import Table

logger = logging.getLogger(__name__)


@step(enable_cache=False)
def load_table(problem: Problem, location: str) -> tuple[Annotated[Table, "table"], Annotated[Problem, "problem"]]:
    """Read the table from `location` and resolve kinds, roles, task, metric and split.

    Never cached: what lies behind a name may have changed. Its outputs carry content hashes, so that steps after it
    are cached where it has not.
    """
    with local_copy(location) as readable:
        staged = location != problem.data.source
        try:
            raw = read_source(problem.data.model_copy(update={"source": readable}))
            if staged:
                raw = replace(raw, source=problem.data.source)
            table, resolved, notes = resolve(raw, problem)
        except InputError as error:
            # The user knows the file by its own name, not by its place in the artifact store.
            raise InputError(str(error).replace(readable, problem.data.source)) from None
    for note in (*raw.notes, *notes):
        logger.warning(note)
    return add_history(table, resolved), resolved
