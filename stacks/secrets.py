"""References into the ZenML secret store: what a config may say instead of a password."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zenml.client import Client

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import holds_secret, without_credentials

_REFERENCE = re.compile(r"\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}")
_TELLING = re.compile(r"auth|cookie|key|passw|secret|token", re.IGNORECASE)
"""Names of a header whose value is one."""
_SCHEME = re.compile(r"\s*(bearer|basic|token)?\s*", re.IGNORECASE)
_CALLABLE = re.compile(r"://hooks\.slack\.com/")
"""Whoever knows such a URL may post there."""


def with_secrets(text: str) -> str:
    """`text` with every {{secret.key}} replaced by what the secret store holds there.

    Raises
    ------
    InputError
        Names the secret or key that is not there.
    """
    return _REFERENCE.sub(lambda found: _secret(*found.groups()), text)


def ensure_secret(name: str, values: Mapping[str, str]) -> None:
    """Have ZenML's secret store hold `values` under `name`; what is as it was is left alone."""
    client = Client()
    known = client.list_secrets(name=name)
    if known.total == 0:
        client.create_secret(name, dict(values))
    elif client.get_secret(known.items[0].id).secret_values != values:
        client.update_secret(known.items[0].id, add_or_update_values=dict(values))


def refuse_plain(what: str, text: str) -> None:
    """Stop at a URL with a password, token or signature: ZenML would keep it with the run, for everyone to read.

    Raises
    ------
    InputError
        Names `what`, and the command that puts the URL into the secret store.
    """
    if holds_secret(_REFERENCE.sub("", text)):
        raise InputError(
            f"{what} {without_credentials(text)} holds a password or token, which every run would keep in the open; "
            f"put it into ZenML's secret store, zenml secret create table --url='...', and write '{{{{table.url}}}}' instead"
        )


def refuse_plain_settings(settings: Mapping[str, Any]) -> None:
    """Stop at a config with a secret in it, which becomes part of every run, in ZenML and in MLflow.

    Raises
    ------
    InputError
        Names the key, and the command that puts its value into the secret store.
    """
    for path, value in _texts(settings):
        rest = _REFERENCE.sub("", value)
        refuse_plain(".".join(path), value)
        telling = path[-1] == "password" or (path[-2:-1] == ("headers",) and _TELLING.search(path[-1]))
        if (telling and not _SCHEME.fullmatch(rest)) or _CALLABLE.search(rest):
            key = path[-1].lower()
            raise InputError(
                f"{'.'.join(path)} is a secret, which every run would keep in the open; put it into ZenML's secret store, "
                f"zenml secret create alerts --{key}='...', and write '{{{{alerts.{key}}}}}' instead"
            )


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in a config, and the keys that lead to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from _texts(part, (*path, str(number)))


def _secret(name: str, key: str) -> str:
    try:
        values = Client().get_secret(name).secret_values
    except KeyError:
        raise InputError(f"the secret store has no secret {name!r}; make it: zenml secret create {name} --{key}=...") from None
    if key not in values:
        raise InputError(f"secret {name!r} has no key {key!r}; it has {', '.join(sorted(values)) or 'none'}")
    return values[key]
