"""`Encoder`: how categories become numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from switchyard.parts import Part

if TYPE_CHECKING:
    from switchyard.tabular.features.record import FeaturePlan


class Encoder(Part, ABC):
    """A way from the categories of some columns to numbers."""

    noun = "encoder"
    home = "switchyard.tabular.features.encoders:ENCODERS"

    quantity: ClassVar[bool] = True
    """Its numbers are of any size, which a net needs scaled; else they are 0 and 1."""

    @abstractmethod
    def steps(self, missing: str, plan: FeaturePlan, order: str) -> list[tuple[str, Any]]:
        """Unfitted transformers by name, from strings of shape (n, k) to float64, one after the other.

        Subclasses of `switchyard.tabular.features.base.Computed` (say, of `CategoryCodes`) write themselves as ONNX.

        Parameters
        ----------
        missing : {"own_category", "most_frequent"}
            What a missing value is.
        plan : FeaturePlan
            Its `task`, `n_classes` and `seed` may matter.
        order : {"frequency", "lexicographic"}
            Of codes, where they are what the model sees.
        """
