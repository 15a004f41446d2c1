"""`python -m switchyard.serving.healthcheck`: ends with 0 where the server on this machine is ready. For the container's own check."""

from __future__ import annotations

import http.client
import os
import sys

from switchyard.serving.sockets import Address
from switchyard.serving.sockets import connection as connection_to


def health(address: Address, seconds: float = 2.0) -> bool | None:
    """Whether `/health/status` answers 200; None where nothing answers in time."""
    connection = connection_to(address, seconds)
    try:
        connection.request("GET", "/health/status")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if health(int(os.environ.get("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", "9000"))) else 1)
