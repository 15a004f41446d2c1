"""One POST of JSON, as the channels that speak HTTP send it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from switchyard.monitoring.alerts.channels import ChannelError

_TOO_MANY, _TIMEOUT = 429, 408


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the alert, and its headers, to whom nobody named."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def post(url: str, content: Mapping[str, Any], timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
    """Send `content`; any answer of 2xx is success.

    Raises
    ------
    ChannelError
        Says the host and the cause, never the URL, whose path may be a secret. A refusal (4xx) is lasting.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelError("url is no http(s) address", lasting=True)
    body = json.dumps(content, ensure_ascii=False).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **(headers or {})}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        lasting = error.code < 500 and error.code not in (_TOO_MANY, _TIMEOUT)
        raise ChannelError(f"{parts.hostname} answered {error.code}", lasting) from None
    except (urllib.error.URLError, TimeoutError, OSError, ValueError) as error:
        raise ChannelError(f"{parts.hostname}: {getattr(error, 'reason', None) or error or type(error).__name__}") from None
