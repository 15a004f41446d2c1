"""Hyperparameter search: one Optuna study per model family, resumable, within its share of a budget."""

from tabular.tuning.events import Event, Progress
from tabular.tuning.store import StudyStore, study_key
from tabular.tuning.study import Candidate, Study, Trial
from tabular.tuning.tuner import tune_family

__all__ = ["Candidate", "Event", "Progress", "Study", "StudyStore", "Trial", "study_key", "tune_family"]
