"""`Clients`: people who ask a deployed model and later tell what came of it, over HTTP as anybody would."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

_TRIES = 3


@dataclass(frozen=True)
class Answer:
    """What the endpoint said to one row."""

    prediction_id: str
    version: str
    label: str | None
    probabilities: Mapping[str, float] | None


class Clients:
    """Several clients with connections that they keep.

    Parameters
    ----------
    url : str
        Of the front door.
    token_file : str or None
    clients : int
    """

    def __init__(self, url: str, token_file: str | None, clients: int = 4) -> None:
        address = urlsplit(url)
        self._address, self._path, self._clients = (address.hostname or "", address.port), address.path.rstrip("/"), clients
        lines = Path(token_file).read_text(encoding="utf-8").splitlines() if token_file else []
        tokens = [line.split()[-1] for line in lines if line.strip() and not line.startswith("#")]
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {tokens[0]}"} if tokens else {})}
        self._own = threading.local()

    def predict(self, rows: Sequence[Mapping[str, Any]], ids: Sequence[str], entities: Sequence[str]) -> list[Answer]:
        """Ask for each row in a request of its own, named by its id and entity; an id that was asked for before is the same prediction.

        Raises
        ------
        RuntimeError
            A row was refused, with the endpoint's reason.
        """
        return self._each(lambda item: self._predict(*item), list(zip(rows, ids, entities, strict=True)))

    def feedback(self, labels: Mapping[str, str]) -> None:
        """Tell the outcome of predictions, by their ids.

        Raises
        ------
        RuntimeError
            As `predict`.
        """
        self._each(lambda item: self._ask("/feedback", {"prediction_id": item[0], "label": item[1]}, {}), list(labels.items()))

    def _predict(self, row: Mapping[str, Any], identity: str, entity: str) -> Answer:
        answer = self._ask("/predict", {"rows": [row]}, {"x-request-id": identity, "x-entity-id": entity})
        found = answer["predictions"][0]
        return Answer(identity, answer["meta"]["tags"]["version"], found.get("label"), found.get("probabilities"))

    def _each(self, one: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        with ThreadPoolExecutor(self._clients) as pool:
            return list(pool.map(one, items))

    def _ask(self, path: str, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        failure: Exception | None = None
        for _ in range(_TRIES):
            connection = getattr(self._own, "connection", None) or http.client.HTTPConnection(*self._address, timeout=30)
            self._own.connection = connection
            try:
                connection.request("POST", self._path + path, json.dumps(body), {**self._headers, **headers})
                answer = connection.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._own.connection, failure = None, error
                continue
            if answer.status == 200:
                return json.loads(text)
            raise RuntimeError(f"{path} answers {answer.status}: {text[:300]}")
        raise RuntimeError(f"{path} does not answer: {failure}")


def as_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON objects: dates in ISO 8601, nothing where a value is missing."""
    return json.loads(frame.to_json(orient="records", date_format="iso"))
