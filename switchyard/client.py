"""`Client`: asks a deployed model from an application, and tells it what turned out to be true."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from switchyard.predictionlog.records import PROBABILITY
from switchyard.serving.frontdoor.tokens import first_token, read_tokens
from switchyard.tabular.errors import SwitchyardError

if TYPE_CHECKING:
    import pandas as pd
    import requests

Row = Mapping[str, Any]
_BUSY = (429, 502, 503, 504)
"""Statuses after which the same request is worth another attempt."""
_PAUSE_S = 0.2
"""Before the second attempt; each one after it waits twice as long, or as long as `retry-after` says."""


class RequestFailed(SwitchyardError):
    """A request that the endpoint refused or did not answer.

    Attributes
    ----------
    code : int
        HTTP status; 0 where there was no answer at all.
    reason : str
        As docs/api.md lists them: BAD_INPUT, UNAUTHORIZED, ...
    column : str or None
    row : int or None
        Counted from 0 in what was given to `predict`.
    """

    def __init__(self, message: str, code: int = 0, reason: str = "NO_ANSWER", column: str | None = None, row: int | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.column, self.row = code, reason, column, row


class Client:
    """A deployed model, at the address that `--pipeline deployment` prints.

    Connections are kept and requests repeated where the endpoint is busy or a connection breaks: a prediction has an id, and
    one that comes twice is logged once. One client serves one thread.

    Parameters
    ----------
    url : str
    token : str, optional
    token_file : path, optional
        The file that holds tokens, `NAME TOKEN` a line; the first is taken. Read again when the endpoint refuses the token, so
        a rotation needs no restart.
    timeout_s : float
        Seconds for an answer.
    attempts : int
        For each request, the first one included.
    max_rows : int
        Rows of one request; more are sent as several. The endpoint's own limit is `serving.max_rows`.
    ca_file : path, optional
        PEM file with the authority, or the certificate itself, that an endpoint of your own is believed by; else the usual ones.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        token_file: str | Path | None = None,
        timeout_s: float = 30.0,
        attempts: int = 4,
        max_rows: int = 1000,
        ca_file: str | Path | None = None,
    ) -> None:
        if token is not None and token_file is not None:
            raise ValueError("give a token or a token_file, not both")
        if max_rows < 1 or attempts < 1:
            raise ValueError("max_rows and attempts must be at least 1")
        self._url, self._token_file, self._timeout_s, self._max_rows = url.rstrip("/"), token_file, timeout_s, max_rows
        self._session = _session(self._url, attempts)
        # Said with each request: variables of the environment would go before what a session says.
        self._verify = None if ca_file is None else str(ca_file)
        self._use(token if token_file is None else _first_token(Path(token_file)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def predict(self, rows: Any, *, entity: str | None = None, request_id: str | None = None) -> Any:
        """The model's answer to each row, in their order.

        Parameters
        ----------
        rows : DataFrame of shape (n_rows, n_columns), or sequence of mappings
            Missing values may be None, NaN, NA or NaT; moments are sent as ISO 8601.
        entity : str, optional
            Who the rows are about: in a canary or A/B test an entity always gets the same version.
        request_id : str, optional
            What the prediction ids begin with; the same id again is the same prediction. Made up when absent.

        Returns
        -------
        DataFrame or list of dict
            As `rows` came. A frame has their index and one column for each part of the answer: `prediction_id`, `label`,
            `confidence` and `probability.CLASS`, or `prediction`, `lower` and `upper`, and
            `quantile_LEVEL` where the model has them.

        Raises
        ------
        RequestFailed
            With what is wrong, in which column and row, and the status. Batches before the one that failed are predicted and logged.
        """
        framed = hasattr(rows, "to_dict")
        records = rows.to_dict("records") if framed else list(rows)
        identity = request_id or str(uuid.uuid4())
        named = {} if entity is None else {"x-entity-id": entity}
        answers: list[dict[str, Any]] = []
        for start, batch in self._batches(records):
            own = identity if len(records) <= self._max_rows else f"{identity}-{start // self._max_rows}"
            body = {"rows": [{key: _plain(value) for key, value in row.items()} for row in batch]}
            answers += self._ask("POST", "/predict", body, {**named, "x-request-id": own}, start)["predictions"]
        return _as_frame(answers, rows.index) if framed else answers

    def label(self, prediction_id: str, label: Any) -> None:
        """Tell what turned out to be true of a prediction: a class, or a number in the target's unit.

        Raises
        ------
        RequestFailed
            When it is no prediction's id or no such label. It is not repeated: whether a broken connection got it through is unknown.
        """
        self._ask("POST", "/feedback", {"prediction_id": prediction_id, "label": _plain(label)})

    def describe(self) -> dict[str, Any]:
        """The served version's name, version, digest and columns."""
        found: dict[str, Any] = self._ask("GET", "/api/v1.0/metadata")
        return found

    def _batches(self, records: Sequence[Row]) -> Iterator[tuple[int, Sequence[Row]]]:
        for start in range(0, len(records), self._max_rows):
            yield start, records[start : start + self._max_rows]

    def _use(self, token: str | None) -> None:
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def _ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, start: int = 0) -> Any:
        answer = self._send(method, path, body, headers)
        if answer.status_code == 401 and self._token_file is not None:
            self._use(_first_token(Path(self._token_file)))
            answer = self._send(method, path, body, headers)
        if answer.status_code != 200:
            raise _failure(answer, start)
        return answer.json()

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str] | None) -> requests.Response:
        import requests

        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        typed = {"Content-Type": "application/json", **(headers or {})}
        try:
            return self._session.request(method, self._url + path, data=data, headers=typed, timeout=self._timeout_s, verify=self._verify)
        except requests.RequestException as error:
            cause = error.args[0] if error.args else error
            raise RequestFailed(f"{self._url} does not answer: {getattr(cause, 'reason', cause)}") from None


def _session(url: str, attempts: int) -> requests.Session:
    """Connections that repeat a prediction where it is busy or broken, and a label only where it never arrived."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    # Every method: a prediction's id makes its POST idempotent.
    again = Retry(attempts - 1, backoff_factor=_PAUSE_S, status_forcelist=_BUSY, allowed_methods=None, raise_on_status=False)
    arrived_once = Retry(attempts - 1, read=False, status=0, backoff_factor=_PAUSE_S, allowed_methods=None)
    session = requests.Session()
    session.mount(url, HTTPAdapter(max_retries=again))
    session.mount(f"{url}/feedback", HTTPAdapter(max_retries=arrived_once))
    return session


def _first_token(path: Path) -> str:
    token = first_token(read_tokens(path))
    if token is None:
        raise RequestFailed(f"{path} holds no token that is good for predictions now; a line of it is NAME TOKEN")
    return token


def _failure(answer: requests.Response, start: int) -> RequestFailed:
    """What the endpoint said, with the row counted as the caller does."""
    try:
        said = answer.json()
        status, error = said["status"], said.get("error") or {}
    except (ValueError, KeyError, TypeError):
        return RequestFailed(f"{answer.url} answered {answer.status_code} and no JSON", answer.status_code, "UNKNOWN")
    row = error.get("row")
    within = f" (row 0 is row {start:,} of those given)" if start and row is not None else ""
    counted = None if row is None else row + start
    return RequestFailed(f"{status['info']}{within}", answer.status_code, status.get("reason", "UNKNOWN"), error.get("column"), counted)


def _plain(value: Any) -> Any:
    """`value` as JSON holds it: what is missing null, moments as text, numbers of numpy as Python's."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "item") and value.dtype.kind != "M":
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, (date, time)):
        # NaT is a date that is not equal to itself.
        return value.isoformat() if value == value else None
    if isinstance(value, (list, tuple, dict, int, str)):
        return value
    text = str(value)
    return None if text in ("<NA>", "NaT") else text


def _as_frame(answers: Sequence[Mapping[str, Any]], index: Any) -> pd.DataFrame:
    """One row for each answer; the probabilities in columns named as in batch scoring."""
    import pandas as pd

    flat = []
    for answer in answers:
        own = dict(answer)
        probabilities = own.pop("probabilities", {})
        quantiles = {f"quantile_{level}": value for level, value in own.pop("quantiles", {}).items()}
        flat.append({**own, **{f"{PROBABILITY}{name}": value for name, value in probabilities.items()}, **quantiles})
    return pd.DataFrame(flat, index=index)
