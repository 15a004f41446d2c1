"""Asks an endpoint what it serves, and whether it answers the examples of a bundle as it must."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deployment.host import DeploymentError
from switchyard.bundle.examples import differences
from switchyard.predictionlog import VERIFICATION
from switchyard.serving import sockets
from switchyard.serving.sockets import MEMBER_HEADER

PREDICTIONS = "/api/v1.0/predictions"
BY_SOCKET = "unix:"
"""What an address begins with that is the path of a socket; a model's name in a pool follows after #."""
_TIMEOUT_S = 10.0


def served_digest(url: str) -> str:
    """The digest that the service at `url` says it serves."""
    return _tags(ask(url, "/health/status")).get("digest", "none")


def replay(url: str, examples: Mapping[str, Any], digest: str, token: str | None = None, limit: int | None = None) -> int:
    """Send the examples' rows one by one and compare the answers; returns how many there were.

    Parameters
    ----------
    url : str
        Of a service, or of a front door that leads to one version.
    examples : mapping
        The content of examples.json.
    digest : str
        Of the bundle that must answer.

    Raises
    ------
    DeploymentError
        An answer differs, or another bundle gave it.
    """
    rows = examples["examples"][:limit]
    for number, example in enumerate(rows):
        # The same id each time: however often a version is verified, its examples are in the prediction log once.
        identity = f"{VERIFICATION}{digest.removeprefix('sha256:')[:12]}-{number}"
        answer = ask(url, PREDICTIONS, {"rows": [example["row"]]}, token, identity)
        if (other := _tags(answer).get("digest")) != digest:
            raise DeploymentError(f"{url} answered example {number} with {other}, not with {digest}")
        wrong = differences(example["answer"], answer["predictions"][0], examples["tolerance"])
        if wrong:
            raise DeploymentError(f"{url} answered example {number} otherwise than the model must: {'; '.join(wrong)}")
    return len(rows)


def ask(url: str, path: str, body: Any = None, token: str | None = None, request_id: str | None = None) -> dict[str, Any]:
    """The decoded answer of `url` to a GET of `path`, or to a POST of `body`.

    Raises
    ------
    DeploymentError
        There is no answer, or it is no 200.
    """
    headers = {"Content-Type": "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"x-request-id": request_id} if request_id else {}
    if url.startswith(BY_SOCKET):
        socket, _, member = url.removeprefix(BY_SOCKET).partition("#")
        headers |= {MEMBER_HEADER: member} if member else {}
        connection = sockets.connection(socket, _TIMEOUT_S)
    else:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise DeploymentError(f"{url}{path} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise DeploymentError(f"{url}{path} answers {answer.status}: {text[:300]}")
    return json.loads(text)


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return answer.get("meta", {}).get("tags", {})
