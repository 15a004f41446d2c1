"""Tables of the prediction log, and the engine for them: SQLite, PostgreSQL or MariaDB by URL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    make_url,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from switchyard.predictionlog.columns import text_type, time_type

ID_LENGTH = 160
"""Longest prediction id: a request id and a row number."""
TEXT_LENGTH = 255
"""Longest entity id, name, version and label."""

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
_CONNECT = {"postgresql": {"connect_timeout": 5}, "mysql": {"connect_timeout": 5, "read_timeout": 60}}

metadata = MetaData()

# SQLite counts up by itself only in a column declared INTEGER.
_KEY = BigInteger().with_variant(Integer(), "sqlite")

_BYTES = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")

predictions = Table(
    "predictions",
    metadata,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("prediction_id", text_type(ID_LENGTH), nullable=False),
    Column("role", text_type(16), nullable=False),
    Column("request_id", text_type(ID_LENGTH), nullable=False),
    Column("row", Integer, nullable=False),
    Column("entity_id", text_type(TEXT_LENGTH)),
    Column("time", time_type(), nullable=False),
    Column("event_time", time_type(), nullable=False),
    Column("model", text_type(TEXT_LENGTH), nullable=False),
    Column("version", text_type(TEXT_LENGTH), nullable=False),
    Column("digest", text_type(80), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("probabilities", JSON(none_as_null=True)),
    Column("label", text_type(TEXT_LENGTH)),
    Column("prediction", Double),
    Column("lower", Double),
    Column("upper", Double),
    UniqueConstraint("prediction_id", "role", name="uq_predictions_prediction_id_role"),
    Index("ix_predictions_model_time", "model", "time", "id"),
    Index("ix_predictions_entity", "entity_id", "event_time"),
    mysql_charset="utf8mb4",
)
"""One row for each scored row. `role` is live, shadow (a mirrored request has the id of the request it mirrors) or batch."""

blocks = Table(
    "prediction_blocks",
    metadata,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("request_id", text_type(ID_LENGTH), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("role", text_type(16), nullable=False),
    Column("time", time_type(), nullable=False),
    Column("model", text_type(TEXT_LENGTH), nullable=False),
    Column("version", text_type(TEXT_LENGTH), nullable=False),
    Column("digest", text_type(80), nullable=False),
    Column("first_event", time_type()),
    Column("last_event", time_type()),
    Column("entities", _BYTES),
    Column("content", _BYTES, nullable=False),
    UniqueConstraint("request_id", "first", name="uq_prediction_blocks_request_id_first"),
    Index("ix_prediction_blocks_model_time", "model", "time", "id"),
    mysql_charset="utf8mb4",
)
"""Consecutive predictions of a large table, many to a row: those from number `first` on of its request, as Parquet in `content`.
`entities` has their entities and event times, where there are entities, so that a label finds its prediction without the rest."""

labels = Table(
    "labels",
    metadata,
    Column("id", _KEY, primary_key=True, autoincrement=True),
    Column("label_id", text_type(64), nullable=False, unique=True),
    Column("prediction_id", text_type(ID_LENGTH), index=True),
    Column("entity_id", text_type(TEXT_LENGTH)),
    Column("event_time", time_type()),
    Column("value", text_type(TEXT_LENGTH), nullable=False),
    Column("received", time_type(), nullable=False),
    Column("source", text_type(64), nullable=False),
    Index("ix_labels_entity", "entity_id", "event_time"),
    mysql_charset="utf8mb4",
)
"""Every version of every label. The last received is the one that holds. `prediction_id` is null where a label came
by entity and time and no prediction was found for it yet."""

positions = Table(
    "journal_positions",
    metadata,
    Column("journal", text_type(TEXT_LENGTH), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated", time_type(), nullable=False),
    mysql_charset="utf8mb4",
)
"""How far each journal file is in the database: written in the transaction that writes its rows."""


def connect(url: str) -> Engine:
    """An engine for the database at `url`, with the drivers that this project installs.

    `postgresql://` means psycopg 3, `mysql://` and `mariadb://` mean PyMySQL. A SQLite file's folder is made, and the
    file is opened with a write-ahead log, so that monitoring can read while serving writes.
    """
    parsed = make_url(url)
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    backend = "mysql" if parsed.get_backend_name() == "mariadb" else parsed.get_backend_name()
    engine = create_engine(parsed, pool_pre_ping=True, connect_args=_CONNECT.get(backend, {}))
    if backend == "sqlite":
        event.listen(engine, "do_connect", _make_folder)
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _make_folder(_dialect: Any, _record: Any, arguments: list[Any], _options: dict[str, Any]) -> None:
    if arguments and arguments[0] not in ("", ":memory:"):
        Path(arguments[0]).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def make_tables(engine: Engine, tables: MetaData) -> None:
    """Make those of `tables` that are missing. Several processes may do so at once."""
    try:
        tables.create_all(engine)
    except DBAPIError:
        # Another process may have made a table between our look and our own attempt.
        if not set(tables.tables) <= set(inspect(engine).get_table_names()):
            tables.create_all(engine)


def insert_new(engine: Engine, table: Table, keys: tuple[str, ...]) -> Any:
    """An INSERT into `table` that passes over rows whose unique `keys` are there already."""
    if engine.dialect.name in ("mysql", "mariadb"):
        # Not INSERT IGNORE, which would also swallow values that do not fit.
        return mysql.insert(table).on_duplicate_key_update(**{keys[0]: table.c[keys[0]]})
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[engine.dialect.name]
    return dialect.insert(table).on_conflict_do_nothing(index_elements=list(keys))


def as_utc(moment: datetime) -> datetime:
    """`moment` as the tables keep it: UTC without a zone. One without a zone is taken as UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def now() -> datetime:
    """This moment, as the tables keep it."""
    return as_utc(datetime.now(UTC))
