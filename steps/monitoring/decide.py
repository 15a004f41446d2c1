"""Step: what is to be done about the model."""

import logging
from typing import Annotated

from zenml import step

from deployment.experiments.traffic import traffic_since
from deployment.predictions import prediction_log
from deployment.registration import active_deployer
from switchyard.monitoring import decide as library
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.ledger import Ledger
from switchyard.monitoring.look import Look
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.validation import ValidationReport

logger = logging.getLogger(__name__)


@step(enable_cache=False)
def decide(
    window: Window, validation: ValidationReport, drift: DriftReport, performance: Performance, look: Look, problem: Problem
) -> Annotated[Decision, "decision"]:
    """Apply the rules and keep the decision as the one about this window; never cached, since earlier windows count too."""
    counted = None if look.location else _counted(problem.name, window.facts.version)
    with prediction_log(problem.name, settle_s=0) as engine:
        return library.decide_and_record(window.facts, validation, drift, performance, problem.monitoring, Ledger(engine), counted)


def _counted(name: str, version: str) -> Counts | None:
    """What the front door has counted of a version; None where nobody can say."""
    try:
        traffic = traffic_since(active_deployer().host, name, version, {})
    except SwitchyardError as error:
        logger.warning("refused requests are not looked at: %s", error)
        return None
    return None if traffic.state == "absent" else traffic.counts
