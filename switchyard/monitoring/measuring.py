"""What is measured of a window, by what its version has learnt from: the columns of rows, or who took what."""

from __future__ import annotations

from switchyard.bundle import Scorer
from switchyard.monitoring.drift import DriftReport, measure_drift
from switchyard.monitoring.performance import Performance, measure_performance
from switchyard.monitoring.recommending.drift import measure_shift
from switchyard.monitoring.recommending.performance import measure_hits
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.monitoring import Monitoring


def drift_of(window: Window, reference: Reference, settings: Monitoring, scorer: Scorer | None = None) -> DriftReport:
    """How far the window is from the reference of its version; `scorer` as `measure_drift` takes it."""
    if reference.catalogue is not None:
        return measure_shift(window, reference, settings)
    return measure_drift(window, reference, settings, scorer)


def performance_of(window: Window, reference: Reference, settings: Monitoring) -> Performance:
    """What the answers of the window were worth, as far as labels or estimates tell."""
    measure = measure_performance if reference.catalogue is None else measure_hits
    return measure(window, reference, settings)
