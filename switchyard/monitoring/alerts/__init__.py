"""Alerts: one for each decision that asks for something, and one when all is well again, through the channels of the config."""

from switchyard.monitoring.alerts.alert import Alert, compose
from switchyard.monitoring.alerts.channels import CHANNELS, ChannelError, channel_name
from switchyard.monitoring.alerts.ledger import AlertLedger
from switchyard.monitoring.alerts.send import AlertResult, Delivery, send
from switchyard.monitoring.alerts.spells import spells_of

__all__ = ["CHANNELS", "Alert", "AlertLedger", "AlertResult", "ChannelError", "Delivery", "channel_name", "compose", "send", "spells_of"]
