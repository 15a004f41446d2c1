"""Channel `slack`: an incoming webhook."""

from __future__ import annotations

from switchyard.monitoring.alerts.alert import Alert
from switchyard.monitoring.alerts.channels import AlertChannel
from switchyard.monitoring.alerts.http import post
from switchyard.tabular.config.monitoring import Channel

_MOST = 2900
"""Characters that Slack takes in one section, less some room."""


class Slack(AlertChannel):
    """An incoming webhook."""

    name = "slack"
    needs = ("url",)

    def deliver(self, alert: Alert, channel: Channel) -> None:
        """Post the alert as a header and a section."""
        body = _escaped("\n".join(alert.body))[:_MOST]
        blocks = [
            {"type": "header", "text": {"type": "plain_text", "text": alert.headline[:150]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": body}},
        ]
        post(str(channel.url), {"text": _escaped(alert.headline), "blocks": blocks}, channel.timeout_s)


def _escaped(text: str) -> str:
    """As Slack wants it: a column called <!channel> must wake nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


PARTS = (Slack(),)
