"""`score_parts`: a table in several files, scored file by file: one file of answers for each, and a manifest of all.

A part is done when its answers are whole, counted and in place; then the manifest says so. A run that was killed goes on with
the parts that are not done. Ids of predictions come from the part's name and content, so what the log has it takes no second time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from switchyard.bundle import Scorer
from switchyard.bundle.explainer import Explainer
from switchyard.outputs import whole_file
from switchyard.predictionlog import TableLog
from switchyard.tabular.batch.columns import ColumnRoles
from switchyard.tabular.batch.counts import AnswerCounts, ColumnCount
from switchyard.tabular.batch.manifest import How, Manifest, Part, held, is_done, rows_in
from switchyard.tabular.batch.output import TableWriter
from switchyard.tabular.batch.scoring import Origin, check_table, score_rows
from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.progress import Progress
from switchyard.tabular.tables.reading.revision import digest_of
from switchyard.tabular.tables.reading.rows import Rows


@dataclass(frozen=True)
class Job:
    """What is scored, by what, and where the answers go."""

    rows: Rows
    folder: Path
    scorer: Scorer
    layout: ColumnRoles
    how: How
    origin_of: Callable[[str], Origin]
    """Of a part, by its name and the digest of its content."""
    log_of: Callable[[Origin, int], AbstractContextManager[TableLog | None]]
    """What takes the predictions of a part of so many rows into the log."""
    exclude: frozenset[str] = frozenset()
    explainer: Explainer | None = None


@dataclass(frozen=True)
class Finished:
    """What a run did; the counts are of the rows that it scored itself."""

    manifest: Manifest
    before: int
    """Parts that were done before."""
    columns: tuple[ColumnCount, ...]
    answers: AnswerCounts


def score_parts(job: Job) -> Finished:
    """Score the parts that are not done yet, in the order of their names.

    A part that can't be scored is passed, with its reason in the manifest; the others are scored.

    Raises
    ------
    InputError
        Some part can't be scored: the first one's fault, and how many there are. Or the folder is not for this table.
    """
    files = dict(zip(names_of(job.rows), job.rows.parts or (job.rows,), strict=True))
    require_apart(job.rows, job.folder)
    answers, progress = AnswerCounts(job.scorer.signature), Progress("finished", len(files), "parts")
    before, columns = 0, tuple[ColumnCount, ...]()
    with held(job.folder):
        manifest = Manifest.begun(job.folder, job.how, list(files))
        manifest.write(job.folder)
        for place, part in enumerate(manifest.parts):
            scored = _score(job, part, files[part.part], answers)
            if scored is None:
                before += 1
                continue
            changed, found = scored
            columns = tuple(one + more for one, more in zip(columns, found)) if columns and found else columns or found
            manifest = manifest.with_part(place, changed)
            manifest.write(job.folder)
            progress.at(place + 1)
    _require_all(manifest)
    return Finished(manifest, before, columns, answers)


def names_of(rows: Rows) -> list[str]:
    """The paths of the files of a table, from the folder that all are in."""
    folder = os.path.commonpath([file.parent for file in rows.files])
    return [os.path.relpath(file, folder) for file in rows.files]


def require_apart(rows: Rows, folder: Path) -> None:
    """Refuse a folder of answers that holds parts of the table itself."""
    inside = next((file for file in rows.files if file.resolve().is_relative_to(folder.resolve())), None)
    if inside is not None:
        raise InputError(f"--output {folder} holds the table itself ({inside.name}); name another folder")


def _score(job: Job, part: Part, rows: Rows, answers: AnswerCounts) -> tuple[Part, tuple[ColumnCount, ...]] | None:
    """The part as it is then, and the counts of its columns, none where it can't be scored; None where it was done before."""
    before, content = _stamps(rows), digest_of(rows.files)
    if is_done(part, content, job.folder):
        return None
    origin = job.origin_of(f"{part.part}\0{content}")
    changed = Part(part=part.part, output=part.output, input=content, prediction_ids=origin.request_id)
    try:
        checked = check_table(rows, job.scorer, job.layout, job.explainer is not None)
    except InputError as error:
        return changed.model_copy(update={"state": "refused", "trouble": str(error)}), ()
    target = job.folder / part.output
    with (
        job.log_of(origin, checked.rows) as log,
        whole_file(target, "part") as path,
        TableWriter(path, ".parquet") as writer,
    ):
        score_rows(rows, job.scorer, job.layout, origin, writer, checked.rows, log and log.add, job.exclude, job.explainer, answers)
        writer.close()
        if _stamps(rows) != before:
            raise InputError(f"{rows.label} changed while it was read; run again when it is finished")
        if (written := rows_in(path)) != checked.rows:
            raise SwitchyardError(f"{rows.label} has {checked.rows:,} rows and {written:,} were written; nothing of it was kept, run again")
    return changed.model_copy(update={"state": "done", "rows": checked.rows}), checked.columns


def _stamps(rows: Rows) -> list[tuple[int, int]]:
    return [(found.st_mtime_ns, found.st_size) for found in map(os.stat, rows.files)]


def _require_all(manifest: Manifest) -> None:
    bad = [part for part in manifest.parts if part.state == "refused"]
    if bad:
        more = f"; {count_of(len(bad) - 1, 'more part')} likewise, see the manifest" if len(bad) > 1 else ""
        done = len(manifest.parts) - len(bad)
        raise InputError(f"{bad[0].trouble}{more}; the other {done:,} are scored: correct it and run again")
