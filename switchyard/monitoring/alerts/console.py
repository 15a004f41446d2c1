"""Channel `console`: the log of the run."""

from __future__ import annotations

import logging

from switchyard.monitoring.alerts.alert import Alert
from switchyard.tabular.config.monitoring import Channel

REQUIRED: tuple[str, ...] = ()
logger = logging.getLogger(__name__)


def deliver(alert: Alert, channel: Channel) -> None:
    """Write the alert to the log; run.py shows it after the run too."""
    logger.warning("%s", alert.text)
