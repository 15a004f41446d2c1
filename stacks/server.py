"""`check_server`: whether the ZenML server that this machine is logged in to answers, found out before ZenML tries for a minute."""

from __future__ import annotations

import os

from switchyard.tabular.errors import SwitchyardError

_TIMEOUT_S = (3.0, 4.0)
"""To connect, and to answer. ZenML itself tries 25 times."""
_VARIABLE = "ZENML_STORE_URL"


def check_server() -> None:
    """Return at once where ZenML's store is this machine's own, else when its server answers.

    Raises
    ------
    SwitchyardError
        It does not; names the ways back.
    """
    from zenml.config.global_config import GlobalConfiguration

    url = GlobalConfiguration().store_configuration.url
    if not url.startswith("http"):
        return
    if trouble := _trouble(url):
        raise SwitchyardError(f"the ZenML server of the active stack does not answer: {url} ({trouble}). Ways back: {ways_back(url)}")


def ways_back(url: str) -> str:
    """What to do while the server at `url` is away."""
    own = f"unset {_VARIABLE}" if os.environ.get(_VARIABLE) == url else ".venv/bin/zenml logout"
    return (
        f"have {url} answer this machine (docs/kubernetes.md, Reaching the servers; python run.py stack up kubernetes), or {own} to work "
        "with this machine's own stack until it does"
    )


def _trouble(url: str) -> str:
    """Why the server gives no answer; empty where it gives one."""
    import requests

    try:
        answer = requests.get(f"{url.rstrip('/')}/health", timeout=_TIMEOUT_S)
    except requests.exceptions.SSLError:
        # It is there; whether its certificate is trusted is ZenML's setting.
        return ""
    except requests.Timeout:
        return f"no answer within {sum(_TIMEOUT_S):g} s"
    except requests.ConnectionError:
        return "no connection"
    except requests.RequestException as error:
        return type(error).__name__
    return f"HTTP {answer.status_code}" if answer.status_code >= 500 else ""
