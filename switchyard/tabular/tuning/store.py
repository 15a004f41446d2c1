"""Where trials survive a kill: `StudyStore`.

One Optuna study per family, and one `.npy` of out-of-fold predictions per complete trial, written before Optuna is
told that the trial is finished. A trial without an outcome was killed; it is marked as failed when the study is
opened again and counts for nothing.

Locally the study is an Optuna journal, not SQLite, which took six times as long for the same trials. On a cluster it
is the cluster's database, where several workers may share one study: each trial is claimed by number before it begins
(`switchyard.tabular.tuning.claims`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.claims import Claims, persistently
from switchyard.tabular.tuning.familylog import FamilyLog, outcome_of, reached_by, sessions_of, standing_of
from switchyard.tabular.tuning.files import StoredFiles, drop_torn_line, locked
from switchyard.tabular.tuning.ledger import Standing

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

_BEGUN_BY = "begun_by"


def study_key(split: Split, plan: FeaturePlan, problem: Problem, code: str, shared: bool = False) -> str:
    """What makes trials comparable, as hex: training rows, plan, task, metric, folds, seed, library code and plugins.

    The size of the budget and the number of trials are left out, so that a longer search continues a shorter one.
    Whether there is a budget at all is in: trials that a clock may have cut short would make a search by number of
    trials depend on the machine.

    Parameters
    ----------
    code : str
        Digest of the library's source and lock, as the caller's cache has it.
    shared : bool
        Whether several workers search at once. Their trials depend on who was faster, so a search by one never takes them up.
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
        **({"plugins": [plugin.digest for plugin in problem.plugins]} if problem.plugins else {}),
        **({"shared": True} if shared else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


class StudyStore:
    """The studies of one search.

    Parameters
    ----------
    root : str or Path
        A folder (studies are journals in `<root>/<key>/<family>/journal.log`) or a SQLAlchemy URL.
    key : str
        From `study_key`.
    files : str or StoredFiles, optional
        Folder or fsspec URL for out-of-fold predictions, or a place to which the login is known; needed when `root` is a
        SQLAlchemy URL.
    fresh : str
        Name of the run that wants to begin again. It does so when every family of the search is finished, and not by that
        run itself; an interrupted search goes on.
    shared : bool
        Whether several workers may be at one family of it at the same time.

    Notes
    -----
    Without `shared`, one process per family at a time: for journals a file lock sees to it, which dies with its process; on
    a database the orchestrator has to. Workers that share journals take turns, so that the first does it all.
    """

    def __init__(self, root: str | Path, key: str, files: str | StoredFiles | None = None, fresh: str = "", shared: bool = False):
        self.key = key
        self.fresh = fresh
        self.shared = shared
        self._url = str(root) if _is_database(str(root)) else None
        if self._url and files is None:
            raise InputError("studies in a database need a place for their predictions: give a folder or an fsspec URL as `files`")
        self._folder = None if self._url else Path(root) / key
        if isinstance(files, StoredFiles):
            self._files = files
        else:
            self._files = StoredFiles(f"{files.rstrip('/')}/{key}") if self._url else StoredFiles(str(self._folder))
        self._database: optuna.storages.BaseStorage | None = None

    @contextmanager
    def open(self, family: str, families: Sequence[str], metric: str) -> Iterator[FamilyLog]:
        """The study of `family`: for this process alone until the block ends, or for all workers of a shared search."""
        with ExitStack() as stack:
            claims = None
            if self._folder:
                # Before the lock, which lies in the folder that a new beginning takes away.
                self._discard(families)
                stack.enter_context(locked(self._folder / family))
                drop_torn_line(self._folder / family / "journal.log")
                study = self._begin(family, metric)
            else:
                claims = Claims(self._url, self._study_name(family))
                stack.callback(claims.close)
                with self._alone():
                    self._discard(families)
                    study = self._begin(family, metric)
            yield FamilyLog(family, study, self._files, metric, claims if self.shared else None)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        search = Claims(self._url, self.key)
        try:
            with search.alone():
                yield
        finally:
            search.close()

    def _begin(self, family: str, metric: str) -> optuna.Study:
        import optuna

        direction = "maximize" if METRICS[metric].greater_is_better else "minimize"
        study = optuna.create_study(
            storage=self._storage(family), study_name=self._study_name(family), direction=direction, load_if_exists=True
        )
        if self.fresh:
            study.set_user_attr(_BEGUN_BY, self.fresh)
        return study

    def standings(self, families: Sequence[str], metric: str, wanted: float, rows: int | None = None) -> list[Standing]:
        """Where each of `families` is, for a budget (or number of trials) of `wanted`; `rows` that the last fits are to."""
        result = []
        for family in families:
            study = self._load(family)
            if study is None:
                result.append(Standing(family))
                continue
            trials = [outcome for frozen in study.get_trials(deepcopy=False) if (outcome := outcome_of(frozen)) is not None]
            result.append(standing_of(family, trials, metric, reached_by(study) >= wanted, sessions_of(study), rows))
        return result

    def _discard(self, families: Sequence[str]) -> None:
        """Begin a finished search again where this is asked for."""
        import optuna

        if not self.fresh:
            return
        studies = {family: self._load(family) for family in families}
        if any(study is None or not reached_by(study) or study.user_attrs.get(_BEGUN_BY) == self.fresh for study in studies.values()):
            return
        logger.info("beginning the finished search %s again", self.key)
        for family in families:
            if self._url:
                optuna.delete_study(study_name=self._study_name(family), storage=self._storage(family))
                claims = Claims(self._url, self._study_name(family))
                claims.clear()
                claims.close()
            self._files.remove_all(family)

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
            if self._database is None:
                self._database = persistently(lambda: optuna.storages.RDBStorage(self._url, engine_kwargs={"pool_pre_ping": True}))
            return self._database
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
