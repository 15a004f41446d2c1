"""Alerts: one for each decision that asks for something, through the channels of the config."""

from monitoring.alerts.alert import Alert, compose
from monitoring.alerts.channels import CHANNELS, ChannelError, channel_name
from monitoring.alerts.ledger import AlertLedger
from monitoring.alerts.send import AlertResult, Delivery, send

__all__ = ["CHANNELS", "Alert", "AlertLedger", "AlertResult", "ChannelError", "Delivery", "channel_name", "compose", "send"]
