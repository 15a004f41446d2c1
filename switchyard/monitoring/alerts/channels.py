"""The channels there are. A new one is one module beside this with a `deliver`, and one line of `CHANNELS`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from urllib.parse import urlsplit

from switchyard.monitoring.alerts.alert import Alert
from switchyard.tabular.config.monitoring import Channel

CHANNELS = {
    "console": "switchyard.monitoring.alerts.console",
    "slack": "switchyard.monitoring.alerts.slack",
    "webhook": "switchyard.monitoring.alerts.webhook",
    "email": "switchyard.monitoring.alerts.email",
}
"""Kind -> module. Its `deliver(alert, channel)` sends once, within `channel.timeout_s`, or raises `ChannelError`; its
`REQUIRED` names the fields of the config it can't do without."""


class ChannelError(Exception):
    """An alert was not delivered.

    Parameters
    ----------
    message : str
        Without secrets: it is kept and shown.
    lasting : bool
        True where another attempt would fail too.
    """

    def __init__(self, message: str, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


def channel_name(channel: Channel) -> str:
    """The channel's kind and what tells it from others of its kind, without secrets: a host or addresses, never a path."""
    if channel.kind == "email":
        return f"email {', '.join(channel.to)}"[:64]
    host = urlsplit(channel.url).hostname if channel.url and "{{" not in channel.url else channel.url
    return f"{channel.kind} {host or ''}".strip()[:64]


def deliver_by(channel: Channel) -> Callable[[Alert, Channel], None]:
    """What delivers through `channel`.

    Raises
    ------
    ChannelError
        There is no such kind, or its config lacks something.
    """
    if channel.kind not in CHANNELS:
        raise ChannelError(f"there is no channel {channel.kind!r}; there are {', '.join(CHANNELS)}", lasting=True)
    module = import_module(CHANNELS[channel.kind])
    lacking = [field for field in module.REQUIRED if not getattr(channel, field)]
    if lacking:
        raise ChannelError(f"channel {channel.kind} lacks {', '.join(lacking)}", lasting=True)
    return module.deliver
