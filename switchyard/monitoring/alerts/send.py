"""`send`: an alert through every channel, once each, whatever was killed before."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from switchyard.monitoring.alerts.alert import Alert
from switchyard.monitoring.alerts.channels import ChannelError, channel_name, deliver_by
from switchyard.monitoring.alerts.ledger import AlertLedger, Entry
from switchyard.processes import at_work
from switchyard.tabular.config.monitoring import Channel
from switchyard.tabular.report.report import Badge, Level, Report, Section, Table
from switchyard.tabular.storable import Fact, Record

logger = logging.getLogger(__name__)

_PAUSE_S = 1.0
Deliver = Callable[[Alert, Channel], None]


class Delivery(BaseModel):
    """One channel and how it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str
    state: Literal["sent", "failed", "sent before", "unknown"]
    """unknown: a run was killed while it was sending, so it may have arrived; or another run is at it."""
    attempts: int
    detail: str = ""


class AlertResult(Record):
    """What was told to whom."""

    alert: Alert | None
    """None where there was nothing to tell."""
    deliveries: tuple[Delivery, ...] = ()

    def metadata(self) -> dict[str, Fact]:
        states = ", ".join(f"{one.channel}: {one.state}" for one in self.deliveries)
        return {"alert": self.alert.title if self.alert else "none", "deliveries": states or "none"}

    def report(self) -> Report:
        if self.alert is None:
            return Report("Alert", "There was nothing to tell.")
        levels: dict[str, Level] = {"sent": "good", "sent before": "note", "failed": "bad", "unknown": "warn"}
        rows = [(one.channel, Badge(one.state, levels[one.state]), one.attempts, one.detail) for one in self.deliveries]
        sections = [
            Section("Channels", Table(("channel", "state", "attempts", "detail"), rows)),
            Section("Text", *self.alert.plain, *self.alert.lines, *self.alert.links),
        ]
        return Report(self.alert.title, f"Key {self.alert.key}", sections)


def send(
    alert: Alert | None,
    channels: Sequence[Channel],
    ledger: AlertLedger,
    resolve: Callable[[Channel], Channel] = lambda channel: channel,
    others: Sequence[tuple[Channel, Deliver]] = (),
    pause_s: float = _PAUSE_S,
) -> AlertResult:
    """Send `alert` through all `channels`, each at most once for the alert's key.

    An entry is in the ledger before anything is sent. A run that was killed before the alert left is made good by the next;
    of one that was killed while it left nobody can say whether it arrived: it is rather lost than sent twice, and the
    result says so, except by a channel whose receiver drops what it has (`idempotent`). A channel that failed is tried
    again by the next run of the same window.

    Parameters
    ----------
    alert : Alert or None
    channels : sequence of Channel
        As in the config: secrets are references.
    ledger : AlertLedger
    resolve : callable
        Puts secrets into a channel.
    others : sequence of (Channel, callable)
        Channels that are not of this package, with what delivers by them.
    pause_s : float
        Before the second attempt; doubled before each further one.

    Returns
    -------
    AlertResult
        Never an error: a dead channel is in the result.
    """
    if alert is None:
        return AlertResult(alert=None)
    wanted = [*((channel, None) for channel in channels), *others]
    return AlertResult(
        alert=alert, deliveries=tuple(_send_once(alert, channel, deliver, ledger, resolve, pause_s) for channel, deliver in wanted)
    )


def _send_once(
    alert: Alert, channel: Channel, deliver: Deliver | None, ledger: AlertLedger, resolve: Callable[[Channel], Channel], pause_s: float
) -> Delivery:
    name = channel_name(channel)
    try:
        if not ledger.claim(alert.key, name) and (before := _before(alert.key, name, channel, ledger)):
            return before
        attempts, error = _attempt(alert, channel, name, deliver, ledger, resolve, pause_s)
        state: Literal["sent", "failed"] = "failed" if error else "sent"
        ledger.note(alert.key, name, state, attempts, error)
        return Delivery(channel=name, state=state, attempts=attempts, detail=error)
    except Exception as error:
        logger.warning("alert by %s: %s", name, type(error).__name__)
        return Delivery(channel=name, state="failed", attempts=0, detail=f"the ledger does not answer: {type(error).__name__}")


def _before(key: str, name: str, channel: Channel, ledger: AlertLedger) -> Delivery | None:
    """How an earlier run fared; None where this one may send."""
    entry = ledger.entries(key)[name]
    when = f"{entry.changed:%Y-%m-%d %H:%M:%S} UTC"
    if entry.state == "sent":
        return Delivery(channel=name, state="sent before", attempts=entry.attempts, detail=when)
    busy = entry.state != "failed" and _at_work(entry, channel)
    if not busy and (entry.state != "sending" or channel.idempotent):
        if ledger.claim_again(key, name, entry):
            return None
        busy = True
    told = "another run is sending it" if busy else "a run was stopped while it was sending"
    return Delivery(channel=name, state="unknown", attempts=entry.attempts, detail=f"{told} at {when}")


def _at_work(entry: Entry, channel: Channel) -> bool:
    """Whether the run that took it up goes on; one on another machine has as long as all its attempts may take."""
    longest = timedelta(seconds=channel.attempts * (channel.timeout_s + _PAUSE_S * 2**channel.attempts))
    return at_work(entry.detail, datetime.now(UTC) - entry.changed, longest)


def _attempt(
    alert: Alert,
    channel: Channel,
    name: str,
    deliver: Deliver | None,
    ledger: AlertLedger,
    resolve: Callable[[Channel], Channel],
    pause_s: float,
) -> tuple[int, str]:
    """Attempts made, and why the last one failed; empty where it did not."""
    error = ""
    for attempt in range(1, channel.attempts + 1):
        try:
            resolved = resolve(channel)
            chosen = deliver or deliver_by(resolved)
            ledger.note(alert.key, name, "sending", attempt)
            chosen(alert, resolved)
            return attempt, ""
        except ChannelError as failed:
            error = str(failed)
            if failed.lasting:
                return attempt, error
        except Exception as failed:
            # What it says may hold a secret.
            return attempt, f"unexpected {type(failed).__name__}"
        if attempt < channel.attempts:
            ledger.note(alert.key, name, "claimed", attempt)
            time.sleep(pause_s * 2 ** (attempt - 1))
    return channel.attempts, error
