"""References into the ZenML secret store: what a config may say instead of a password."""

from __future__ import annotations

import re

from zenml.client import Client

from tabular.data.labels import holds_secret, without_credentials
from tabular.errors import InputError

_REFERENCE = re.compile(r"\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}")


def with_secrets(text: str) -> str:
    """`text` with every {{secret.key}} replaced by what the secret store holds there.

    Raises
    ------
    InputError
        Names the secret or key that is not there.
    """
    return _REFERENCE.sub(lambda found: _secret(*found.groups()), text)


def refuse_plain(what: str, text: str) -> None:
    """Stop at a URL with a password, token or signature: ZenML would keep it with the run, for everyone to read.

    Raises
    ------
    InputError
        Names `what`, and the command that puts the URL into the secret store.
    """
    if holds_secret(_REFERENCE.sub("", text)):
        raise InputError(
            f"{what} {without_credentials(text)} holds a password or token, which every run would keep in the open; put it into ZenML's secret "
            f"store, zenml secret create table --url='...', and write '{{{{table.url}}}}' instead"
        )


def _secret(name: str, key: str) -> str:
    try:
        values = Client().get_secret(name).secret_values
    except KeyError:
        raise InputError(f"the secret store has no secret {name!r}; make it: zenml secret create {name} --{key}=...") from None
    if key not in values:
        raise InputError(f"secret {name!r} has no key {key!r}; it has {', '.join(sorted(values)) or 'none'}")
    return values[key]
