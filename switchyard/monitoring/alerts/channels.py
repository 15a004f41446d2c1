"""The channels there are. One of them is one module, named in `CHANNELS`; docs/extend.md tells how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import urlsplit

from switchyard.monitoring.alerts.alert import Alert
from switchyard.parts import Part, Parts
from switchyard.tabular.config.monitoring import Channel


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


class AlertChannel(Part, ABC):
    """A way that alerts go."""

    noun = "channel"
    home = "switchyard.monitoring.alerts.channels:CHANNELS"

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of its config that it can't do without."""

    @abstractmethod
    def deliver(self, alert: Alert, channel: Channel) -> None:
        """Send once, within `channel.timeout_s`, or raise `ChannelError`."""

    def label(self, channel: Channel) -> str:
        """What tells `channel` from others of its kind, without secrets: a host or addresses, never a path."""
        host = urlsplit(channel.url).hostname if channel.url and "{{" not in channel.url else channel.url
        return host or ""


CHANNELS = Parts(
    AlertChannel,
    (
        "switchyard.monitoring.alerts.console",
        "switchyard.monitoring.alerts.slack",
        "switchyard.monitoring.alerts.webhook",
        "switchyard.monitoring.alerts.email",
    ),
)


def channel_name(channel: Channel) -> str:
    """The channel's kind and its label."""
    label = CHANNELS[channel.kind].label(channel) if channel.kind in CHANNELS else ""
    return f"{channel.kind} {label}".strip()[:64]


def deliver_by(channel: Channel) -> Callable[[Alert, Channel], None]:
    """What delivers through `channel`.

    Raises
    ------
    ChannelError
        There is no such kind, or its config lacks something.
    """
    if channel.kind not in CHANNELS:
        raise ChannelError(CHANNELS.unknown(channel.kind), lasting=True)
    chosen = CHANNELS[channel.kind]
    lacking = [field for field in chosen.needs if not getattr(channel, field)]
    if lacking:
        raise ChannelError(f"channel {channel.kind} lacks {', '.join(lacking)}", lasting=True)
    return chosen.deliver
