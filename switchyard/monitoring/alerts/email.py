"""Channel `email`: a mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from hashlib import sha256
from ipaddress import ip_address

from switchyard.monitoring.alerts.alert import Alert
from switchyard.monitoring.alerts.channels import AlertChannel, ChannelError
from switchyard.tabular.config.monitoring import Channel

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Email(AlertChannel):
    """A mail by SMTP."""

    name = "email"
    needs = ("host", "sender", "to")

    def deliver(self, alert: Alert, channel: Channel) -> None:
        """Send one mail to all addresses; its Message-ID follows from the alert's key, so that a second one is known as such."""
        if channel.security == "none" and not _is_loopback(str(channel.host)):
            raise ChannelError("security: none would send the alert in the clear; it is for a server on loopback alone", lasting=True)
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = f"[{alert.severity}] {alert.headline}", channel.sender, ", ".join(channel.to)
        message["Message-ID"] = f"<{sha256(alert.key.encode()).hexdigest()[:32]}@{str(channel.sender).rpartition('@')[2]}>"
        message.set_content(alert.message)
        port = channel.port or _PORTS[channel.security]
        try:
            with _connected(channel, port) as server:
                if channel.user:
                    server.login(channel.user, channel.password or "")
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            raise ChannelError(f"{channel.host} refuses the user ({error.smtp_code})", lasting=True) from None
        except smtplib.SMTPResponseException as error:
            raise ChannelError(f"{channel.host} answered {error.smtp_code}", lasting=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelError(f"{channel.host}:{port}: {error or type(error).__name__}") from None
        if refused:
            # Some have it; another attempt would send it to them twice.
            raise ChannelError(f"{channel.host} refused {', '.join(refused)}", lasting=True)

    def label(self, channel: Channel) -> str:
        return ", ".join(channel.to)


def _connected(channel: Channel, port: int) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if channel.security == "tls":
        return smtplib.SMTP_SSL(str(channel.host), port, timeout=channel.timeout_s, context=context)
    server = smtplib.SMTP(str(channel.host), port, timeout=channel.timeout_s)
    if channel.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


PARTS = (Email(),)
