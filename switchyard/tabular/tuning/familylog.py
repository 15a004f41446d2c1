"""`FamilyLog`: one family's study while it is open for writing, by one process or by several that claim trials by number."""

from __future__ import annotations

import io
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.tuning.claims import Claims
from switchyard.tabular.tuning.cost import refit_seconds
from switchyard.tabular.tuning.files import StoredFiles
from switchyard.tabular.tuning.ledger import Session, Standing
from switchyard.tabular.tuning.study import Trial, ranked

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

KEPT = 8
"""Complete trials of a family whose out-of-fold predictions are kept; a lower rank can only sink further."""
_SESSIONS, _NUMBER = "sessions", "number"
"""Names of attributes in Optuna's records; a worker's own sessions stand under `sessions` and its name."""
_WAIT_S = 1.0


def standing_of(
    family: str, trials: Sequence[Trial], metric: str, finished: bool, sessions: tuple[Session, ...], rows: int | None = None
) -> Standing:
    """Where a family is, by its trials; `rows` as in `refit_seconds`."""
    best = ranked(list(trials), metric)[:1]
    cost = refit_seconds(best[0], family, rows) if best else None
    return Standing(family, finished, sessions, best[0].score if best else None, len(trials), cost)


class FamilyLog:
    """One family's study, open for writing. Made by `StudyStore.open`.

    Parameters
    ----------
    claims : Claims, optional
        Given where other workers write to the study at the same time; without it this process is alone.
    """

    def __init__(self, family: str, study: optuna.Study, files: StoredFiles, metric: str, claims: Claims | None = None):
        self.family = family
        self.study = study
        self._files = files
        self._metric = metric
        self._claims = claims
        self._numbers: dict[int, int] = {}
        self._removed: set[int] = set()
        self.trials: list[Trial] = []
        if claims is None:
            self._fail(lambda frozen: True)
        self.refresh()
        self._attribute = f"{_SESSIONS}{claims.owner if claims else ''}"
        self._sessions: list[Session] = [tuple(pair) for pair in study.user_attrs.get(self._attribute, [])]

    def refresh(self) -> None:
        """See what other workers have finished; nothing new where this process is alone."""
        found: dict[int, tuple[Trial, int]] = {}
        for frozen in self.study.get_trials(deepcopy=False):
            if frozen.state.is_finished() and (outcome := outcome_of(frozen)) is not None:
                found.setdefault(outcome.number, (outcome, frozen.number))
        self.trials = [found[number][0] for number in sorted(found)]
        self._numbers = {number: at for number, (_, at) in found.items()}

    def reached(self, limit: int | None) -> bool:
        """Whether `limit` trials are finished, or another worker has ended the search for all."""
        if self._claims:
            self.refresh()
        return limit is not None and (len(self.trials) >= limit or (self._claims is not None and self.finished(limit)))

    def claim(self, limit: int | None) -> int | None:
        """The number of the trial that this process does next; waits while others do the last of `limit`. None at the end."""
        if self._claims is None:
            return len(self.trials)
        while not self.reached(limit):
            done = {trial.number for trial in self.trials}
            numbers = range(limit) if limit is not None else itertools.count()
            number = self._claims.take(number for number in numbers if number not in done)
            if number is not None:
                # Another worker may have finished it between the look and the claim.
                self.refresh()
                if all(trial.number != number for trial in self.trials):
                    self._fail(lambda frozen, number=number: frozen.user_attrs.get(_NUMBER) == number)
                    return number
                self._claims.release(number)
            else:
                time.sleep(_WAIT_S)
        return None

    def began(self, trial: optuna.Trial, number: int) -> None:
        """Note which number Optuna's `trial` has, for who takes it up after this process."""
        if self._claims:
            trial.set_user_attr(_NUMBER, number)

    def _fail(self, meant: Callable[[optuna.trial.FrozenTrial], bool]) -> None:
        """Mark trials as failed that were left unfinished."""
        import optuna

        for frozen in self.study.get_trials(deepcopy=False):
            if not frozen.state.is_finished() and meant(frozen):
                logger.info("%s: trial %d was interrupted and will be done again", self.family, frozen.number)
                self.study.tell(frozen.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)

    def add(self, trial: optuna.Trial, outcome: Trial, oof: np.ndarray | None) -> bool:
        """Keep what came of `trial`: predictions first, then the outcome, then Optuna's word that it is finished.

        Returns
        -------
        bool
            False when another worker has taken the trial up, thinking that this one was gone; nothing is kept then.
        """
        import optuna

        if self._claims and not self._claims.owns(outcome.number):
            logger.warning("%s: trial %d was taken up by another worker", self.family, outcome.number)
            self._claims.release(outcome.number)
            return False
        if oof is not None:
            self._files.write(self._name(trial.number), _npy(oof))
        trial.set_user_attr("outcome", outcome.model_dump(mode="json"))
        if outcome.state == "complete":
            self.study.tell(trial, outcome.score)
        else:
            self.study.tell(trial, state=getattr(optuna.trial.TrialState, {"pruned": "PRUNED", "failed": "FAIL"}[outcome.state]))
        self._numbers[outcome.number] = trial.number
        self.trials.append(outcome)
        if self._claims:
            self._claims.release(outcome.number)
            self.refresh()
        for loser in ranked(self.trials, self._metric)[KEPT:]:
            if loser.number not in self._removed:
                self._removed.add(loser.number)
                self._files.remove(self._name(self._numbers[loser.number]))
        return True

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
        self.study.set_user_attr(self._attribute, self._sessions)

    def finish(self, reached: float, reason: str) -> None:
        """Mark the study as finished for a budget of `reached` seconds (or that many trials)."""
        if self._sessions:
            self.beat()
        self.study.set_user_attr("finished", {"reached": reached, "reason": reason})

    def finished(self, wanted: float) -> bool:
        """Whether a budget (or number of trials) of `wanted` has been used up before."""
        return reached_by(self.study) >= wanted

    @property
    def reason(self) -> str:
        return self.study.user_attrs.get("finished", {}).get("reason", "")

    @property
    def sessions(self) -> tuple[Session, ...]:
        others = sessions_of(self.study, but=self._attribute) if self._claims else ()
        return (*others, *self._sessions)

    def _name(self, number: int) -> str:
        return f"{self.family}/oof_{number}.npy"


def outcome_of(frozen: optuna.trial.FrozenTrial) -> Trial | None:
    """What was made of a finished trial; None for one that was killed, even between its outcome and its end."""
    outcome: dict[str, Any] | None = frozen.user_attrs.get("outcome")
    if outcome is None or not frozen.state.is_finished():
        return None
    expected = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}[frozen.state.name]
    return Trial.model_validate(outcome) if outcome["state"] == expected else None


def sessions_of(study: optuna.Study, but: str = "") -> tuple[Session, ...]:
    """When somebody was at work on `study`, all workers together."""
    found = (pairs for name, pairs in study.user_attrs.items() if name.startswith(_SESSIONS) and name != but)
    return tuple((float(start), float(stop)) for pairs in found for start, stop in pairs)


def reached_by(study: optuna.Study) -> float:
    return float(study.user_attrs.get("finished", {}).get("reached", 0.0))


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, np.ascontiguousarray(array, dtype="float64"), allow_pickle=False)
    return out.getvalue()
