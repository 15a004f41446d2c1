"""`fit`: the training of the pipeline in one call, from a frame to a model with its evaluation and its bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.belief import doubt
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.served import evaluate_served
from switchyard.tabular.explanation import Explanation, explain
from switchyard.tabular.export.bundle import ExportedBundle, Parity, export_bundle
from switchyard.tabular.export.served import Served, make_served
from switchyard.tabular.features.history import add_history
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.model.ensemble import budget_left, build_ensemble
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.quality import QualityReport, check_quality
from switchyard.tabular.tables.conform import conform
from switchyard.tabular.tables.large.rest import NO_REST, Rest
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.split import Split, split_table
from switchyard.tabular.tables.table import Table
from switchyard.tabular.tuning.events import Progress
from switchyard.tabular.tuning.store import StudyStore, study_key
from switchyard.tabular.tuning.study import latest
from switchyard.tabular.tuning.tuner import tune_family, tune_further
from switchyard.tabular.validation import infer_suite, validate

FRAME = "the frame"
"""What stands in messages where a file's name would."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model and what led to it.

    Attributes
    ----------
    problem : Problem
        With nothing left at "auto".
    split : Split
        Training part and holdout in canonical types.
    quality : QualityReport
    plan : FeaturePlan
    model : Model
        Fitted to all rows; to the training part where `served` says so.
    leaderboard : Leaderboard
    bundle : ExportedBundle
        The model as serving gets it: `bundle.write(folder)`, and `switchyard.bundle.Scorer(folder)` answers from it.
    evaluated : ExportedBundle
        Its evaluated twin: the same recipe, fitted without the holdout.
    served : Served
        Which of the two `bundle` is, how far its answers are from the model's, and how far both are apart on the holdout.
    evaluation : Evaluation
        Of the evaluated twin on the holdout, which it has not seen.
    notes : tuple of str
        What was decided, left out, found wrong or is hard to believe, one sentence each.
    """

    problem: Problem
    split: Split
    quality: QualityReport
    plan: FeaturePlan
    model: Model
    leaderboard: Leaderboard
    bundle: ExportedBundle
    evaluated: ExportedBundle
    served: Served
    evaluation: Evaluation
    notes: tuple[str, ...]

    @property
    def parity(self) -> Parity:
        """How far the bundle's answers on the holdout are from the model's."""
        return self.served.parity

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Labels (object of str), or predictions (float64, in units of the target), of shape (n_rows,).

        Raises
        ------
        InputError
            When a column that the model reads is missing or of another kind.
        """
        return self.model.predict(read_rows(self.model, frame))

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities, float64 of shape (n_rows, n_classes), columns as in `model.classes`.

        Raises
        ------
        InputError
            As `predict`, and for a regression.
        """
        if not self.model.classes:
            raise InputError(f"a regression of {self.model.target!r} has no probabilities; use predict, or model.interval for its interval")
        return self.model.predict_proba(read_rows(self.model, frame))

    def explain(self) -> Explanation:
        """Which columns move the evaluated twin's answers, and why single rows of the holdout got theirs; takes seconds to minutes."""
        return explain(self.evaluated.scorer(), self.split, self.problem)


def fit(
    frame: pd.DataFrame,
    target: str,
    budget_s: float = 60.0,
    *,
    trials: int | None = None,
    families: Sequence[str] | None = None,
    metric: str = "auto",
    seed: int = 0,
    name: str = "model",
    progress: Progress | None = None,
    **settings: Any,
) -> Fitted:
    """Train on `frame` as the pipeline would: a holdout, quality checks, tuning, ensembles, export, evaluation.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Columns of any type, `target` among them. It is not changed.
    target : str
    budget_s : float
        Wall seconds of tuning, ensembling, export and the fit on all rows together.
    trials : int, optional
        Trials per family instead of a budget: the same model for the same seed.
    families : sequence of str, optional
        Model families to search; all of ours when absent.
    metric : str
        "auto" takes the task's own.
    seed : int
    name : str
        What the bundle calls the model.
    progress : callable, optional
        Told every event of the search; `switchyard.tabular.tuning.leaderboard.LiveLeaderboard` is one.
    **settings
        Other keys of a config, as in its YAML: `task="regression"`, `split={"kind": "time"}`, `data={"time_column": "month"}`.

    Returns
    -------
    Fitted

    Raises
    ------
    InputError
        When the frame or a setting is wrong; the message names the column or key and the way out.
    GateClosed
        When the quality of the data is such that the settings say to stop.
    SwitchyardError
        When no family could be fitted in the budget.
    """
    tuning = {"budget_s": budget_s, "trials": trials, "seed": seed, **({} if families is None else {"families": tuple(families)})}
    asked = problem_of(target, tuning, {"metric": metric, "name": name, **settings})
    table, problem, notes = resolve(raw_table(frame), asked)
    return train(table, problem, notes, progress)


def train(table: Table, problem: Problem, notes: tuple[str, ...], progress: Progress | None = None, rest: Rest = NO_REST) -> Fitted:
    """What `fit` does with a table once it is resolved, `rest` being rows on disk that it is a sample of; it raises the same."""
    split = split_table(add_history(table, problem), problem)
    quality = check_quality(split, problem)
    quality.raise_if_stopped()
    # The expectations are learnt to be kept and held against later data; here they matter only where they may stop.
    if problem.quality.validation == "stop":
        validate(split.holdout, infer_suite(split, problem), what="holdout").raise_if_failed("stop")
    plan = plan_features(split, quality.dropped, problem)
    model, leaderboard = search(split, plan, problem, progress)
    evaluated, parity = export_bundle(model, split, problem)
    model, bundle, served = make_served(model, evaluated, parity, split, plan, problem, leaderboard.left_s, None, rest)
    evaluation = evaluate_served(evaluated, split, plan, problem)
    doubts = [sentence for sentence in (doubt(evaluation, leaderboard, split, problem), evaluation.threshold_cost()) if sentence]
    found = (*notes, *plan.notes(), *(finding.message for finding in quality.findings), *leaderboard.notes, *doubts, served.sentences)
    return Fitted(
        problem=problem,
        split=split,
        quality=quality,
        plan=plan,
        model=model,
        leaderboard=leaderboard,
        bundle=bundle,
        evaluated=evaluated,
        served=served,
        evaluation=evaluation,
        notes=found,
    )


def problem_of(target: str | None, tuning: Mapping[str, Any], settings: Mapping[str, Any]) -> Problem:
    """The problem that arguments describe; what `settings` says of a section goes first.

    Raises
    ------
    InputError
        With one line per wrong key or value.
    """
    sections = {"data": {"source": FRAME} if target is None else {"source": FRAME, "target": target}, "tuning": tuning}
    for section in sections:
        if not isinstance(settings.get(section, {}), Mapping):
            raise InputError(f"fit: {section} must be a mapping of keys to values, as in a config")
    merged = {section: {**given, **settings.get(section, {})} for section, given in sections.items()}
    return problem_from({**settings, **merged}, "fit")


def raw_table(frame: pd.DataFrame) -> RawTable:
    """`frame` as if it had been read from a source: columns named by text, rows numbered.

    Raises
    ------
    InputError
        When it is no frame, has no rows, or two columns of one name.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"fit: a pandas DataFrame is needed, not {type(frame).__name__}")
    if frame.empty:
        raise InputError(f"{FRAME} has {len(frame)} rows and {frame.shape[1]} columns; give rows to learn from")
    named = text_names(frame)
    if not named.columns.is_unique:
        raise InputError(f"{FRAME} has several columns named {named.columns[named.columns.duplicated()][0]!r}; give each its own name")
    return RawTable(named, FRAME, "")


def text_names(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with its columns named by text and its rows numbered from 0."""
    return frame.set_axis(list(map(str, frame.columns)), axis=1).reset_index(drop=True)


def search(split: Split, plan: FeaturePlan, problem: Problem, progress: Progress | None = None) -> tuple[Model, Leaderboard]:
    """Tune every family of the problem one after the other, within one budget, and fit what wins to all training rows.

    Raises
    ------
    SwitchyardError
        When no family has a model, with each one's reason.
    """
    # Nothing is taken up later, so the code needs no place in the key.
    key = study_key(split, plan, problem, code="")
    with tempfile.TemporaryDirectory(prefix="switchyard-") as folder:
        store = StudyStore(folder, key)
        studies = [tune_family(split, plan, problem, family, store, progress) for family in problem.tuning.families]
        studies = latest([*studies, tune_further(studies, split, plan, problem, store, progress)])
    return build_ensemble(studies, split, plan, problem, budget_left(studies, split, problem))


def read_rows(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that `model` reads, in canonical types.

    Raises
    ------
    InputError
        When one is missing or of another kind.
    """
    rows, _ = conform(text_names(frame), Schema(columns=model.columns))
    return rows
