"""Step: what is to be done about the model."""

from typing import Annotated

from zenml import step

from deployment.predictions import prediction_log
from switchyard.monitoring import decide as library
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.ledger import Ledger
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.validation import ValidationReport


@step(enable_cache=False)
def decide(
    window: Window, validation: ValidationReport, drift: DriftReport, performance: Performance, problem: Problem
) -> Annotated[Decision, "decision"]:
    """Apply the rules and keep the decision as the one about this window; never cached, since earlier windows count too."""
    with prediction_log(problem.name, settle_s=0) as engine:
        return library.decide_and_record(window.facts_, validation, drift, performance, problem.monitoring, Ledger(engine))
