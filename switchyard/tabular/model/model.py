"""The `Model`: from a frame in canonical types to the served answer, everything learnt inside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from switchyard.bundle import Quantiles, Sets
from switchyard.bundle.unlike import Unlike
from switchyard.plugins import load_plugin, modules_of_plugins, plugins_of
from switchyard.tabular.errors import InputError
from switchyard.tabular.families import FAMILIES, Estimator
from switchyard.tabular.families.base import Params
from switchyard.tabular.model.calibration import Calibrator, fit_calibrator
from switchyard.tabular.model.combiner import Combiner, stack_features
from switchyard.tabular.model.decision import cheapest_answers, choose_threshold, conformal_half_width
from switchyard.tabular.model.open_format import dump, load, types_in
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.table import model_frame

__all__ = [
    "Calibrator", "Combiner", "Member", "Model",
    "choose_threshold", "conformal_half_width", "encode_target", "fit_calibrator", "stack_features",
]  # fmt: skip


def encode_target(values: pd.Series | Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Codes (int64 of shape (n,)) of class labels: their places in `classes`.

    Raises
    ------
    InputError
        Names the first row whose label is missing or none of `classes`.
    """
    codes = pd.Index(classes).get_indexer(pd.Index(values, dtype=object))
    if (codes < 0).any():
        row = int((codes < 0).argmax())
        raise InputError(f"the target's value {list(values)[row]!r} in row {row} is none of the classes {', '.join(map(repr, classes))}")
    return codes.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Member:
    """One fitted model with the preprocessing fitted for it."""

    family: str
    params: Params
    preprocessor: Any
    """A scikit-learn `Pipeline`. ZenML resolves the annotations of what steps take, and drawing up a run should load no scikit-learn."""
    estimator: Estimator

    @cached_property
    def preprocessor_file(self) -> bytes:
        """The preprocessor as it is kept; equal bytes mean equal preprocessing."""
        return dump(self.preprocessor)

    def kept_as(self, content: bytes) -> Self:
        """This member, whose preprocessor was read from `content` and need not be written anew to know it."""
        vars(self)["preprocessor_file"] = content
        return self


@dataclass(frozen=True, eq=False)
class Model(Storable):
    """One or several members and the decisions made on their out-of-fold predictions.

    Attributes
    ----------
    task : {"binary", "multiclass", "regression"}
    target : str
        Name of the predicted column.
    columns : tuple of Column
        The columns it reads, as in the schema.
    members : tuple of Member
    combiner : Combiner
    classes : tuple of str
        Labels by code; `classes[1]` is the positive class of a binary task. Empty for a regression.
    calibrator : Calibrator
    threshold : float
        Binary: the positive class is answered from this probability on.
    costs : ndarray of shape (n_classes, n_classes) or None
        More classes: what each answer (column) costs by true class (row), where the config says it; the cheapest is answered.
    half_width : float or None
        Regression: the conformal interval is the prediction plus and minus this, in units of the target.
    coverage : float or None
        What share of true values that interval is made to hold.
    floor : float or None
        Regression: no end of an interval is below this; 0 of counts.
    sets : Sets or None
        Classification: which classes the set of an answer holds, where the config asked for sets.
    quantiles : Quantiles or None
        Regression: how far the asked quantiles lie from the prediction, where the config asked for them.
    unlike : Unlike or None
        Clustering: from which distance on a row is like none of the groups.
    """

    task: str
    target: str
    columns: tuple[Column, ...]
    members: tuple[Member, ...]
    combiner: Combiner = field(default_factory=lambda: Combiner.average([1.0]))
    classes: tuple[str, ...] = ()
    calibrator: Calibrator = field(default_factory=Calibrator)
    threshold: float = 0.5
    costs: np.ndarray | None = None
    half_width: float | None = None
    coverage: float | None = None
    sets: Sets | None = None
    unlike: Unlike | None = None
    floor: float | None = None
    quantiles: Quantiles | None = None

    @property
    def family(self) -> str:
        """The family of a single model, fitted once or with several seeds, else "ensemble"."""
        first = self.members[0]
        alike = (member.preprocessor is first.preprocessor and member.params == first.params for member in self.members)
        return first.family if all(alike) and len({member.family for member in self.members}) == 1 else "ensemble"

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities, float64 of shape (n, n_classes), for a frame in canonical types."""
        self._for_classes(True)
        return self.calibrator.apply(self.combiner.combine(self.member_outputs(frame)))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels (object of str), or predictions (float64, in units of the target), of shape (n,)."""
        if not self.classes:
            return self.combiner.combine(self.member_outputs(frame))
        return np.array(self.classes, dtype=object)[self.decide(self.predict_proba(frame))]

    def decide(self, proba: np.ndarray) -> np.ndarray:
        """Codes (int64 of shape (n,)) for calibrated probabilities: by threshold, by what errors cost, or the most probable."""
        if self.task == "binary":
            return (proba[:, 1] >= self.threshold).astype(np.int64)
        if self.costs is not None:
            return cheapest_answers(proba, self.costs)
        return proba.argmax(axis=1)

    def interval(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends of the conformal interval, each float64 of shape (n,)."""
        self._for_classes(False)
        if self.half_width is None:
            raise ValueError("this model has no conformal interval")
        middle = self.predict(frame)
        return np.maximum(middle - self.half_width, -np.inf if self.floor is None else self.floor), middle + self.half_width

    def predict_sets(self, frame: pd.DataFrame) -> np.ndarray:
        """Which classes are in the conformal set of each row: bool of shape (n, n_classes)."""
        if self.sets is None:
            raise ValueError("this model has no conformal sets; decision.sets asks for them")
        return self.sets.members(self.predict_proba(frame))

    def distances(self, frame: pd.DataFrame) -> np.ndarray | None:
        """Distance of each row to the centre of its group, float64 of shape (n,); None where classes have no centres."""
        member = self.members[0]
        if not member.estimator.has_distances:
            return None
        features = np.asarray(member.preprocessor.transform(model_frame(frame, self.columns))).astype(np.float32)
        found = member.estimator.distances(features)
        return found[np.arange(len(found)), self.decide(self.predict_proba(frame))]

    def member_outputs(self, frame: pd.DataFrame) -> list[np.ndarray]:
        """Each member's probabilities of shape (n, n_classes), or predictions of shape (n,)."""
        seen = model_frame(frame, self.columns)
        blocks: dict[bytes, np.ndarray] = {}
        outputs = []
        for member in self.members:
            # One fit serves several members; a single one needs no comparing.
            key = member.preprocessor_file if len(self.members) > 1 else b""
            if key not in blocks:
                blocks[key] = np.asarray(member.preprocessor.transform(seen)).astype(np.float32)
            estimator = member.estimator
            outputs.append(estimator.predict_proba(blocks[key]) if self.classes else estimator.predict(blocks[key]))
        return outputs

    def _for_classes(self, wanted: bool) -> None:
        if bool(self.classes) != wanted:
            raise ValueError(f"a {self.task} model has no {'probabilities' if wanted else 'intervals'}")

    def write(self, folder: Path) -> None:
        files: list[bytes] = []
        places = []
        for number, member in enumerate(self.members):
            if member.preprocessor_file not in files:
                files.append(member.preprocessor_file)
            places.append({"family": member.family, "params": member.params, "preprocessor": files.index(member.preprocessor_file)})
            (folder / f"member_{number}").mkdir()
            member.estimator.write(folder / f"member_{number}")
        for number, content in enumerate(files):
            (folder / f"preprocessor_{number}.skops").write_bytes(content)
        combiner = self.combiner
        head = {
            "task": self.task, "target": self.target, "classes": self.classes, "threshold": self.threshold,
            "half_width": self.half_width, "coverage": self.coverage, "calibrator": asdict(self.calibrator), "members": places,
            "columns": [column.model_dump() for column in self.columns],
            "combiner": {"kind": combiner.kind, "weights": combiner.weights.tolist(), "intercept": combiner.intercept.tolist()},
            **({"sets": asdict(self.sets)} if self.sets else {}),
            **({"unlike": asdict(self.unlike)} if self.unlike else {}),
            **({"quantiles": asdict(self.quantiles)} if self.quantiles else {}),
            **({} if self.floor is None else {"floor": self.floor}),
            **({} if self.costs is None else {"costs": self.costs.tolist()}),
            # Whoever reads it needs them first, and may have no config then.
            **({"plugins": plugins} if (plugins := self._plugins(files)) else {}),
        }  # fmt: skip
        (folder / "model.json").write_text(json.dumps(head, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def _plugins(self, preprocessors: list[bytes]) -> list[str]:
        if not modules_of_plugins():
            return []
        estimators = {f"{type(member.estimator).__module__}.{type(member.estimator).__qualname__}" for member in self.members}
        return plugins_of(estimators.union(*map(types_in, preprocessors)))

    @classmethod
    def read(cls, folder: Path) -> Self:
        head = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        for source in head.get("plugins", ()):
            load_plugin(source)
        count = max((place["preprocessor"] for place in head["members"]), default=-1) + 1
        files = [(folder / f"preprocessor_{number}.skops").read_bytes() for number in range(count)]
        preprocessors = [load(content) for content in files]
        estimators = [FAMILIES[place["family"]].read(folder / f"member_{number}") for number, place in enumerate(head["members"])]
        members = tuple(
            Member(place["family"], place["params"], preprocessors[place["preprocessor"]], estimator).kept_as(files[place["preprocessor"]])
            for place, estimator in zip(head["members"], estimators)
        )
        kept = head["combiner"]
        return cls(
            task=head["task"],
            target=head["target"],
            columns=tuple(Column.model_validate(column) for column in head["columns"]),
            members=members,
            combiner=Combiner(kept["kind"], np.array(kept["weights"], dtype=np.float64), np.array(kept["intercept"], dtype=np.float64)),
            classes=tuple(head["classes"]),
            calibrator=Calibrator.of(head["calibrator"]),
            threshold=head["threshold"],
            costs=None if "costs" not in head else np.array(head["costs"], dtype=np.float64),
            half_width=head["half_width"],
            coverage=head["coverage"],
            sets=Sets.of(head.get("sets")),
            unlike=Unlike.of(head.get("unlike")),
            quantiles=Quantiles.of(head.get("quantiles")),
            floor=head.get("floor"),
        )

    def metadata(self) -> dict[str, Fact]:
        return {"family": self.family, "members": len(self.members), "columns": len(self.columns), "calibration": self.calibrator.kind}

    def report(self) -> Report:
        weights = self.combiner.weights if self.combiner.kind == "average" else [None] * len(self.members)
        members = [
            (
                Name(member.family),
                "stacked" if weight is None else float(weight),
                member.estimator.best_iteration_,
                json.dumps(member.params),
            )
            for member, weight in zip(self.members, weights)
        ]
        decisions: list[tuple[Cell, ...]] = [("calibration", self.calibrator.kind)]
        if self.task == "binary":
            decisions.append(("threshold", f"{self.classes[1]} from a probability of {self.threshold:.4g}"))
        if self.costs is not None:
            decisions.append(("label", "the answer whose cost is expected to be the least"))
        if self.sets is not None:
            decisions.append(("sets", self.sets.words))
        if self.half_width is not None:
            decisions.append(("interval", f"prediction ± {self.half_width:.4g}, coverage {self.coverage:.0%}"))
        if self.quantiles is not None:
            decisions.append(("quantiles", self.quantiles.words))
        columns = [(Name(column.name), column.kind, column.reason) for column in self.columns]
        return Report(
            f"Model of {self.target}",
            f"{self.task}, {self.family}",
            [
                Section("Members", Table(("family", "weight", "iterations", "parameters"), members)),
                Section("Decisions", Table(("what", "value"), decisions)),
                Section("Columns", Table(("column", "kind", "why"), columns)),
            ],
        )
