"""Alerts: one for each decision that asks for something, through the channels of the config."""

from switchyard.monitoring.alerts.alert import Alert, compose
from switchyard.monitoring.alerts.channels import CHANNELS, ChannelError, channel_name
from switchyard.monitoring.alerts.ledger import AlertLedger
from switchyard.monitoring.alerts.send import AlertResult, Delivery, send

__all__ = ["CHANNELS", "Alert", "AlertLedger", "AlertResult", "ChannelError", "Delivery", "channel_name", "compose", "send"]
