"""`Terms`: which columns of a model its clients need not send, so that those of the champion go on as they are."""

from __future__ import annotations

from collections.abc import Sequence

from switchyard.bundle import Signature
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.tables.schema import Column


class Terms(Record):
    """What is agreed with the clients beside the columns themselves."""

    optional: tuple[str, ...] = ()
    """Columns of the model that requests may come without; null is taken."""

    def metadata(self) -> dict[str, Fact]:
        return {"optional": ", ".join(self.optional)}


ALL_REQUIRED = Terms()


def terms_of(used: Sequence[Column], problem: Problem, champion: Signature | None = None) -> Terms:
    """The terms of a model that uses the columns `used`.

    A column that the champion's clients need not send is one that they may leave out of requests to its successor,
    until `data.columns.NAME.required` says otherwise. The first model of a name requires all of them.
    """
    said = {name: override.required for name, override in problem.data.columns.items() if override.required is not None}
    sent = {column.name for column in (champion.columns if champion else used) if champion is None or not column.optional}
    return Terms(optional=tuple(column.name for column in used if not said.get(column.name, column.name in sent)))
