"""Step: read the interactions, the items and the users, and settle what the config left open."""

import logging
from dataclasses import replace
from typing import Annotated

from zenml import step

from stacks.files import local_copy
from switchyard.tabular.config.problem import Data, Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.settling import settle
from switchyard.tabular.tables.reading.credentials import STAGED, without_credentials
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.reading.sources import read_source

logger = logging.getLogger(__name__)


@step(enable_cache=False)
def load_interactions(
    problem: Problem, location: str, items_location: str, users_location: str = ""
) -> tuple[Annotated[Interactions, "interactions"], Annotated[Problem, "problem"]]:
    """Read the tables, those of items and users where there are any; never cached, since what lies behind a name may have changed."""
    data = problem.data
    table = _read(data, location, data.source)
    items = _read(data, items_location, data.items) if data.items else None
    users = _read(data, users_location, data.users) if data.users else None
    log, settled, notes = settle(table, items, problem, users)
    for note in notes:
        logger.info(note)
    return log, settled


def _read(data: Data, location: str, name: str) -> RawTable:
    source = without_credentials(name)
    with local_copy(location) as readable:
        try:
            raw = read_source(data.model_copy(update={"source": readable}))
            # A staged table names the source beneath by itself.
            return raw if source.startswith(STAGED) else replace(raw, source=source)
        except InputError as error:
            # The user knows the file by its own name, not by its place in the artifact store.
            raise InputError(str(error).replace(readable, source)) from None
