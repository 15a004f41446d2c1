"""`Monitor`: what the monitoring pipeline would see in a table, of a model that `switchyard.fit` trained."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from switchyard.monitoring.decide import decide
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.expectations import validate_window
from switchyard.monitoring.look import Look
from switchyard.monitoring.measuring import drift_of, performance_of
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.reference import Reference, describe_reference
from switchyard.monitoring.table_window import window_of_table
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.fitting import FRAME, Fitted
from switchyard.tabular.validation import ValidationReport, infer_suite


@dataclass(frozen=True, eq=False)
class Seen:
    """One look at a table.

    Attributes
    ----------
    validation : ValidationReport
        Of the expectations that training inferred.
    drift : DriftReport
        Of columns and answers, against training.
    performance : Performance
        Measured where the table has the target, else estimated.
    decision : Decision
        What the rules of `problem.monitoring` make of it.
    """

    validation: ValidationReport
    drift: DriftReport
    performance: Performance
    decision: Decision


class Monitor:
    """A fitted model and what new rows are held against.

    Parameters
    ----------
    fitted : Fitted
        Its evaluated twin's answers on the holdout are the reference; making it takes as long as `fitted.explain()`.
    """

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        bundle, split, problem = fitted.evaluated, fitted.split, fitted.problem
        scorer = bundle.scorer()
        answers = predict_served(scorer, split.holdout)
        suite = infer_suite(split, problem)
        self.reference: Reference = describe_reference(
            split, answers, scorer.signature, bundle.digest, fitted.evaluation, fitted.explain(), suite, problem
        )

    def look(self, frame: pd.DataFrame) -> Seen:
        """Look at rows as they come, with the target where it is known.

        Raises
        ------
        InputError
            A column of the model is missing, or there are no rows.
        """
        problem, scorer = self._fitted.problem, self._fitted.bundle.scorer()
        settings = problem.monitoring
        asked = Look(source=FRAME)
        window = window_of_table(frame, scorer, problem.name, "0", self.reference.facts, asked, settings.sample_rows)
        validation = validate_window(window, self.reference, settings)
        drift = drift_of(window, self.reference, settings, scorer)
        performance = performance_of(window, self.reference, settings)
        return Seen(validation, drift, performance, decide(window.facts, validation, drift, performance, settings))
