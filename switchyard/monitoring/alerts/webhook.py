"""Channel `webhook`: the alert as JSON to any address."""

from __future__ import annotations

from switchyard.monitoring.alerts.alert import Alert
from switchyard.monitoring.alerts.channels import AlertChannel
from switchyard.monitoring.alerts.http import post
from switchyard.tabular.config.monitoring import Channel


class Webhook(AlertChannel):
    """The alert as JSON to any address."""

    name = "webhook"
    needs = ("url",)

    def deliver(self, alert: Alert, channel: Channel) -> None:
        """Post all fields of the alert; `Idempotency-Key` lets a receiver drop what it has already."""
        content = {**alert.model_dump(mode="json"), "text": alert.text}
        post(str(channel.url), content, channel.timeout_s, {"Idempotency-Key": alert.key, **channel.headers})


PARTS = (Webhook(),)
