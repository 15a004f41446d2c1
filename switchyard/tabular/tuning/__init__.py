"""Hyperparameter search: one Optuna study per model family, resumable, within its share of a budget."""

from switchyard.tabular.tuning.events import Event, Progress
from switchyard.tabular.tuning.store import StudyStore, study_key
from switchyard.tabular.tuning.study import Candidate, Study, Trial
from switchyard.tabular.tuning.tuner import tune_family

__all__ = ["Candidate", "Event", "Progress", "Study", "StudyStore", "Trial", "study_key", "tune_family"]
