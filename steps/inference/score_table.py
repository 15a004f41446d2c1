"""Step: check the table, then score it, write it and log it."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from zenml import step

from registry.trust import require_trusted
from registry.versions import Registered
from stacks.files import local_input, whole_output
from stacks.secrets import with_secrets
from steps.inference.answering import log_for, origin_of, scored
from steps.inference.order import ScoringOrder
from steps.inference.score_folder import score_folder
from switchyard.bundle.explainer import Explainer
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.tabular.batch.columns import layout_of
from switchyard.tabular.batch.output import TableWriter, format_of
from switchyard.tabular.batch.report import Scored
from switchyard.tabular.batch.scoring import check_table, score_rows
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.batch import answer_all, requests_in
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.revision import digest_of
from switchyard.tabular.tables.reading.rows import Rows, rows_of_frame
from switchyard.tabular.tables.reading.sources import is_in_memory, read_source
from switchyard.tabular.tables.table import digest_frame

logger = logging.getLogger(__name__)


@step(enable_cache=False)
def score_table(problem: Problem, release: Registered, order: ScoringOrder) -> Annotated[Scored, "scored"]:
    """Two readings of the table: the first finds it good, or stops before anything is written; the second scores it.

    The output appears when it is whole. Prediction ids come from the table's content, the version and the row, so a run
    that is repeated logs nothing twice.
    """
    require_trusted(release, problem.trust)
    order = order.model_copy(update={"source": with_secrets(order.source), "output": with_secrets(order.output)})
    if release.opened.signature.task == RECOMMENDATION:
        return _recommend(problem, release, order)
    if order.by_parts:
        return score_folder(problem, release, order)
    scorer = release.opened.scorer(threads=os.cpu_count() or 1)
    with _rows(problem, order, [column.name for column in scorer.signature.columns]) as (rows, content):
        layout = layout_of(rows, scorer.signature, problem, order.extra)
        checked = check_table(rows, scorer, layout, order.explain)
        explainer = Explainer(scorer, release.opened.examples["examples"]) if order.explain else None
        logger.info("%s: %s rows are good; scoring with version %s", order.label, f"{checked.rows:,}", release.version)
        identity, origin = origin_of(content, release)
        exclude = frozenset(problem.serving.log_exclude)
        with (
            log_for(origin, order.log, checked.rows) as log,
            whole_output(order.output, identity) as path,
            TableWriter(path, format_of(order.output)) as writer,
        ):
            answers = score_rows(rows, scorer, layout, origin, writer, checked.rows, log and log.add, exclude, explainer)
            writer.close()
    return scored(order, origin, content, checked.rows, checked.columns, answers, (*rows.notes, *layout.notes))


def _recommend(problem: Problem, release: Registered, order: ScoringOrder) -> Scored:
    """The best items for every user of the table."""
    if order.by_parts:
        raise InputError(f"--output {order.output}: {problem.name}, a recommendation, answers into one file; name that")
    if order.explain:
        raise InputError(f"--explain is not for {problem.name}, a recommendation: each answer says by `because` which item speaks for it")
    with _rows(problem, order, []) as (_, content):
        raw = read_source(problem.data.model_copy(update={"source": order.source, "query": order.query}))
    requests, notes = requests_in(raw.frame, problem.data, order.label)
    identity, origin = origin_of(content, release)
    with (
        log_for(origin, order.log, len(requests)) as log,
        whole_output(order.output, identity) as path,
        TableWriter(path, format_of(order.output)) as writer,
    ):
        answers = answer_all(release.opened, requests, origin, writer, log and log.add_rows)
        writer.close()
    return scored(order, origin, content, len(requests), (), answers, (*raw.notes, *notes))


@contextlib.contextmanager
def _rows(problem: Problem, order: ScoringOrder, wanted: Sequence[str]) -> Iterator[tuple[Rows, str]]:
    """The table and the digest of its content."""
    data = problem.data.model_copy(update={"source": order.source, "query": order.query})
    if is_in_memory(data):
        raw = read_source(data)
        yield rows_of_frame(raw.frame, order.label), f"sha256:{digest_frame(raw.frame)}"
        return
    with local_input(order.source) as path:
        rows = open_rows(path, order.label, wanted, data.delimiter, data.encoding, sheet=data.sheet)
        before = [_stamp(file) for file in rows.files]
        yield rows, digest_of(rows.files)
        if before != [_stamp(file) for file in rows.files]:
            raise InputError(f"{order.label} changed while it was read; run again when it is finished")


def _stamp(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size
