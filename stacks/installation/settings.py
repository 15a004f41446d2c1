"""What an installation is told besides the kube context: a short file of KEY=VALUE lines, or nothing for a trial."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any, Literal

import sqlalchemy
from pydantic import BaseModel, ConfigDict, ValidationError

from stacks.installation.urls import check_url
from switchyard.project import shown
from switchyard.tabular.errors import InputError

EXAMPLE = "stacks/kubernetes/overlays/external/settings.env.example"
_STRINGS = 'a JSON object of strings, as {"example.org/pool": "ml"}'
_SHAPES = {
    "service_annotations": _STRINGS,
    "ingress_annotations": _STRINGS,
    "node_selector": _STRINGS,
    "tolerations": 'a JSON list of tolerations, as [{"key": "example.org/pool", "operator": "Exists"}]',
}
_EMPTY = {key: "[]" if key == "tolerations" else "{}" for key in _SHAPES}
_EXTERNAL = (
    "s3_endpoint_url",
    "s3_access_key_id",
    "s3_secret_access_key",
    "zenml_database_url",
    "mlflow_database_url",
    "studies_database_url",
    "predictions_database_url",
)


class ClusterSettings(BaseModel):
    """Keys of the file, in small letters. Those of S3 and the databases come together or not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    s3_endpoint_url: str = ""
    s3_bucket: str = "switchyard"
    s3_region: str = "us-east-1"
    s3_access_key_id: str = ""
    s3_secret_access_key: str = ""
    zenml_database_url: str = ""
    """mysql://; ZenML's server takes nothing else."""
    mlflow_database_url: str = ""
    studies_database_url: str = ""
    predictions_database_url: str = ""

    service_type: Literal["ClusterIP", "LoadBalancer"] = "ClusterIP"
    """How this machine reaches ZenML, MLflow and the trial's S3."""
    load_balancer_source_ranges: str = ""
    """CIDRs, with commas between, that a load balancer lets in; it lets in nobody unsaid, since MLflow has no login."""
    service_annotations: str = ""
    """A JSON object, of the Services that a load balancer offers: clouds read from them whether it is an internal one."""
    zenml_url: str = ""
    """Where an ingress or a tunnel offers ZenML; reached from this machine and from pods."""
    mlflow_url: str = ""
    s3_url: str = ""
    """The same for the trial's own S3 server."""
    ingress_class: str = ""
    """Makes an Ingress for zenml_url and mlflow_url."""
    ingress_tls_secret: str = ""
    ingress_annotations: str = ""
    """A JSON object."""
    node_selector: str = ""
    """A JSON object: labels of the nodes that ZenML, MLflow and the trial's database and S3 run on."""
    tolerations: str = ""
    """A JSON list: taints that they bear, as Kubernetes writes them."""
    storage_class: str = ""
    image_pull_secret: str = ""

    @property
    def overlay(self) -> Literal["trial", "external"]:
        """The overlay that fits."""
        return "external" if self.s3_endpoint_url else "trial"

    @property
    def source_ranges(self) -> list[str]:
        """The networks of `load_balancer_source_ranges`."""
        return [text.strip() for text in self.load_balancer_source_ranges.split(",") if text.strip()]

    def parsed(self, key: str) -> Any:
        """The value of one of the keys that are JSON; empty where it is not said."""
        return json.loads(getattr(self, key) or _EMPTY[key])


def read_settings(path: Path) -> ClusterSettings:
    """Settings of the file at `path`; one that says nothing makes a trial.

    Raises
    ------
    InputError
        The file is not there, or a key or value is wrong; names the key.
    """
    try:
        settings = ClusterSettings(**read_pairs(path, shown(EXAMPLE)))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]).upper() if first["loc"] else "?"
        raise InputError(f"{path}: {key}: {first['msg']}; {shown(EXAMPLE)} lists the keys") from None
    check(settings, str(path))
    return settings


def read_pairs(path: Path, example: str) -> dict[str, str]:
    """Keys, in small letters, and values of a file of KEY=VALUE lines; those without a value are left out.

    Raises
    ------
    InputError
        The file is not there, or a line is none; names `example` to begin with.
    """
    if not path.is_file():
        raise InputError(f"no settings file {path}; start from {example}")
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, found, value = text.partition("=")
        if not found:
            raise InputError(f"{path}, line {number}: no KEY=VALUE")
        if value.strip():
            values[key.strip().lower()] = value.strip().strip("'\"")
    return values


def check(settings: ClusterSettings, where: str) -> None:
    """Whether the values fit together.

    Parameters
    ----------
    where : str
        Names what they were read from.

    Raises
    ------
    InputError
        They don't; names the key and what it must be.
    """
    _check_stores(settings, where)
    if settings.ingress_class and not (settings.zenml_url and settings.mlflow_url):
        raise InputError(f"{where}: INGRESS_CLASS needs ZENML_URL and MLFLOW_URL, the names that the ingress answers to")
    if settings.service_type == "LoadBalancer" and not settings.source_ranges:
        raise InputError(
            f"{where}: SERVICE_TYPE=LoadBalancer needs LOAD_BALANCER_SOURCE_RANGES, the networks that it lets in "
            "(203.0.113.0/24,10.0.0.0/8; the cluster's own pods among them): MLflow has no login, and most clouds' balancers are public"
        )
    for text in settings.source_ranges:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise InputError(f"{where}: LOAD_BALANCER_SOURCE_RANGES: {text!r} is no network, as 203.0.113.0/24") from None
    for key in _EMPTY:
        _check_json(settings, key, where)


def _check_json(settings: ClusterSettings, key: str, where: str) -> None:
    try:
        found = settings.parsed(key)
    except ValueError:
        found = None
    entries = found.values() if isinstance(found, dict) else found or ()
    if not isinstance(found, type(json.loads(_EMPTY[key]))) or not all(
        isinstance(entry, dict if key == "tolerations" else str) for entry in entries
    ):
        raise InputError(f"{where}: {key.upper()} must be {_SHAPES[key]}, on one line")


def _check_stores(settings: ClusterSettings, where: str) -> None:
    given = [key for key in _EXTERNAL if getattr(settings, key)]
    if given and len(given) < len(_EXTERNAL):
        missing = next(key for key in _EXTERNAL if not getattr(settings, key))
        raise InputError(
            f"{where}: {missing.upper()} is missing; S3 and the four databases come together, or none for a trial in the cluster"
        )
    for key in (key for key in given if key.endswith("_database_url")):
        try:
            url = sqlalchemy.make_url(getattr(settings, key))
        except sqlalchemy.exc.ArgumentError:
            raise InputError(f"{where}: {key.upper()} is no SQLAlchemy URL, as mysql://user:password@host:3306/name") from None
        backend, zenml = url.get_backend_name(), key.startswith("zenml")
        known = ("mysql", "mariadb") if zenml else ("mysql", "mariadb", "postgresql")
        if backend not in known:
            raise InputError(f"{where}: {key.upper()} begins with {backend}://; there it must be {' or '.join(known)}")
        check_url(url, zenml, f"{where}: {key.upper()}")
