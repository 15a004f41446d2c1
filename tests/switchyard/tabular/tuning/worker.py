"""One worker of a shared search, as a process; prints what it did.

python -m tests.switchyard.tabular.tuning.worker URL FILES TRIALS DIE_AFTER
"""

from __future__ import annotations

import json
import os
import signal
import sys

from switchyard.tabular.tuning import StudyStore, claims, study_key, tune_family
from switchyard.tabular.tuning.familylog import FamilyLog
from tests.switchyard.tabular.tuning.tables import search


def work(url: str, files: str, trials: int, die_at_beat: int = 0, fresh: str = "") -> None:
    """Search until all trials are done; with `die_at_beat`, be killed in the middle of a trial."""
    claims.BEAT_S, claims.GRACE_S = 0.2, 3.0
    split, plan, problem = search(families=["lightgbm"], trials=trials)
    store = StudyStore(url, study_key(split, plan, problem, "code", shared=True), files=files, fresh=fresh, shared=True)
    beats, beat = [], FamilyLog.beat

    def counted(log: FamilyLog) -> None:
        beat(log)
        beats.append(1)
        if die_at_beat and len(beats) > die_at_beat:
            os.kill(os.getpid(), signal.SIGKILL)

    FamilyLog.beat = counted
    done: list[int] = []
    study = tune_family(
        split, plan, problem, "lightgbm", store, lambda event: done.append(event.trial.number) if event.trial else None, n_jobs=1
    )
    print(json.dumps({
        "did": done,
        "knows": [trial.number for trial in study.trials],
        "best": study.best.trial.number,
        "oof": {candidate.trial.number: float(candidate.oof.sum()) for candidate in study.candidates},
    }))  # fmt: skip


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
