"""What alerts need of the stack: secrets, links, and its own alerter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zenml.client import Client

from stacks.active import is_local
from stacks.secrets import with_secrets
from switchyard.monitoring.alerts import Alert, ChannelError
from switchyard.tabular.config.monitoring import Channel
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from switchyard.monitoring.alerts.send import Deliver


def channel_with_secrets(channel: Channel) -> Channel:
    """`channel` with its references into the secret store resolved.

    Raises
    ------
    ChannelError
        Names the secret or key that is not there.
    """
    try:
        return Channel.model_validate(_resolved(channel.model_dump()))
    except InputError as error:
        raise ChannelError(str(error), lasting=True) from None


def _resolved(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_resolved(part) for part in value)
    return with_secrets(value) if isinstance(value, str) else value


def links(dashboard: str, page: str) -> tuple[str, ...]:
    """Where to look: what the config names, else the file `page` where steps run on this machine; and this run.

    The run is named by its address in ZenML's dashboard where the client is connected to a server.
    """
    from zenml import get_step_context
    from zenml.utils.dashboard_utils import get_run_url

    found = [dashboard] if dashboard else [page] if is_local() else []
    try:
        context = get_step_context()
        url = get_run_url(context.pipeline_run)
        found.append(url or f"run {context.pipeline_run.name}")
    except RuntimeError:
        pass
    return tuple(found)


def stack_alerter() -> tuple[tuple[Channel, Deliver], ...]:
    """The stack's alerter as a channel, where it has one."""
    alerter = Client().active_stack.alerter
    if alerter is None:
        return ()

    def deliver(alert: Alert, _channel: Channel) -> None:
        if not alerter.post(alert.message):
            raise ChannelError(f"alerter {alerter.name} did not take it")

    return ((Channel(kind="alerter", url=f"alerter://{alerter.name}", attempts=1), deliver),)
