"""`OnDisk`: the rows of a large table that are on disk, as fits take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model.model import encode_target
from switchyard.tabular.tables.large.rest import ALL, Rest, Share
from switchyard.tabular.tables.progress import Progress
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tables.weights import weights_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True, eq=False)
class Rows:
    """What a fit learns from.

    Attributes
    ----------
    matrix : ndarray or Blocks of shape (n, m)
    target : ndarray of shape (n,)
        Class codes, or floats for a regression.
    weights : ndarray of shape (n,), optional
        In the column's own unit.
    """

    matrix: np.ndarray | Blocks
    target: np.ndarray
    weights: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class OnDisk:
    """Rows on disk, and how they are read.

    Attributes
    ----------
    classes : tuple of str
        Labels by code; empty for a regression.
    """

    rest: Rest
    plan: FeaturePlan
    schema: Schema
    classes: tuple[str, ...]

    def targets(self, share: Share = ALL) -> tuple[np.ndarray, np.ndarray | None]:
        """Targets and weights of a share, of which no other column is read."""
        return _joined([self._target_of(part) for part in self.rest.batches(self._beside, share)], bool(self.schema.weight))

    def behind(self, first: Rows, preprocessor: Pipeline, folder: Path, share: Share = ALL, cut_by: np.ndarray | None = None) -> Rows:
        """`first`, and behind them those of a share, prepared.

        No row of these was seen when `preprocessor` was fitted, so means by category are of others' targets everywhere.

        Parameters
        ----------
        first : Rows
            Prepared, in memory.
        folder : Path
            Where the file of the prepared values is.
        cut_by : ndarray, optional
            As `Blocks` has it.
        """
        blocks, progress = Blocks(first.matrix, folder, cut_by), Progress("prepared", self.rest.rows_of(share))
        found = [(first.target, first.weights)]
        for part in self.rest.batches([*(column.name for column in self.plan.used), *self._beside], share):
            blocks.append(preprocessor.transform(model_frame(part, self.plan.used)))
            found.append(self._target_of(part))
            progress.at(blocks.others)
        return Rows(blocks, *_joined(found, bool(self.schema.weight)))

    @property
    def _beside(self) -> list[str]:
        return [column.name for column in (self.schema.target, self.schema.weight) if column is not None]

    def _target_of(self, part: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
        values = part[self.schema.target.name]
        return encode_target(values, self.classes) if self.classes else values.to_numpy("float64"), weights_of(part, self.schema)


def _joined(found: list[tuple[np.ndarray, np.ndarray | None]], weighed: bool) -> tuple[np.ndarray, np.ndarray | None]:
    targets = [target for target, _ in found]
    return np.concatenate(targets) if targets else np.zeros(0), np.concatenate([weights for _, weights in found]) if weighed else None
