"""Logs this machine in to the installed ZenML server and registers its stacks there."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from typing import Any

from stacks.cluster.errors import ClusterError
from stacks.cluster.objects import config_map, secret
from stacks.installation import secrets
from stacks.installation.install import Installed
from stacks.registration import FOLDER
from switchyard.tabular.errors import InputError

_ACCOUNT = "switchyard"
_REGISTERED = "registered"
_STORE_SECRET = "switchyard-object-store"
_KEY = "ZENML_STORE_API_KEY"
_PREFIX = "installation-"
"""Begins the names of the API keys that we make."""
_TIMEOUT_S = 120
_ENVIRONMENT = ("ZENML_STORE_URL", "ZENML_STORE_API_KEY", "ZENML_STORE_USERNAME", "ZENML_STORE_PASSWORD", "ZENML_ACTIVE_STACK_ID")


def log_in(installed: Installed) -> None:
    """Connect this machine's ZenML client to the server, by the key of a service account that is made once.

    Raises
    ------
    InputError
        The environment names another server.
    ClusterError
        The server refuses the key or the administrator's password.
    """
    from zenml.config.global_config import GlobalConfiguration
    from zenml.exceptions import CredentialsNotValid
    from zenml.login.credentials_store import get_credentials_store
    from zenml.zen_stores.rest_zen_store import RestZenStoreConfiguration

    # ZenML tells at length that the stacks of another server are not on this one.
    logging.getLogger("zenml").setLevel(logging.ERROR)
    for name in _ENVIRONMENT:
        if os.environ.get(name):
            raise InputError(f"{name} is set and would win over the installed ZenML server: unset {name}")
    url, cluster = installed.addresses.zenml, installed.cluster
    key = secrets.read(cluster, secrets.ZENML_CLIENT).get(_KEY)
    store = get_credentials_store()
    configuration = GlobalConfiguration()
    try:
        if key is None:
            store.set_password(url, "admin", secrets.read(cluster, secrets.ZENML_SERVER)["admin-password"])
            configuration.set_store(RestZenStoreConfiguration(url=url, http_timeout=_TIMEOUT_S))
            made = _make_key()
            key = str(made.key)
            cluster.apply(secret(secrets.ZENML_CLIENT, {_KEY: key}))
            _revoke_others(made)
        present = store.get_credentials(url)
        if configuration.store_configuration.url == url and present is not None and present.api_key == key:
            return
        store.set_api_key(url, key)
        configuration.set_store(RestZenStoreConfiguration(url=url, http_timeout=_TIMEOUT_S))
    except CredentialsNotValid as error:
        raise ClusterError(
            f"ZenML at {url} refuses the key in secret {secrets.ZENML_CLIENT} ({error}): kubectl -n {cluster.namespace} "
            f"delete secret {secrets.ZENML_CLIENT}, then the same command again"
        ) from None


def log_out(url: str) -> None:
    """Go back to this machine's own ZenML store where the client is logged in to the server at `url`."""
    from zenml.config.global_config import GlobalConfiguration

    logging.getLogger("zenml").setLevel(logging.ERROR)
    configuration = GlobalConfiguration()
    if url and configuration.store_configuration.url == url:
        configuration.set_default_store()


def register(installed: Installed, ensure_flavor: Callable[[], None]) -> None:
    """Register the local stack and the cluster's on the server, the latter active; what is as it was is left alone.

    Parameters
    ----------
    ensure_flavor : callable
        Makes the model deployer of the cluster's stack known to the server.
    """
    from zenml.client import Client

    from stacks.registration import register_stack
    from stacks.secrets import ensure_secret

    client = Client()
    digest = _digest(installed)
    known = (installed.cluster.get("ConfigMap", _REGISTERED) or {}).get("data", {})
    present = {stack.name for stack in client.list_stacks(size=1000, hydrate=False).items}
    if known.get("digest") == digest and {"local", "kubernetes"} <= present:
        if client.active_stack_model.name != "kubernetes":
            client.activate_stack("kubernetes")
        return
    keys = {
        "aws_access_key_id": installed.object_store["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": installed.object_store["AWS_SECRET_ACCESS_KEY"],
    }
    ensure_secret(_STORE_SECRET, keys)
    ensure_flavor()
    register_stack("local", activate=False)
    register_stack("kubernetes", values=installed.values())
    installed.cluster.apply(config_map(_REGISTERED, {"digest": digest}))


def _digest(installed: Installed) -> str:
    """Digest of all that registration depends on; nothing of this machine, or users would register in turns."""
    digest = hashlib.sha256(json.dumps([installed.values(), installed.object_store], sort_keys=True).encode())
    for name in ("local", "kubernetes"):
        digest.update((FOLDER / f"{name}.yaml").read_bytes())
    return digest.hexdigest()


def _make_key() -> Any:
    from zenml.client import Client
    from zenml.utils.time_utils import utc_now

    client = Client()
    if client.list_service_accounts(name=_ACCOUNT).total == 0:
        client.create_service_account(_ACCOUNT, description="Clients and pods of this installation")
    made = client.create_api_key(_ACCOUNT, f"{_PREFIX}{utc_now():%Y%m%d-%H%M%S}", set_key=False)
    if made.key is None:
        raise ClusterError("ZenML made no API key")
    return made


def _revoke_others(kept: Any) -> None:
    """Delete the keys that `kept` replaces: whoever had one would still get in."""
    from zenml.client import Client

    client = Client()
    for key in client.list_api_keys(_ACCOUNT, name=f"startswith:{_PREFIX}", size=1000).items:
        if key.id != kept.id:
            client.delete_api_key(_ACCOUNT, key.id)
