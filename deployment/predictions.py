"""Where the prediction log of a model is: one place to ask for whoever reads it or adds to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployment.registration import active_deployer
from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

SETTLE_S = 15.0


def prediction_log_url(model: str) -> str:
    """SQLAlchemy URL of the log that the services of `model` write, by the active stack's deployer. It may hold a password.

    Raises
    ------
    InputError
        The stack has no deployer of ours, or that deployer keeps no log.
    """
    deployer = active_deployer()
    url = deployer.host.log_url(model)
    if not url:
        raise InputError(f"model deployer {deployer.name!r} keeps no prediction log: set its log_url to a SQLAlchemy URL")
    return url


@contextmanager
def prediction_log(model: str, settle_s: float = SETTLE_S) -> Iterator[Engine]:
    """An engine for the log of `model`: its tables are there, and what has been answered so far is in them.

    Parameters
    ----------
    model : str
    settle_s : float
        Services write a journal first; for how long to wait until it is in the database. What is late is warned of.

    Raises
    ------
    InputError
        As `prediction_log_url`.
    SwitchyardError
        The database does not answer.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from switchyard.predictionlog import SchemaError, connect, create_tables

    engine = connect(prediction_log_url(model))
    try:
        try:
            create_tables(engine)
            waiting = active_deployer().host.settle_log(model, engine, settle_s)
        except SchemaError as error:
            raise SwitchyardError(f"the prediction log of {model!r} can't be used: {error}") from None
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise SwitchyardError(f"the prediction log of {model!r} does not answer: {first_line(cause)}") from None
        if waiting is None:
            logger.warning("%s: whether all that was answered is in the prediction log is not known after %g s", model, settle_s)
        elif waiting:
            logger.warning("%s: %d bytes of the journal are not in the prediction log after %g s", model, waiting, settle_s)
        yield engine
    finally:
        engine.dispose()
