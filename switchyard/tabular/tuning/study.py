"""The `Study`: the trials of one model family, with the out-of-fold predictions of its best ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.metrics import METRICS
from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Badge, Chart, Level, Name, Report, Section, Table
from switchyard.tabular.storable import Fact, Storable

State = Literal["complete", "pruned", "failed"]
_LEVELS: dict[State, Level] = {"complete": "good", "pruned": "note", "failed": "bad"}
_SHOWN = 50
"""Trials in the report."""


class Trial(BaseModel):
    """One set of hyperparameters, cross-validated as far as it was worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """Counts finished trials from 0; the tuned defaults of the family are number 0."""
    state: State
    params: dict[str, Any]
    choices: dict[str, str]
    """What the tuner chose for the preprocessing; empty where the plan decides."""
    fold_scores: tuple[float, ...]
    """The metric on each validation fold that was reached, in its own unit and direction."""
    pooled: float | None = None
    """Time folds: the metric of all held-out rows at once. Like the holdout they span many moments, so unlike the mean over
    windows it also sees scores that drift from window to window."""
    best_iterations: tuple[int | None, ...] = ()
    """Boosting rounds, trees or epochs at the best validation loss of each fold."""
    train_rows: tuple[int, ...] = ()
    first_loss: float | None = None
    """Lowest validation loss reported on the first fold."""
    fit_seconds: tuple[float, ...] = ()
    seconds: float = 0.0
    """Wall time of the whole trial, preprocessing included."""
    truncated: bool = False
    """Whether the clock, not the validation loss, ended a fit."""
    reason: str = ""
    """Why it was pruned or failed."""

    @property
    def score(self) -> float:
        """Mean of the fold scores, or the pooled score of time folds; NaN when no fold was finished."""
        if self.pooled is not None:
            return self.pooled
        return float(np.mean(self.fold_scores)) if self.fold_scores else float("nan")

    @property
    def std(self) -> float:
        """Standard deviation of the fold scores."""
        return float(np.std(self.fold_scores)) if self.fold_scores else float("nan")

    def timeless(self) -> Trial:
        """The same trial without durations, which differ between equal runs."""
        return self.model_copy(update={"fit_seconds": tuple(0.0 for _ in self.fit_seconds), "seconds": 0.0})


@dataclass(frozen=True)
class Candidate:
    """A complete trial that the ensemble may use."""

    trial: Trial
    oof: np.ndarray
    """Out-of-fold predictions, float64 of shape (n_train, n_classes) or (n_train,); NaN rows were in no validation fold."""


@dataclass(frozen=True)
class Study(Storable):
    """What tuning one family found."""

    family: str
    metric: str
    trials: tuple[Trial, ...]
    candidates: tuple[Candidate, ...]
    """The best complete trials, best first; empty when the family was dropped."""
    reason: str
    """Why the family was dropped or gave up early; empty otherwise."""
    seconds: float
    """Wall time spent on this family, earlier attempts of the same study included."""
    clock_s: float
    """Wall time of the budget that was gone, all families together, when this family ended."""
    timed: bool
    """Whether a budget ruled; without one, durations stay out of the files so that equal runs write equal bytes."""

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None

    def write(self, folder: Path) -> None:
        study = self if self.timed else replace(self, seconds=0.0, clock_s=0.0)
        record = {
            "family": study.family,
            "metric": study.metric,
            "reason": study.reason,
            "seconds": study.seconds,
            "clock_s": study.clock_s,
            "timed": study.timed,
            "candidates": [candidate.trial.number for candidate in study.candidates],
            "trials": [(trial if self.timed else trial.timeless()).model_dump() for trial in study.trials],
        }
        (folder / "study.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        for candidate in self.candidates:
            np.save(folder / f"oof_{candidate.trial.number}.npy", np.ascontiguousarray(candidate.oof, dtype="float64"), allow_pickle=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        record = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        trials = tuple(Trial.model_validate(trial) for trial in record.pop("trials"))
        by_number = {trial.number: trial for trial in trials}
        candidates = tuple(
            Candidate(by_number[number], np.load(folder / f"oof_{number}.npy", allow_pickle=False)) for number in record.pop("candidates")
        )
        return cls(trials=trials, candidates=candidates, **record)

    def metadata(self) -> dict[str, Fact]:
        facts: dict[str, Fact] = {"family": self.family, "trials": len(self.trials)}
        facts["pruned"] = sum(trial.state == "pruned" for trial in self.trials)
        if self.best:
            facts[f"cv_{self.metric}"] = self.best.trial.score
        if self.timed:
            facts["seconds"] = round(self.seconds, 1)
        if self.reason:
            facts["reason"] = self.reason
        return facts

    def report(self) -> Report:
        """Scores over time and a table of trials."""
        best = self.best
        lead = f"{len(self.trials)} trials, {sum(trial.state == 'pruned' for trial in self.trials)} pruned"
        if self.timed:
            lead += f", {self.seconds:.1f} s"
        lead += f"; best {self.metric} {best.trial.score:.5f} ± {best.trial.std:.5f}" if best else "; no trial was completed"
        sections = []
        if self.reason:
            sections.append(Section("Why it ended", self.reason))
        if best:
            sections.append(Section("Score over time", self._curve()))
            settings = {**best.trial.choices, **best.trial.params}
            rows = [(Name(key), json.dumps(value)) for key, value in settings.items()]
            sections.append(Section("Best parameters", Table(("parameter", "value"), rows)))
        if self.trials:
            more = len(self.trials) - _SHOWN
            after = [f"and {more} more in study.json"] if more > 0 else []
            sections.append(Section("Trials, best first", self.trial_table().first(_SHOWN), *after))
        return Report(f"Tuning {self.family}", lead, sections)

    def trial_table(self) -> Table:
        """Every trial, best first."""
        rest = [trial for trial in self.trials if trial.state != "complete"]
        rows = []
        for trial in ranked(self.trials, self.metric) + rest:
            iterations = [value for value in trial.best_iterations if value is not None]
            rows.append(
                (
                    trial.number,
                    Badge(trial.state, _LEVELS[trial.state]),
                    trial.score,
                    trial.std,
                    len(trial.fold_scores),
                    round(float(np.mean(iterations))) if iterations else None,
                    trial.seconds if self.timed else None,
                    json.dumps({**trial.choices, **trial.params}),
                    trial.reason or ("ended by the clock" if trial.truncated else ""),
                )
            )
        headers = ("trial", "state", self.metric, "std", "folds", "iterations", "seconds", "parameters", "note")
        return Table(headers, rows, {"seconds": ".1f"})

    def progress(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the score of the best stood after each complete trial: seconds of trials, or without a clock their number; the score."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        at = np.cumsum([trial.seconds for trial in self.trials]) if self.timed else np.arange(1, len(self.trials) + 1)
        scores = np.array([trial.score for trial in complete])
        best = np.maximum.accumulate(scores) if METRICS[self.metric].greater_is_better else np.minimum.accumulate(scores)
        return np.array([at[trial.number] for trial in complete], dtype="float64"), best

    def _curve(self) -> Chart:
        from matplotlib.figure import Figure

        complete = [trial for trial in self.trials if trial.state == "complete"]
        x, best = self.progress()
        y = np.array([trial.score for trial in complete])
        error = [trial.std / max(len(trial.fold_scores), 1) ** 0.5 for trial in complete]
        figure = Figure(figsize=(7, 2.8))
        axes = figure.add_subplot()
        axes.errorbar(x, y, yerr=error, fmt="o", ms=4, lw=1, color="#8a94a8")
        axes.step(x, best, where="post", color="#2457c5", label="best so far")
        axes.set_xlabel("seconds of trials" if self.timed else "trials")
        axes.set_ylabel(f"cross-validated {self.metric}")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return chart(figure, f"cross-validated {self.metric} of each trial, and the best so far")


def merged(studies: Sequence[Study]) -> Study:
    """One study from what each worker of a shared search saw at its end.

    Whoever finished a trial saw it, so the best trials of all are among the candidates of one who did.

    Parameters
    ----------
    studies : sequence of Study
        Of one family and one search, at least one.
    """
    first = studies[0]
    if any((study.family, study.metric, study.timed) != (first.family, first.metric, first.timed) for study in studies):
        raise ValueError("these studies are not of one search")
    trials = {trial.number: trial for study in reversed(studies) for trial in study.trials}
    kept = {candidate.trial.number: candidate.oof for study in studies for candidate in study.candidates}
    in_order = tuple(trials[number] for number in sorted(trials))
    best = [trial for trial in ranked(in_order, first.metric) if trial.number in kept][: max(len(study.candidates) for study in studies)]
    return Study(
        family=first.family,
        metric=first.metric,
        trials=in_order,
        candidates=tuple(Candidate(trial, kept[trial.number]) for trial in best),
        # A worker that came to nothing says nothing about the others.
        reason="" if best and any(not study.reason for study in studies) else next((study.reason for study in studies if study.reason), ""),
        seconds=max(study.seconds for study in studies),
        clock_s=max(study.clock_s for study in studies),
        timed=first.timed,
    )


def leading(studies: Sequence[Study]) -> Study:
    """The study whose best trial has the best cross-validated score; the first where none has one."""
    return max(studies, key=lambda study: METRICS[study.metric].sign * study.best.trial.score if study.best else float("-inf"))


def latest(studies: Sequence[Study]) -> list[Study]:
    """One study of each family: the last, where a search was gone on with."""
    return list({study.family: study for study in studies}.values())


def ranked(trials: tuple[Trial, ...] | list[Trial], metric: str) -> list[Trial]:
    """The complete trials, best first; the earlier of two equals wins."""
    sign = METRICS[metric].sign
    return sorted((trial for trial in trials if trial.state == "complete"), key=lambda trial: (-sign * trial.score, trial.number))
