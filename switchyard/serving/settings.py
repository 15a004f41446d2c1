"""`Settings`: what a server is told when it starts, by the environment or by the graph's parameters."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

PREFIX = "SWITCHYARD_"
ROLES = ("live", "shadow")
_DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")


class SettingsError(ValueError):
    """A variable is missing or can't be read."""


class Variables:
    """A base for dataclasses: a variable of the environment for each field, and back."""

    REQUIRED: ClassVar[tuple[str, str]]
    """The field that must be given, and what it is to be."""

    @classmethod
    def read(cls, environment: Mapping[str, str], parameters: Mapping[str, Any] | None = None) -> Self:
        """Settings from `environment`, over which `parameters` win.

        Raises
        ------
        SettingsError
            Names the variable and what it may be.
        """
        fields = {field.name: field for field in dataclasses.fields(cast(Any, cls))}
        values: dict[str, Any] = {name: environment[PREFIX + name.upper()] for name in fields if PREFIX + name.upper() in environment}
        unknown = sorted(set(parameters or {}) - set(fields))
        if unknown:
            raise SettingsError(f"there is no parameter {unknown[0]!r}; there are {', '.join(fields)}")
        values.update(parameters or {})
        required, what = cls.REQUIRED
        if not values.get(required):
            raise SettingsError(f"set {PREFIX}{required.upper()} to {what}")
        return cls(**{name: _converted(name, value, type(fields[name].default)) for name, value in values.items()})

    def environment(self) -> dict[str, str]:
        """The variables that `read` makes these settings of; those at their default are left out."""
        found = {}
        for field in dataclasses.fields(cast(Any, self)):
            value = getattr(self, field.name)
            if value != field.default:
                found[PREFIX + field.name.upper()] = json.dumps(value) if isinstance(value, tuple) else str(value)
        return found


@dataclass(frozen=True)
class Settings(Variables):
    """One field for each variable: `max_rows` is `SWITCHYARD_MAX_ROWS`. Seldon's graph parameters have the fields' names."""

    REQUIRED = ("bundle", "the folder of the bundle to serve")

    bundle: str
    """Folder of the bundle."""
    name: str = ""
    """Name of the model, in answers and in the log; the signature's by default."""
    version: str = "0"
    """Label given at deployment."""
    digest: str = ""
    """The bundle's, where the server must refuse any other."""
    trusted_key: str = ""
    """Public key, PEM, whose signature the bundle must have; empty: its digest says enough."""
    seal: str = ""
    """That signature: the content of model.sig."""
    role: str = "live"
    """live, or shadow for one that gets mirrored requests, whose answers nobody sees."""
    host: str = "127.0.0.1"
    """Address to listen on; a container needs 0.0.0.0."""
    sockets: str = ""
    """Folder in which REST and metrics listen at sockets named by their ports, and at no address; its rights close it."""
    max_rows: int = 1000
    """Most rows of a request."""
    max_bytes: int = 4 * 1024 * 1024
    """Largest body of a request."""
    entity_column: str = ""
    """Names the entity of a row; taken from the rows where they have it, though the model does not use it."""
    time_column: str = ""
    """The event time of a row; as `entity_column`."""
    log_url: str = ""
    """SQLAlchemy URL of the prediction log's database; empty: no log, and no feedback."""
    journal: str = "journal"
    """Folder of the log's journal."""
    journal_bytes: int = 0
    """Most bytes of the journal: beyond them nothing is answered, as on a full disk, until the database has taken some; 0: no limit."""
    log_exclude: tuple[str, ...] = ()
    """Columns that are not kept in the log. In the environment: a JSON list, or names between commas."""
    retention_days: float = 0.0
    """Predictions older than this are deleted from the log; 0: none."""

    refusal: str = ""
    """Class that refuses somebody: explained answers of it name their principal reasons."""
    actionable: tuple[str, ...] = ()
    """Columns among which those are; all of the model's where none is named. In the environment as `log_exclude`."""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise SettingsError(f"{PREFIX}ROLE is {self.role!r}; it must be one of {', '.join(ROLES)}")
        _check_log_url(self.log_url)
        for name in ("max_rows", "max_bytes"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()} must be at least 1")


@dataclass(frozen=True)
class PoolSettings(Variables):
    """Settings of a server of many models; what is one model's own lies with the member (`switchyard.serving.pool`)."""

    REQUIRED = ("folder", "the folder of the pool")

    folder: str
    """Of the pool: `members`, one file for each, and what its processes count together."""
    most_bytes: int = 1 << 29
    """Of loaded models in each process, by `switchyard.serving.pool.residents.estimate`."""
    host: str = "127.0.0.1"
    sockets: str = ""
    log_url: str = ""
    journal: str = "journal"
    journal_bytes: int = 0

    def __post_init__(self) -> None:
        _check_log_url(self.log_url)


def _check_log_url(url: str) -> None:
    if url and not url.startswith(_DATABASES):
        scheme = url.split(":")[0][:20]
        raise SettingsError(
            f"{PREFIX}LOG_URL is of kind {scheme!r}; it must be one of {', '.join(_DATABASES)}, as in sqlite:///folder/log.db"
        )


def _converted(name: str, value: Any, kind: type) -> Any:
    try:
        if kind is tuple:
            if isinstance(value, str):
                value = json.loads(value) if value.lstrip().startswith("[") else [part.strip() for part in value.split(",") if part.strip()]
            return tuple(str(item) for item in value)
        return kind(value) if kind in (int, float) else str(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{PREFIX}{name.upper()} is {value!r}, which is no {kind.__name__}") from None
