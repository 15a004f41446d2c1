"""`export_bundle` makes what serving gets; `check_parity` and `measure_latency` say whether it is good enough."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from switchyard.bundle import Bundle, Interval, Other, Scorer, Signature
from switchyard.bundle import Column as InputColumn
from switchyard.bundle.digest import FILES
from switchyard.bundle.examples import UNSEEN, make_examples
from switchyard.bundle.seen import hash_categories
from switchyard.bundle.signature import FORMAT, FORMAT_OF_TEXTS, NAMED_CATEGORIES
from switchyard.bundle.texts import MOST_CHARACTERS
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.export.terms import ALL_REQUIRED, Terms, terms_of
from switchyard.tabular.model.model import Model
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table
from switchyard.tabular.report.words import clipped
from switchyard.tabular.storable import Fact, Record, Storable
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split

PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of a probability; of a regression, in standard deviations of the target."""
_EXAMPLES = 16


class ParityError(SwitchyardError):
    """The exported graph answers otherwise than the model it was made from."""


@dataclass(frozen=True)
class ExportedBundle(Bundle, Storable):
    """The bundle as an artifact of training."""

    def metadata(self) -> dict[str, Fact]:
        return {"digest": self.digest, "megabytes": round(self.megabytes, 3), "inputs": len(self.signature.columns)}

    def report(self) -> Report:
        """Size, inputs and examples."""
        signature = self.signature
        rows = [
            (
                Name(column.name),
                column.kind,
                "may be absent" if column.optional else "must come",
                f"{column.input}[{column.position}]",
                _values_of(column),
                column.missing,
            )
            for column in signature.columns
        ]
        answer: list[tuple[Cell, ...]] = [("task", signature.task), ("target", Name(signature.target))]
        if signature.classes:
            answer.append(("classes", ", ".join(signature.classes)))
        if signature.threshold is not None:
            answer.append(("threshold", f"{signature.classes[1]} from a probability of {signature.threshold:.4g}"))
        if signature.sets is not None:
            answer.append(("sets", signature.sets.words))
        if signature.unlike is not None:
            answer.append(("unlike all groups", signature.unlike.words))
        if signature.interval is not None:
            answer.append(("interval", f"prediction ± {signature.interval.half_width:.4g}, coverage {signature.interval.coverage:.0%}"))
        if signature.quantiles is not None:
            answer.append(("quantiles", signature.quantiles.words))
        return Report(
            f"Bundle {signature.name}",
            f"{self.digest}, {self.megabytes:.2f} MB",
            [
                Section("Files", Table(("file", "bytes"), [(Name(name), len(self.files[name])) for name in FILES])),
                Section("Answer", Table(("what", "value"), answer)),
                Section(
                    "Inputs", Table(("column", "kind", "in requests", "input", "values in training", "missing"), rows, {"missing": ".1%"})
                ),
                Section("Examples", _examples_table(self)),
            ],
        )


def _values_of(column: InputColumn) -> str:
    if column.categories:
        return column.shown_categories
    return "" if column.minimum is None else f"{column.minimum:.6g} to {column.maximum:.6g}"


def _examples_table(bundle: Bundle) -> Table:
    kept = bundle.examples["examples"]
    rows = [
        (", ".join(f"{name}={clipped(str(value))}" for name, value in example["row"].items()), str(example["answer"])) for example in kept
    ]
    return Table(("row", "answer"), rows)


def signature_of(
    model: Model, schema: Schema, name: str, metric: str | None = None, trained_until: str | None = None, terms: Terms = ALL_REQUIRED
) -> Signature:
    """What the bundle of `model` takes and gives; `schema` has all columns of the table it was trained on."""
    places = _places(model.columns)
    return Signature(
        name=name,
        task=model.task,
        target=model.target,
        columns=input_columns(model.columns, terms.optional),
        classes=tuple(model.classes),
        positive_class=model.classes[1] if model.task == "binary" else None,
        threshold=model.threshold if model.task == "binary" else None,
        sets=model.sets,
        unlike=model.unlike,
        quantiles=model.quantiles,
        interval=None if model.half_width is None else Interval(float(model.coverage or 0.0), model.half_width),
        metric=metric,
        trained_until=trained_until,
        format=FORMAT_OF_TEXTS if any(column.kind == "text" for column in model.columns) else FORMAT,
        others=tuple(_other(column) for column in schema.columns if column.name not in places),
        **({"label": schema.target.reading} if schema.with_role("target") and schema.target.reading else {}),
    )


def _places(columns: Sequence[Column]) -> dict[str, tuple[str, int]]:
    """Input of the graph, and place in it, of each column."""
    # ONNX and what it writes of scikit-learn's are the fitted's: who reads an exported bundle, or draws up a run, loads neither.
    from switchyard.tabular.export.features import Inputs
    from switchyard.tabular.export.graph import Graph

    return Inputs(Graph(), columns).places


def _other(column: Column) -> Other:
    role = "dropped" if column.role == "feature" else column.role
    return Other(column.name, role, column.kind, column.reading if role == "time" else None)


def input_columns(columns: Sequence[Column], optional: Collection[str] = ()) -> tuple[InputColumn, ...]:
    """`columns` of a schema as those of a signature, in places of the graph's two inputs; `optional` ones may be absent."""
    places = _places(columns)
    return tuple(_input_column(column, *places[column.name], column.name in optional) for column in columns)


def _input_column(column: Column, block: str, position: int, optional: bool = False) -> InputColumn:
    return InputColumn(
        name=column.name,
        kind=column.kind,
        input=block,
        position=position,
        integer=column.integer,
        minimum=column.minimum,
        maximum=column.maximum,
        categories=tuple(column.categories[:NAMED_CATEGORIES]),
        missing=column.missing,
        optional=optional,
        hashes=column.hashes or (hash_categories(column.categories) if len(column.categories) >= NAMED_CATEGORIES else ""),
        **({} if column.reading is None else {"reading": column.reading}),
    )


def write_bundle(
    model: Model, split: Split, folder: Path, name: str, metric: str | None = None, terms: Terms = ALL_REQUIRED
) -> ExportedBundle:
    """Export `model`, write its bundle into `folder` and return it.

    Parameters
    ----------
    model : Model
    split : Split
        Examples are rows of its holdout.
    folder : Path
        Made where it is not there.
    name : str
        What the model is called, as in `problem.name`.
    metric : str, optional
        By which it was chosen.
    terms : Terms, optional
        Which columns may be absent; none by default.
    """
    from switchyard.tabular.export.model import model_to_onnx

    graph = model_to_onnx(model).SerializeToString(deterministic=True)
    signature = signature_of(model, split.schema, name, metric, split.boundary if split.kind == "time" else None, terms)
    rows = _example_rows(split.holdout, model.columns)
    examples = make_examples(Scorer.of(graph, signature), rows)
    made = ExportedBundle({"model.onnx": graph, "signature.json": signature.to_json().encode(), "examples.json": examples.encode()})
    folder.mkdir(parents=True, exist_ok=True)
    made.write(folder)
    return made


def _example_rows(holdout: pd.DataFrame, columns: Sequence[Column | InputColumn]) -> list[dict[str, Any]]:
    # Rows spread over the holdout, and two that no table holds: nothing known, and nothing seen before.
    picked = holdout.iloc[np.unique(np.linspace(0, len(holdout) - 1, min(_EXAMPLES, len(holdout))).astype(int))]
    rows = [{column.name: _plain(row[column.name], column) for column in columns} for _, row in picked.iterrows()]
    rows.append({column.name: None for column in columns})
    rows.append({**rows[0], **{column.name: UNSEEN for column in columns if column.kind in ("categorical", "text")}})
    return rows


def _plain(value: Any, column: Column | InputColumn) -> Any:
    if pd.isna(value):
        return None
    if column.kind == "datetime":
        return pd.Timestamp(value).isoformat()
    if column.kind == "boolean":
        return bool(value)
    if column.kind == "numeric":
        return int(value) if column.integer and float(value).is_integer() else float(value)
    return str(value)[:MOST_CHARACTERS] if column.kind == "text" else str(value)


class Parity(Record):
    """How the graph's answers compare with the native model's."""

    rows: int
    largest_difference: float
    """Of a probability; of a regression, in standard deviations of the target."""
    tolerance: float
    differing_rows: tuple[int, ...] = ()
    """Row numbers, from 0, where a label differs or the difference is above the tolerance."""


def compare_answers(model: Model, bundle: Bundle, frame: pd.DataFrame) -> Parity:
    """Score `frame` natively and through the bundle, and compare every row."""
    answer = bundle.scorer().score_frame(frame)
    if model.classes:
        proba = model.predict_proba(frame)
        differences = np.abs(proba - answer.probabilities).max(axis=1)
        apart = model.decide(proba) != answer.label_index
        if answer.distance is not None and (far := model.distances(frame)) is not None:
            differences = np.maximum(differences, np.abs(far - answer.distance) / np.maximum(far, 1.0))
    else:
        native = model.predict(frame)
        spread = float(frame[model.target].std(ddof=0) if model.target in frame else native.std())
        # A holdout may lack the few values that make nearly all of the spread that training saw.
        spread = max(spread, *(member.estimator.scale_ for member in model.members)) if model.task == "regression" else spread
        differences = np.abs(native - answer.prediction) / (spread or 1.0)
        apart = np.zeros(len(frame), dtype=bool)
    # Not "greater": a NaN on either side is a difference.
    wrong = np.flatnonzero(~(differences <= PROBABILITY_TOLERANCE) | apart)
    largest = float(differences.max()) if len(frame) else 0.0
    return Parity(rows=len(frame), largest_difference=largest, tolerance=PROBABILITY_TOLERANCE, differing_rows=tuple(wrong.tolist()))


def check_parity(model: Model, bundle: Bundle, frame: pd.DataFrame) -> Parity:
    """Make sure that the bundle answers as `model` does on every row of `frame`, in canonical types.

    Raises
    ------
    ParityError
        Where a label differs, a probability or (relative to it, where it is above 1) a distance by more than 1e-5, or a
        regression by more than 1e-5 of the standard deviation of the target, here or in training; it names the rows.
    """
    parity = compare_answers(model, bundle, frame)
    if parity.differing_rows:
        numbers = ", ".join(map(str, parity.differing_rows[:10])) + (", ..." if len(parity.differing_rows) > 10 else "")
        raise ParityError(
            f"the exported graph differs from the native model in {len(parity.differing_rows)} of {parity.rows} rows "
            f"(largest difference {parity.largest_difference:.3g}, allowed {parity.tolerance:g}); rows {numbers}"
        )
    return parity


def export_bundle(model: Model, split: Split, problem: Problem, terms: Terms | None = None) -> tuple[ExportedBundle, Parity]:
    """The bundle of `model`, which answers as the model does on the whole holdout or, where a split has none, on the training part.

    Without `terms` they are those of a first model: what the config says, and else that all columns must come.

    Raises
    ------
    ParityError
        As `check_parity`.
    """
    with tempfile.TemporaryDirectory() as folder:
        terms = terms or terms_of(model.columns, problem)
        bundle = write_bundle(model, split, Path(folder), problem.name, problem.metric, terms)
    return bundle, check_parity(model, bundle, split.train if split.holdout.empty else split.holdout)


def measure_latency(bundle: Bundle, frame: pd.DataFrame, calls: int = 200) -> float:
    """Median milliseconds from one row of `frame` as a request brings it to its answer, in this process, on one thread."""
    scorer = bundle.scorer()
    rows = _example_rows(frame, bundle.signature.columns)[:-2]
    requests = [{name: [value] for name, value in row.items()} for row in rows]
    for request in requests:
        scorer.score(request)
    seconds = []
    for call in range(calls):
        request = requests[call % len(requests)]
        start = time.perf_counter()
        scorer.score(request)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)
