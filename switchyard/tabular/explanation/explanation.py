"""The `Explanation` of the function that is served: which columns matter, how, and why single rows got their answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.bundle.shapley import MOST_PLAYERS
from switchyard.tabular.evaluation.names import name_of
from switchyard.tabular.explanation.importance import Importance
from switchyard.tabular.explanation.shifting import Dependence, Permuted
from switchyard.tabular.explanation.surrogate import Surrogate
from switchyard.tabular.report.report import Beside, Chart, Name, Report, Section, Table, Text
from switchyard.tabular.report.words import shown
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.table import read_frame, write_frame

_MOST_COLUMNS, _MOST_CLASSES, _MOST_CLASS_COLUMNS, _MOST_EFFECTS = 15, 3, 8, 4
"""As far as a page is wide, and an eye patient."""
_DEPENDENCE = (
    "The answer when rows of the holdout are all given the same value of a column: blue the mean, grey single rows. Lines that cross say "
    "that the column's effect goes by other columns. Where columns go together, some of these rows cannot exist."
)
_PERMUTATION = (
    "What the score loses when rows of the holdout exchange their values of a column, so that it says nothing any more; of the columns "
    "that matter most by SHAP. Of columns that carry the same information none may be missed; below zero is chance."
)


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
    metric: str = ""
    permuted: tuple[Permuted, ...] = ()
    dependence: tuple[Dependence, ...] = ()
    dependence_outputs: tuple[int, ...] = ()
    """Which outputs the curves in `dependence` are of."""
    agreement: float
    confidence: float
    chosen: tuple[ChosenRow, ...]
    categorical: tuple[bool, ...]
    """Whether each column's coded values are category codes."""
    shown: tuple[tuple[str, ...], ...]
    """The explained rows as text, in the order of the columns."""
    of_rows: int | None = None
    """Rows of the table that holdout and training rows are a sample of; None where they are all."""


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

    def metadata(self) -> dict[str, Fact]:
        top = ", ".join(part.column for part in self.summary.importance[:3])
        return {"rows": len(self.values), "columns": len(self.columns), "most_important": top, "agreement": self.summary.agreement}

    def report(self) -> Report:
        summary = self.summary
        lead = (
            f"SHAP values of {len(self.values)} holdout rows against {summary.background_rows} training rows, in the columns the bundle "
            f"takes; they add up to {summary.explained} less its mean. Importances from two halves of the background agree with a rank "
            f"correlation of {summary.agreement:.3f}. Columns that carry the same information share their weight."
        )
        if summary.of_rows is not None:
            lead += f" Training and holdout rows together are a uniform sample of a table of {summary.of_rows:,} rows."
        if len(self.columns) > MOST_PLAYERS:
            together = len(self.columns) - MOST_PLAYERS + 1
            lead += f" The {together:,} columns that move the answer least were switched together and share what they do equally."
        sections = [Section("Importance", self.importance_table())]
        if summary.class_importance:
            sections.append(Section("Importance by class", self._class_table()))
        sections.append(Section("SHAP summary", Beside.of(self._beeswarm(output) for output in self._frequent(_MOST_CLASSES))))
        sections.append(Section("Value and effect", Beside.of(self._effects())))
        if summary.dependence:
            sections.append(Section("Partial dependence", _DEPENDENCE, Beside.of(self._dependences())))
        if summary.permuted:
            sections.append(Section("Permutation importance", _PERMUTATION, self.permutation_table()))
        sections += [
            Section(f"Row {self.holdout_positions[row.position]} of the holdout: {row.why}", *self._explain(row)) for row in summary.chosen
        ]
        return Report("Explanation", lead, sections)

    def importance_table(self) -> Table:
        """Every column, what matters most first."""
        rows = [
            (
                part.rank,
                Name(part.column),
                part.mean_abs,
                f"{shown(part.low)} to {shown(part.high)}",
                f"{part.rank_low} to {part.rank_high}",
                part.direction,
            )
            for part in self.summary.importance
        ]
        interval = f"{self.summary.confidence:.0%} interval"
        return Table(("rank", "column", "mean |SHAP|", interval, "rank in that interval", "the answer"), rows)

    def permutation_table(self) -> Table:
        """What the score loses without each column, the largest loss first."""
        loss, spread = f"loss of {name_of(self.summary.metric)}", "of the repetitions"
        ranks = {part.column: part.rank for part in self.summary.importance}
        rows = [
            (Name(part.column), part.loss, f"{shown(min(part.losses))} to {shown(max(part.losses))}", ranks[part.column])
            for part in self.summary.permuted
        ]
        return Table(("column", loss, spread, "rank by SHAP"), rows)

    def _dependences(self) -> list[Chart]:
        from switchyard.tabular.explanation import charts

        names = tuple(self.summary.outputs[output] for output in self.summary.dependence_outputs)
        answer = "prediction of" if self.summary.task == "regression" else "probability of"
        return [charts.dependence(part, names, answer) for part in self.summary.dependence]

    def _frequent(self, most: int) -> tuple[int, ...]:
        return leading_outputs(self.outputs, most)

    def _class_table(self) -> Table:
        labels = [self.summary.outputs[output] for output in self._frequent(_MOST_CLASS_COLUMNS)]
        weights = self.summary.class_importance
        rows = [(Name(part.column), *(weights[label][part.column] for label in labels)) for part in self.summary.importance[:_MOST_COLUMNS]]
        return Table(("column", *map(Name, labels)), rows)

    def _coded(self, column: int) -> np.ndarray | None:
        """A column's values; None for categories, whose codes have no order."""
        return None if self.summary.categorical[column] else self.coded.iloc[:, column].to_numpy()

    def _beeswarm(self, output: int) -> Chart:
        # matplotlib takes a while to load, and only a report needs it.
        from switchyard.tabular.explanation import charts

        names = [part.column for part in self.summary.importance[:_MOST_COLUMNS]]
        places = [self.columns.index(name) for name in names]
        clouds = [(name, self.values[:, place, output], self._coded(place)) for name, place in zip(names, places)]
        return charts.beeswarm(clouds, self.summary.outputs[output])

    def _effects(self) -> list[Chart]:
        from switchyard.tabular.explanation import charts

        if len(self.summary.outputs) > 1:
            return []
        drawn = []
        for part in self.summary.importance[:_MOST_EFFECTS]:
            place = self.columns.index(part.column)
            values, coded = self.values[:, place, 0], self._coded(place)
            if coded is None:
                texts = np.array([row[place] for row in self.summary.shown], dtype=object)
                drawn.append(charts.effect_of_categories(part.column, values, texts))
            else:
                drawn.append(charts.effect(part.column, values, coded))
        return drawn

    def _explain(self, row: ChosenRow) -> tuple[Text, Beside]:
        from switchyard.tabular.explanation import charts

        values, base = self.values[row.position, :, row.output], self.summary.base[row.output]
        drawn = [charts.waterfall(self.columns, self.summary.shown[row.position], values, base)]
        if row.surrogate is not None:
            drawn.append(charts.weights(row.surrogate))
        answer = shown(float(self.outputs[row.position, row.output]))
        said = Text(Name(self.summary.outputs[row.output]), f": answered {answer}; true: ", Name(row.truth), ".")
        return said, Beside.of(drawn)

    def to_shap(self, output: int = 0) -> Any:
        """The values of one output as a `shap.Explanation`, for shap's own plots in a notebook."""
        import shap

        base = np.full(len(self.values), self.summary.base[output])
        return shap.Explanation(self.values[:, :, output], base_values=base, data=self.coded.to_numpy(), feature_names=list(self.columns))


def leading_outputs(outputs: np.ndarray, most: int = _MOST_CLASSES) -> tuple[int, ...]:
    """Places of the outputs with the largest mean answer, the largest first."""
    return tuple(int(output) for output in np.argsort(-outputs.mean(axis=0), kind="stable")[:most])
