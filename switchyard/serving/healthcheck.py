"""`python -m switchyard.serving.healthcheck`: ends with 0 where the server on this machine is ready. For the container's own check."""

from __future__ import annotations

import http.client
import os
import sys

from switchyard.serving.sockets import MEMBER_HEADER, Address
from switchyard.serving.sockets import connection as connection_to


def health(address: Address, seconds: float = 2.0) -> bool | None:
    """Whether `/health/status` answers 200; None where nothing answers in time."""
    answer = status(address, seconds)
    return None if answer is None else answer[0] == 200


def status(address: Address, seconds: float, member: str = "") -> tuple[int, bytes] | None:
    """Code and body of `/health/status`, of `member` where a pool is asked; None where nothing answers in time."""
    connection = connection_to(address, seconds)
    try:
        connection.request("GET", "/health/status", headers={MEMBER_HEADER: member} if member else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if health(int(os.environ.get("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "9000"))) else 1)
