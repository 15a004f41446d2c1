"""The `Explanation` of the function that is served: which columns matter, how, and why single rows got their answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.explanation.importance import Importance
from switchyard.tabular.explanation.surrogate import Surrogate
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.table import read_frame, write_frame


class ChosenRow(BaseModel):
    """A row worth a picture of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: int
    """Among the explained rows."""
    why: str
    output: int
    """Which output is explained: for several classes, the predicted one."""
    truth: str
    surrogate: Surrogate | None = None


class Summary(BaseModel):
    """Everything about an explanation but its arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    explained: str
    """What the values add up to, in words."""
    outputs: tuple[str, ...]
    base: tuple[float, ...]
    """Mean output over the background rows, for each output."""
    background_rows: int
    importance: tuple[Importance, ...]
    class_importance: dict[str, dict[str, float]] = {}
    """Several classes: class -> column -> mean |SHAP|."""
    agreement: float
    confidence: float
    chosen: tuple[ChosenRow, ...]
    categorical: tuple[bool, ...]
    """Whether each column's coded values are category codes."""
    shown: tuple[tuple[str, ...], ...]
    """The explained rows as text, in the order of the columns."""


@dataclass(frozen=True)
class Explanation(Storable):
    """Shapley values of holdout rows in the raw columns the bundle takes."""

    summary: Summary
    values: np.ndarray
    """Shape (n_rows, n_columns, n_outputs); one output for two classes (the positive one) and regressions."""
    outputs: np.ndarray
    """What the bundle answers for the rows, shape (n_rows, n_outputs)."""
    coded: pd.DataFrame
    """The rows, categories as codes, shape (n_rows, n_columns)."""
    holdout_positions: np.ndarray

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.coded.columns)

    def write(self, folder: Path) -> None:
        (folder / "explanation.json").write_text(self.summary.model_dump_json(indent=1), encoding="utf-8")
        for name in ("values", "outputs", "holdout_positions"):
            np.save(folder / f"{name}.npy", getattr(self, name))
        write_frame(self.coded, folder / "coded.parquet")

    @classmethod
    def read(cls, folder: Path) -> Self:
        summary = Summary.model_validate(json.loads((folder / "explanation.json").read_text(encoding="utf-8")))
        arrays = {name: np.load(folder / f"{name}.npy") for name in ("values", "outputs", "holdout_positions")}
        return cls(summary, coded=read_frame(folder / "coded.parquet"), **arrays)

    def facts(self) -> dict[str, Fact]:
        top = ", ".join(part.column for part in self.summary.importance[:3])
        return {"rows": len(self.values), "columns": len(self.columns), "most_important": top, "agreement": self.summary.agreement}

    def html(self) -> str:
        from switchyard.tabular.explanation.report import explanation_page

        return explanation_page(self)

    def to_shap(self, output: int = 0) -> Any:
        """The values of one output as a `shap.Explanation`, for shap's own plots in a notebook."""
        import shap

        base = np.full(len(self.values), self.summary.base[output])
        return shap.Explanation(self.values[:, :, output], base_values=base, data=self.coded.to_numpy(), feature_names=list(self.columns))
