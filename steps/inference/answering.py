"""Who answers, what takes the answers into the prediction log, and what is told of a scored table."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator

from deployment.predictions import prediction_log
from registry.versions import Registered
from steps.inference.order import ScoringOrder
from switchyard.predictionlog import TableLog
from switchyard.tabular.batch.counts import AnswerCounts, ColumnCount
from switchyard.tabular.batch.report import Parts, Scored
from switchyard.tabular.batch.scoring import Origin


def origin_of(content: str, release: Registered) -> tuple[str, Origin]:
    """Where answers come from: a name for a table's content and the version that scores it, and what the answers say."""
    identity = hashlib.sha256(f"{content}\0{release.name}\0{release.digest}".encode()).hexdigest()[:20]
    return identity, Origin(release.name, release.version, release.digest, f"batch-{identity}")


def scored(
    order: ScoringOrder,
    origin: Origin,
    content: str,
    rows: int,
    columns: tuple[ColumnCount, ...],
    answers: AnswerCounts,
    notes: tuple[str, ...],
    parts: Parts | None = None,
) -> Scored:
    """What a run counted."""
    edges, shares = answers.histogram()
    return Scored(
        model=origin.model,
        version=origin.version,
        digest=origin.digest,
        source=order.label,
        content=content,
        request_id=origin.request_id,
        rows=rows,
        logged=rows if order.log else 0,
        columns=columns,
        distribution=answers.distribution(),
        edges=edges,
        shares=shares,
        notes=notes,
        parts=parts,
    )


@contextlib.contextmanager
def log_for(origin: Origin, wanted: bool, rows: int) -> Iterator[TableLog | None]:
    """What takes the predictions of a table into the prediction log; None where they are not to be logged."""
    if not wanted:
        yield None
        return
    version = {"model": origin.model, "version": origin.version, "digest": origin.digest}
    with prediction_log(origin.model) as engine:
        yield TableLog(engine, origin.request_id, time.time(), version, rows)
