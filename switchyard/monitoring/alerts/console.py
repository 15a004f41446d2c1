"""Channel `console`: the log of the run."""

from __future__ import annotations

import logging

from switchyard.monitoring.alerts.alert import Alert
from switchyard.monitoring.alerts.channels import AlertChannel
from switchyard.tabular.config.monitoring import Channel

logger = logging.getLogger(__name__)


class Console(AlertChannel):
    """The log of the run."""

    name = "console"

    def deliver(self, alert: Alert, channel: Channel) -> None:
        """Write the alert to the log; run.py shows it after the run too."""
        logger.warning("%s", alert.message)


PARTS = (Console(),)
