"""Step: at most one alert."""

from typing import Annotated

from zenml import step

from deployment.predictions import prediction_log
from stacks.alerting import channel_with_secrets, links, stack_alerter
from switchyard.monitoring.alerts import AlertLedger, AlertResult, compose, send, spells_of
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.ledger import Ledger
from switchyard.tabular.config.problem import Problem


@step(enable_cache=False)
def send_alert(decision: Decision, drift: DriftReport, problem: Problem) -> Annotated[AlertResult, "alert"]:
    """Tell the channels of the config, and the stack's alerter where it has one; none of them can fail the run."""
    settings = problem.monitoring
    with prediction_log(problem.name, settle_s=0) as engine:
        earlier = Ledger(engine).earlier(decision)
        page = f"reports/{problem.name}/monitoring/decision.html"
        alert = compose(decision, drift, links(settings.link, page), spells_of(decision, earlier))
        return send(alert, settings.channels, AlertLedger(engine), channel_with_secrets, stack_alerter())
