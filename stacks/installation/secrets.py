"""Secrets of an installation: made once, in the cluster, and kept; none is ever written to a file."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.objects import secret
from stacks.installation.settings import ClusterSettings, check
from stacks.installation.urls import for_driver, for_zenml
from switchyard.tabular.errors import InputError

OBJECT_STORE = "object-store"
DATABASES = "databases"
DATABASE_SERVER = "database-server"
ZENML_SERVER = "zenml-server"
ZENML_CLIENT = "zenml-client"
SETTINGS = "settings"
CHECKSUMS = {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}
"""Else clients send checksums in trailers, which Google's S3 and others refuse."""
_ROOT, _VOLUME = "root-password", "database"
_NAMES = ("zenml", "mlflow", "studies", "predictions")


def read(cluster: Cluster, name: str) -> dict[str, str]:
    """Values of a Secret; empty where there is none."""
    found = cluster.get("Secret", name) or {}
    return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}


def settle(cluster: Cluster, given: ClusterSettings | None) -> ClusterSettings:
    """The settings to install by: those given, else those of the last `stack up`, else a trial's.

    Raises
    ------
    InputError
        The installation's data lies elsewhere than the given settings say: it would seem empty afterwards.
    ClusterError
        The password of the trial's database is gone.
    """
    kept = {key: value for key, value in read(cluster, SETTINGS).items() if key in ClusterSettings.model_fields}
    settings = given or (ClusterSettings(**kept) if kept else ClusterSettings())  # type: ignore[arg-type]
    there = ClusterSettings(**kept).overlay if kept else _overlay(cluster)  # type: ignore[arg-type]
    if there == "external" and not (given or kept):
        raise InputError(
            f"namespace {cluster.namespace} holds an installation on databases of your own, and none of its Secrets says which settings "
            "made it: "
            "name the file this once (python run.py stack up kubernetes --settings FILE)"
        )
    if there and there != settings.overlay:
        raise InputError(
            f"namespace {cluster.namespace} holds an installation of overlay {there}, and these settings make one of {settings.overlay}, "
            "which would begin without its runs and models: take another --namespace, or remove this one first "
            "(python run.py stack down kubernetes)"
        )
    if not given:
        check(settings, f"Secret {SETTINGS}, which a file for --settings replaces")
    if settings.overlay == "trial":
        _check_root(cluster)
    return settings


def _overlay(cluster: Cluster) -> str | None:
    """Overlay of an installation older than the Secret `settings`; None where there is none."""
    if read(cluster, DATABASE_SERVER) or cluster.get("PersistentVolumeClaim", _VOLUME):
        return "trial"
    return "external" if read(cluster, DATABASES) else None


def _check_root(cluster: Cluster) -> None:
    """MariaDB takes root's password when its volume is empty, never again: a new one would lock us out."""
    if read(cluster, DATABASE_SERVER).get(_ROOT) or not cluster.get("PersistentVolumeClaim", _VOLUME):
        return
    here = f"kubectl -n {cluster.namespace}"
    raise ClusterError(
        f"volume {_VOLUME} holds a database whose {_ROOT} was in Secret {DATABASE_SERVER} and is gone: apply your copy of the Secret, "
        f"or, while the database runs, take it from its pod ({here} delete secret {DATABASE_SERVER} --ignore-not-found; "
        f"{here} create secret generic {DATABASE_SERVER} "
        f'--from-literal={_ROOT}="$({here} exec deploy/database -- printenv MARIADB_ROOT_PASSWORD)"), '
        "then the same command again"
    )


def ensure(cluster: Cluster, settings: ClusterSettings, object_store_url: str) -> dict[str, str]:
    """Make what is missing, and put in what the settings say; returns the keys of the object store as a client needs them."""
    _set(cluster, SETTINGS, {key: str(value) for key, value in settings.model_dump().items()})
    _keep(cluster, ZENML_SERVER, {"admin-password": _password(), "jwt-key": secrets.token_hex(32), "encryption-key": secrets.token_hex(32)})
    if settings.overlay == "trial":
        server = _keep(cluster, DATABASE_SERVER, {_ROOT: _password(), "user-password": _password()})
        # As with S3 the same for pods and for this machine, which reads the prediction log when labels come in.
        host = cluster.get("Service", "database")["spec"]["clusterIP"]  # type: ignore[index]
        user = f"switchyard:{server['user-password']}@{host}:3306"
        urls = {name: f"mysql://{user}/{name}" for name in _NAMES}
        keys = read(cluster, OBJECT_STORE)
        access, hidden = keys.get("AWS_ACCESS_KEY_ID", "switchyard"), keys.get("AWS_SECRET_ACCESS_KEY", _password())
    else:
        urls = {name: getattr(settings, f"{name}_database_url") for name in _NAMES}
        access, hidden = settings.s3_access_key_id, settings.s3_secret_access_key
    _set(cluster, DATABASES, {f"{name}-url": _as_asked_for(url, name) for name, url in urls.items()})
    store = {
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": hidden,
        "AWS_ENDPOINT_URL": object_store_url,
        "AWS_DEFAULT_REGION": settings.s3_region,
        **CHECKSUMS,
    }
    _set(cluster, OBJECT_STORE, store)
    return store


@contextmanager
def on_trial(cluster: Cluster) -> Iterator[None]:
    """Where the block fails, Secrets that were there before are again as they were: what runs goes on by them."""
    before = {name: read(cluster, name) for name in (SETTINGS, DATABASES, OBJECT_STORE)}
    try:
        yield
    except ClusterError:
        for name, values in before.items():
            if values:
                _set(cluster, name, values)
        raise


def revision(cluster: Cluster) -> str:
    """Another one when something has changed in the Secrets that servers and models read."""
    return ".".join((cluster.get("Secret", name) or {})["metadata"]["resourceVersion"] for name in (DATABASES, OBJECT_STORE))


def _as_asked_for(url: str, name: str) -> str:
    parsed = sqlalchemy.make_url(url)
    return (for_zenml if name == "zenml" else for_driver)(parsed).render_as_string(hide_password=False)


def _keep(cluster: Cluster, name: str, made: Mapping[str, str]) -> dict[str, str]:
    """A Secret as it is, with what it lacks of `made`."""
    present = read(cluster, name)
    values = {**made, **present}
    if values != present:
        cluster.apply(secret(name, values))
    return values


def _set(cluster: Cluster, name: str, values: Mapping[str, str]) -> None:
    if read(cluster, name) != values:
        cluster.apply(secret(name, dict(values)))


def _password() -> str:
    return secrets.token_hex(20)
