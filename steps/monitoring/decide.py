"""Step: what is to be done about the model."""

from typing import Annotated

from zenml import step

from monitoring import decide as library
from monitoring.decision import Decision
from monitoring.drift import DriftReport
from monitoring.ledger import Ledger
from monitoring.performance import Performance
from monitoring.window import Window
from stacks.deployer.predictions import prediction_log
from tabular.problem import Problem
from tabular.validation import ValidationReport


@step(enable_cache=False)
def decide(
    window: Window, validation: ValidationReport, drift: DriftReport, performance: Performance, problem: Problem
) -> Annotated[Decision, "decision"]:
    """Apply the rules and keep the decision as the one about this window; never cached, since earlier windows count too."""
    with prediction_log(problem.name, settle_s=0) as engine:
        return library.decide_and_record(window.facts_, validation, drift, performance, problem.monitoring, Ledger(engine))
