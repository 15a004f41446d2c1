"""Monitoring: from a window of predictions to a decision, and at most one alert."""

from __future__ import annotations

from zenml import pipeline

from steps.monitoring.decide import decide
from steps.monitoring.find_production import find_production
from steps.monitoring.measure_drift import measure_drift
from steps.monitoring.measure_performance import measure_performance
from steps.monitoring.read_window import read_window
from steps.monitoring.send_alert import send_alert
from steps.monitoring.validate_window import validate_window
from switchyard.monitoring.look import Look
from switchyard.tabular.config.problem import Problem


@pipeline(name="monitoring")
def monitoring(problem: Problem, look: Look) -> None:
    """From a window of predictions to a decision, and at most one alert.

    Parameters
    ----------
    problem : Problem
        Names the model; its section `monitoring` holds the thresholds.
    look : Look
        Which predictions.
    """
    production, reference = find_production(problem)
    window = read_window(production, reference, look, problem)
    validation = validate_window(window, reference, problem)
    drift = measure_drift(window, reference, production, problem)
    performance = measure_performance(window, reference, problem)
    decision = decide(window, validation, drift, performance, look, problem)
    send_alert(decision, drift, problem)
