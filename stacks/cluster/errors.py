"""What goes wrong with a cluster, as every room that speaks to one sees it."""

from __future__ import annotations

from switchyard.tabular.errors import SwitchyardError


class ClusterError(SwitchyardError):
    """The cluster does not answer, refuses, or can't do what is asked; the message says which."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The answer's HTTP status; 0 where the cluster gave none, None where the error is not about an answer."""

    @property
    def is_passing(self) -> bool:
        """Whether it may be otherwise when asked again: no answer, too many questions, an object that comes, goes or changes."""
        return self.status is not None and (self.status in (0, 404, 409, 429) or self.status >= 500)


class Refused(ClusterError):
    """The cluster said no."""


class Forbidden(Refused):
    """Who asks may not."""


class Conflict(Refused):
    """Somebody else has changed the object since it was read."""
