"""`check_table` and `score_rows`: the two readings of a table; nothing is written before the first has found it good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from switchyard.bundle import Answer, BadInput, Scorer, Signature
from switchyard.bundle.explainer import Explainer
from switchyard.bundle.quantiles import QUANTILE
from switchyard.predictionlog.blocks import ANSWERS, Block
from switchyard.predictionlog.records import INPUT, PROBABILITY, prediction_id
from switchyard.tabular.batch.ahead import ahead
from switchyard.tabular.batch.columns import ColumnRoles, entities, left_column, model_columns, moments, placed, taken_columns
from switchyard.tabular.batch.counts import AnswerCounts, ColumnCount, InputCounts
from switchyard.tabular.batch.output import TableWriter
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.progress import Progress
from switchyard.tabular.tables.reading.rows import Chunk, Rows

logger = logging.getLogger(__name__)

SET = "set."
"""What the names of columns begin with, true or false, that say whether a class is in the row's set."""
DISTANCE, UNLIKE = "distance", "unlike"
"""Of groups: from the centre of the row's group, and whether the row is like none."""
BASE, CONTRIBUTION = "explained.base", "contribution."
"""And, where reasons are asked for, of the mean answer to the background, and what the names of contributions begin with."""


@dataclass(frozen=True)
class Origin:
    """Which version scores, and what its answers are called."""

    model: str
    version: str
    digest: str
    request_id: str
    """The prediction id of row n is `<request id>/<n>`, counted from 0; of the first row the request id alone."""


@dataclass(frozen=True)
class Checked:
    """What the first reading found."""

    rows: int
    columns: tuple[ColumnCount, ...]


def output_columns(signature: Signature, explained: bool = False) -> tuple[str, ...]:
    """Names of the columns that scoring adds."""
    if signature.classes:
        said = ("label", "confidence", *(PROBABILITY + name for name in signature.classes), *_names_of_sets(signature))
        said += (DISTANCE, UNLIKE) if signature.unlike else ()
    else:
        said = ("prediction", *(("lower", "upper") if signature.interval else ()))
        said += tuple(QUANTILE + name for name in signature.quantiles.names) if signature.quantiles else ()
    reasons = (BASE, *(CONTRIBUTION + column.name for column in signature.columns)) if explained else ()
    return (*said, *reasons, "prediction_id", "model", "version", "digest")


def _names_of_sets(signature: Signature) -> tuple[str, ...]:
    if signature.sets is None:
        return ()
    return (*(SET + name for name in signature.classes), *(("decision",) if signature.sets.review_above is not None else ()))


def check_table(rows: Rows, scorer: Scorer, layout: ColumnRoles, explained: bool = False) -> Checked:
    """Read all of the table as the model will, and count; `explained` says whether the output has reasons too.

    Raises
    ------
    InputError
        Names the column and the row of the first value that the model, or the log, can't take.
    """
    taken = [name for name in layout.keys if name in output_columns(scorer.signature, explained)]
    if taken:
        raise InputError(f"{rows.label}: column {taken[0]!r} would be written twice, since the answers have one of that name; rename it")
    counts, progress = InputCounts(scorer.signature), Progress("checked", rows.size)
    for chunk in rows.chunks():
        try:
            inputs = scorer.encode(model_columns(chunk, scorer.signature))
            entities(chunk, layout.entity)
            moments(chunk, layout.time, scorer.signature)
        except BadInput as error:
            raise placed(error, chunk.first, rows.label) from None
        counts.add(inputs)
        progress.at(counts.rows)
    if not counts.rows:
        raise InputError(f"{rows.label} has no rows")
    return Checked(counts.rows, counts.columns())


def score_rows(
    rows: Rows,
    scorer: Scorer,
    layout: ColumnRoles,
    origin: Origin,
    writer: TableWriter,
    total: int,
    log: Callable[[Block], None] | None = None,
    exclude: frozenset[str] = frozenset(),
    explainer: Explainer | None = None,
    counts: AnswerCounts | None = None,
) -> AnswerCounts:
    """Score a checked table, chunk by chunk.

    Parameters
    ----------
    rows, scorer, layout
        As they were checked.
    origin : Origin
    writer : TableWriter
        Gets the keys, the answers and `origin` for every row.
    total : int
        Rows there are.
    log : callable, optional
        Gets every chunk for the prediction log.
    exclude : frozenset of str
        Columns that the log does not get.
    explainer : Explainer, optional
        Adds to every row the contributions of its columns, which takes some milliseconds each.
    counts : AnswerCounts, optional
        Of rows that were scored before: these are counted there.
    """
    counts, progress, signature = counts or AnswerCounts(scorer.signature), Progress("scored", total), scorer.signature
    # Three at once: reading, the graph, and what becomes of the answers.
    read = ahead((chunk, scorer.encode(model_columns(chunk, signature))) for chunk in rows.chunks())
    for chunk, inputs, answer in ahead((chunk, inputs, scorer.answer(inputs)) for chunk, inputs in read):
        counts.add(answer)
        said = _columns(answer, signature)
        reasons = _reasons(explainer, inputs, chunk.size) if explainer else {}
        writer.write({**{name: chunk.columns[name] for name in layout.keys}, **said, **reasons, **_identity(origin, chunk)})
        if log is not None:
            kept = taken_columns(inputs, signature, exclude)
            kept.update({name: left_column(chunk.columns[name]) for name in layout.logged if name not in exclude})
            columns = {**_answers(answer, said), **{INPUT + name: values for name, values in kept.items()}}
            log(Block(chunk.first, columns, entities(chunk, layout.entity), moments(chunk, layout.time, signature)))
        progress.at(chunk.first + chunk.size)
    return counts


def _identity(origin: Origin, chunk: Chunk) -> dict[str, Any]:
    numbers = range(chunk.first, chunk.first + chunk.size)
    same = {"model": origin.model, "version": origin.version, "digest": origin.digest}
    return {
        "prediction_id": [prediction_id(origin.request_id, number) for number in numbers],
        **{name: pa.repeat(pa.scalar(value), chunk.size) for name, value in same.items()},
    }


def _columns(answer: Answer, signature: Signature) -> dict[str, Any]:
    if answer.probabilities is not None and answer.label_index is not None:
        probabilities = answer.probabilities.astype(np.float64)
        confidence = probabilities[np.arange(len(probabilities)), answer.label_index]
        each = {PROBABILITY + name: probabilities[:, code] for code, name in enumerate(signature.classes)}
        far = {} if answer.distance is None else {DISTANCE: answer.distance.astype(np.float64), UNLIKE: answer.unlike}
        return {"label": answer.labels, "confidence": confidence, **each, **_sets(answer, signature), **far}
    ends = {"prediction": answer.prediction, "lower": answer.lower, "upper": answer.upper}
    said = {name: values.reshape(-1).astype(np.float64) for name, values in ends.items() if values is not None}
    if signature.quantiles is None or answer.quantiles is None:
        return said
    return {**said, **{QUANTILE + name: answer.quantiles[:, at] for at, name in enumerate(signature.quantiles.names)}}


def _reasons(explainer: Explainer, inputs: Mapping[str, np.ndarray], rows: int) -> dict[str, list[float]]:
    found = [explainer.explain(inputs, row) for row in range(rows)]
    amounts = [{part.column: part.amount for part in one.contributions} for one in found]
    return {BASE: [one.base for one in found], **{CONTRIBUTION + name: [row[name] for row in amounts] for name in explainer.names}}


def _sets(answer: Answer, signature: Signature) -> dict[str, Any]:
    if signature.sets is None or answer.members is None:
        return {}
    decisions = signature.sets.decisions(answer.members)
    held = {SET + name: answer.members[:, code] for code, name in enumerate(signature.classes)}
    return {**held, **({} if decisions is None else {"decision": decisions})}


def _answers(answer: Answer, said: dict[str, Any]) -> dict[str, pa.Array]:
    """What of the answer goes into the log."""
    kept = {name: pa.array(values) for name, values in said.items() if name.startswith(PROBABILITY) or name in ANSWERS}
    # The log's place for a value holds a distance, as it does for requests.
    far = {} if answer.distance is None else {"prediction": pa.array(answer.distance.astype(np.float64))}
    return {**kept, **far}
