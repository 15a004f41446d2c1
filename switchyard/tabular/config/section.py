"""`Section`: a part of the config, and what several have."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0, le=10_000_000)]
"""Of rows or labels: above it a number is a slip of the finger."""
Days = Annotated[float, Field(ge=0, le=36_500)]
Hours = Annotated[float, Field(ge=0, le=876_000)]


class Section(BaseModel):
    """A part of the config: immutable, strict about its keys, and without a number that is none or has no end."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
