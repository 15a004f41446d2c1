"""`Order`: what is asked of a deployment, and by whom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deployment.rollback import Rollback
from switchyard.tabular.storable import Fact, Record

Strategy = Literal["all", "canary", "ab", "shadow"]
SHARES = {"canary": 0.1, "ab": 0.5}


class Order(Record):
    """What is asked of a deployment, and by whom."""

    strategy: Strategy = "all"
    """all: production; canary, ab: a share of the entities; shadow: a copy of the requests."""
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of the candidate, in a canary or A/B deployment."""
    version: str | None = None
    """In the registry; the challenger, else the champion, where none is named."""
    rollback: Rollback | None = None
    """Why `version` is deployed: to go back to it, or to have it keep everything while a candidate goes."""
    by: str
    why: str = ""

    def candidate_share(self) -> float:
        """The share asked for, or the strategy's usual one."""
        return self.share or SHARES[self.strategy]

    def metadata(self) -> dict[str, Fact]:
        return {"strategy": self.strategy, "rollback": self.rollback is not None, "by": self.by, "why": self.why}
