"""Refusals: what a request gets instead of an answer, as Seldon's status with the place of the fault beside it."""

from __future__ import annotations

from typing import Any

from switchyard.bundle import BadInput

MODEL_REFUSED = "MODEL_REFUSED"
"""Reason where a pool has a model that is not fit to serve."""


class Refusal(Exception):
    """A request that can't be answered, with the HTTP status and body to say so.

    Attributes
    ----------
    status : int
    reason : str
        For programs: BAD_INPUT, NOT_JSON, TOO_LARGE, LOG_UNAVAILABLE, ...
    info : str
        For people: what is wrong and what to send instead.
    column : str or None
        The column, or the part of the body, that is at fault.
    row : int or None
        Counted from 0.
    """

    def __init__(
        self, info: str, *, status: int = 400, reason: str = "BAD_INPUT", column: str | None = None, row: int | None = None
    ) -> None:
        super().__init__(info)
        self.info, self.status, self.reason, self.column, self.row = info, status, reason, column, row

    @classmethod
    def of(cls, error: BadInput) -> Refusal:
        """The refusal of a value or column that the model can't take."""
        return cls(str(error), column=error.column, row=error.row)

    def body(self) -> dict[str, Any]:
        """The body: a Seldon message whose status says FAILURE."""
        status = {"code": self.status, "info": self.info, "reason": self.reason, "status": "FAILURE"}
        return {"status": status, "error": {"column": self.column, "row": self.row, "problem": self.info}}


def bad_part(part: str, problem: str, row: int | None = None) -> Refusal:
    """The refusal of one part of the body: a column, or a key such as `data.names`."""
    return Refusal(f"{part}: {problem}" if row is None else f"{part}, row {row}: {problem}", column=part, row=row)
