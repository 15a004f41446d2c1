"""`score_folder`: a table in several files, one file of answers for each, and what a run did of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from registry.versions import Registered
from stacks.files import local_input
from steps.inference.answering import log_for, origin_of, scored
from steps.inference.order import ScoringOrder
from switchyard.bundle.explainer import Explainer
from switchyard.predictionlog.batch import BLOCKS_FROM
from switchyard.tabular.batch.columns import layout_of
from switchyard.tabular.batch.manifest import NAME, How
from switchyard.tabular.batch.parts import Job, score_parts
from switchyard.tabular.batch.report import Parts, Scored
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.reading.opening import open_rows
from switchyard.tabular.tables.reading.revision import digest_of_parts

ANY_ID = "batch-"
"""What the ids of all predictions of tables begin with; those of each part are in the manifest."""


def score_folder(problem: Problem, release: Registered, order: ScoringOrder) -> Scored:
    """Each part that is not done yet is read twice, as a table in one file is; raises as `score_parts` does."""
    scorer, data, folder = release.opened.scorer(threads=os.cpu_count() or 1), problem.data, Path(order.output)
    with local_input(order.source) as path:
        wanted = [column.name for column in scorer.signature.columns]
        rows = open_rows(path, order.label, wanted, data.delimiter, data.encoding, sheet=data.sheet)
        layout = layout_of(rows, scorer.signature, problem, order.extra)
        # Small parts of a large table are kept in blocks as well.
        size = BLOCKS_FROM if rows.size is None else rows.size
        job = Job(
            rows=rows,
            folder=folder,
            scorer=scorer,
            layout=layout,
            how=How(
                model=release.name,
                version=release.version,
                digest=release.digest,
                extra=order.extra,
                explain=order.explain,
                logged=order.log,
            ),
            origin_of=lambda content: origin_of(content, release)[1],
            log_of=lambda origin, part: log_for(origin, order.log, max(part, size)),
            exclude=frozenset(problem.serving.log_exclude),
            explainer=Explainer(scorer, release.opened.examples["examples"]) if order.explain else None,
        )
        done = score_parts(job)
    manifest = done.manifest
    content = digest_of_parts({part.part: part.input for part in manifest.parts})
    origin = replace(origin_of(content, release)[1], request_id=ANY_ID)
    parts = Parts(all=len(manifest.parts), before=done.before, rows=manifest.rows, manifest=str(folder / NAME))
    return scored(order, origin, content, done.answers.rows, done.columns, done.answers, (*rows.notes, *layout.notes), parts)
