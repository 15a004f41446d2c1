"""Hyperparameter search: one Optuna study per model family, resumable, within its share of a budget."""

from switchyard.tabular.tuning.events import Event, Progress
from switchyard.tabular.tuning.store import StudyStore, study_key
from switchyard.tabular.tuning.study import Candidate, Study, Trial, latest
from switchyard.tabular.tuning.tuner import tune_family, tune_further

__all__ = ["Candidate", "Event", "Progress", "Study", "StudyStore", "Trial", "latest", "study_key", "tune_family", "tune_further"]
