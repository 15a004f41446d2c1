"""The encoders of categories that a config can name. One of them is one module, named here; docs/extend.md tells how."""

from __future__ import annotations

from switchyard.parts import Parts
from switchyard.tabular.features.encoders.base import Encoder

ENCODERS = Parts(
    Encoder,
    (
        "switchyard.tabular.features.encoders.onehot",
        "switchyard.tabular.features.encoders.ordinal",
        "switchyard.tabular.features.encoders.target",
    ),
)

__all__ = ["ENCODERS", "Encoder"]
