"""Where trials survive a kill: `StudyStore`.

One Optuna study per family, and one `.npy` of out-of-fold predictions per complete trial, written before Optuna is
told that the trial is finished. A trial without an outcome was killed; it is marked as failed when the study is
opened again and counts for nothing.

Locally the study is an Optuna journal, not SQLite, which took six times as long for the same trials. On a cluster it
is the cluster's database.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular.errors import InputError
from tabular.features.plan import FeaturePlan
from tabular.problem import Problem
from tabular.split import Split
from tabular.tasks import METRICS
from tabular.tuning.cost import refit_seconds
from tabular.tuning.files import StoredFiles, drop_torn_line, locked
from tabular.tuning.ledger import Session, Standing
from tabular.tuning.study import Trial, ranked

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

KEPT = 8
"""Complete trials of a family whose out-of-fold predictions are kept; a lower rank can only sink further."""


def study_key(split: Split, plan: FeaturePlan, problem: Problem, code: str) -> str:
    """What makes trials comparable, as hex: training rows, plan, task, metric, folds, seed and library code.

    The size of the budget and the number of trials are left out, so that a longer search continues a shorter one.
    Whether there is a budget at all is in: trials that a clock may have cut short would make a search by number of
    trials depend on the machine.

    Parameters
    ----------
    code : str
        Digest of the library's source and lock, as the caller's cache has it.
    """
    time_column, group, entity = problem.data.time_column, split.schema.group, problem.data.entity_column
    parts = {
        "rows": split.train_digest,
        "split": split.kind,
        "columns": [problem.data.target, time_column, group.name if group else None, entity],
        "plan": plan.model_dump_json(),
        "features": problem.features.model_dump_json(),
        "task": [problem.task, problem.metric, problem.positive_class],
        "folds": problem.tuning.folds,
        "seed": problem.tuning.seed,
        "timed": problem.tuning.trials is None,
        "code": code,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def standing_of(family: str, trials: Sequence[Trial], metric: str, finished: bool, sessions: tuple[Session, ...]) -> Standing:
    """Where a family is, by its trials."""
    best = ranked(list(trials), metric)[:1]
    cost = refit_seconds(best[0], family) if best else None
    return Standing(family, finished, sessions, best[0].score if best else None, len(trials), cost)


class FamilyLog:
    """One family's study, open for writing. Made by `StudyStore.open`."""

    def __init__(self, family: str, study: optuna.Study, files: StoredFiles, metric: str):
        self.family = family
        self.study = study
        self._files = files
        self._metric = metric
        self._numbers: dict[int, int] = {}
        self.trials: list[Trial] = []
        for frozen in study.get_trials(deepcopy=False):
            if not frozen.state.is_finished():
                self._fail(frozen)
            elif (outcome := _outcome(frozen)) is not None:
                self._numbers[outcome.number] = frozen.number
                self.trials.append(outcome)
        self.trials.sort(key=lambda trial: trial.number)
        self._sessions: list[Session] = [tuple(pair) for pair in study.user_attrs.get("sessions", [])]

    def _fail(self, frozen: optuna.trial.FrozenTrial) -> None:
        import optuna

        logger.info("%s: trial %d was interrupted and will be done again", self.family, frozen.number)
        self.study.tell(frozen.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)

    def add(self, trial: optuna.Trial, outcome: Trial, oof: np.ndarray | None) -> None:
        """Keep what came of `trial`: predictions first, then the outcome, then Optuna's word that it is finished."""
        import optuna

        if oof is not None:
            self._files.write(self._name(trial.number), _npy(oof))
        trial.set_user_attr("outcome", outcome.model_dump(mode="json"))
        if outcome.state == "complete":
            self.study.tell(trial, outcome.score)
        else:
            self.study.tell(trial, state=getattr(optuna.trial.TrialState, {"pruned": "PRUNED", "failed": "FAIL"}[outcome.state]))
        self._numbers[outcome.number] = trial.number
        self.trials.append(outcome)
        for loser in ranked(self.trials, self._metric)[KEPT:]:
            self._files.remove(self._name(self._numbers[loser.number]))

    def oof(self, number: int) -> np.ndarray:
        """The out-of-fold predictions of finished trial `number`."""
        return np.load(io.BytesIO(self._files.read(self._name(self._numbers[number]))), allow_pickle=False)

    def begin(self) -> None:
        """Note that this family is at work from now on."""
        self._sessions.append((time.time(), time.time()))
        self.beat()

    def beat(self) -> None:
        """Note that this family is still at work, so that the time until now counts even after a kill."""
        self._sessions[-1] = (self._sessions[-1][0], time.time())
        self.study.set_user_attr("sessions", self._sessions)

    def finish(self, reached: float, reason: str) -> None:
        """Mark the study as finished for a budget of `reached` seconds (or that many trials)."""
        if self._sessions:
            self.beat()
        self.study.set_user_attr("finished", {"reached": reached, "reason": reason})

    def finished(self, wanted: float) -> bool:
        """Whether a budget (or number of trials) of `wanted` has been used up before."""
        return _reached(self.study) >= wanted

    @property
    def reason(self) -> str:
        return self.study.user_attrs.get("finished", {}).get("reason", "")

    @property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(self._sessions)

    def _name(self, number: int) -> str:
        return f"{self.family}/oof_{number}.npy"


class StudyStore:
    """The studies of one search.

    Parameters
    ----------
    root : str or Path
        A folder (studies are journals in `<root>/<key>/<family>/journal.log`) or a SQLAlchemy URL.
    key : str
        From `study_key`.
    files : str, optional
        Folder or fsspec URL for out-of-fold predictions; needed when `root` is a SQLAlchemy URL.
    fresh : bool
        Begin again when every family of the search is finished (`--no-cache`). An interrupted search goes on.

    Notes
    -----
    One process per family at a time. For journals a file lock sees to it, which dies with its process; on a database
    the orchestrator has to.
    """

    def __init__(self, root: str | Path, key: str, files: str | None = None, fresh: bool = False):
        self.key = key
        self.fresh = fresh
        self._url = str(root) if _is_database(str(root)) else None
        if self._url and files is None:
            raise InputError("studies in a database need a place for their predictions: give a folder or an fsspec URL as `files`")
        self._folder = None if self._url else Path(root) / key
        self._files = StoredFiles(f"{files.rstrip('/')}/{key}") if self._url else StoredFiles(str(self._folder))

    @contextmanager
    def open(self, family: str, families: Sequence[str], metric: str) -> Iterator[FamilyLog]:
        """The study of `family`, for this process alone until the block ends."""
        import optuna

        if self.fresh:
            self._discard(families)
        with ExitStack() as stack:
            if self._folder:
                stack.enter_context(locked(self._folder / family))
                drop_torn_line(self._folder / family / "journal.log")
            direction = "maximize" if METRICS[metric].greater_is_better else "minimize"
            study = optuna.create_study(
                storage=self._storage(family), study_name=self._study_name(family), direction=direction, load_if_exists=True)
            yield FamilyLog(family, study, self._files, metric)

    def standings(self, families: Sequence[str], metric: str, wanted: float) -> list[Standing]:
        """Where each of `families` is, for a budget (or number of trials) of `wanted`."""
        result = []
        for family in families:
            study = self._load(family)
            if study is None:
                result.append(Standing(family))
                continue
            trials = [outcome for frozen in study.get_trials(deepcopy=False) if (outcome := _outcome(frozen)) is not None]
            sessions = tuple((float(start), float(stop)) for start, stop in study.user_attrs.get("sessions", []))
            result.append(standing_of(family, trials, metric, _reached(study) >= wanted, sessions))
        return result

    def _discard(self, families: Sequence[str]) -> None:
        import optuna

        studies = {family: self._load(family) for family in families}
        if any(study is None or not _reached(study) for study in studies.values()):
            return
        logger.info("beginning the finished search %s again", self.key)
        for family in families:
            self._files.remove_all(family)
            if self._url:
                optuna.delete_study(study_name=self._study_name(family), storage=self._storage(family))

    def _load(self, family: str) -> optuna.Study | None:
        import optuna

        if self._folder and not (self._folder / family / "journal.log").exists():
            return None
        try:
            return optuna.load_study(study_name=self._study_name(family), storage=self._storage(family))
        except KeyError:
            return None

    def _study_name(self, family: str) -> str:
        return f"{self.key}/{family}"

    def _storage(self, family: str) -> optuna.storages.BaseStorage:
        import optuna
        from optuna.storages.journal import JournalFileBackend, JournalStorage

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        if self._url:
            return optuna.storages.RDBStorage(self._url, engine_kwargs={"pool_pre_ping": True})
        return JournalStorage(JournalFileBackend(str(self._folder / family / "journal.log"), lock_obj=_NoLock()))


class _NoLock:
    """For a journal whose only writer already holds the folder's lock; Optuna's own lock files outlive a kill by 30 s."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


def _is_database(root: str) -> bool:
    if "://" not in root:
        return False
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        make_url(root).get_dialect()
    except (ArgumentError, NoSuchModuleError):
        raise InputError(f"study storage {root.split('://')[0]}://... is neither a folder nor a SQLAlchemy URL") from None
    return True


def _outcome(frozen: optuna.trial.FrozenTrial) -> Trial | None:
    """What was made of a finished trial; None for one that was killed, even between its outcome and its end."""
    outcome: dict[str, Any] | None = frozen.user_attrs.get("outcome")
    if outcome is None or not frozen.state.is_finished():
        return None
    expected = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}[frozen.state.name]
    return Trial.model_validate(outcome) if outcome["state"] == expected else None


def _reached(study: optuna.Study) -> float:
    return float(study.user_attrs.get("finished", {}).get("reached", 0.0))


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array, dtype="float64"), allow_pickle=False)
    return out.getvalue()
