"""Fixtures: an engine for each database at hand, and records as serving writes them."""

import os
import shutil
import socket
import subprocess

import pytest

from predictionlog import connect, create_tables, prediction_record
from predictionlog.database import metadata

ORIGIN = {"model": "loans", "version": "3", "digest": "sha256:" + "0" * 64, "role": "live"}


def record(request_id, rows=1, moment=1_700_000_000.0, entities=None, events=None, origin=ORIGIN, exclude=frozenset()):
    """A journal entry of a binary model with columns age and job."""
    probabilities = [{"no": 0.25, "yes": 0.75}] * rows
    return prediction_record(
        request_id=request_id,
        origin=origin,
        inputs={"age": list(range(30, 30 + rows)), "job": ["clerk"] * rows},
        answers={"label": ["yes"] * rows, "probabilities": probabilities, "prediction": None, "lower": None, "upper": None},
        entity_ids=entities,
        event_times=events,
        exclude=exclude,
        moment=moment,
    )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """URL of a PostgreSQL server of our own, where the program and its driver are there."""
    pytest.importorskip("psycopg", reason="psycopg is not installed here")
    if not shutil.which("pg_ctl"):
        pytest.skip("no pg_ctl on the PATH")
    folder = tmp_path_factory.mktemp("postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_other = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root.
        as_other = {"user": "nobody", "group": "nogroup"}
        shutil.chown(folder, **as_other)
        folder.chmod(0o755)
        for parent in list(folder.parents)[:2]:
            parent.chmod(0o755)
    options = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **as_other}
    subprocess.run(["pg_ctl", "init", "-D", folder / "data", "-o", "-A trust -U test --no-sync"], **options)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    subprocess.run(["pg_ctl", "start", "-w", "-D", folder / "data", "-l", folder / "log", "-o", settings], **options)
    yield f"postgresql://test@127.0.0.1:{port}/postgres"
    subprocess.run(["pg_ctl", "stop", "-m", "immediate", "-D", folder / "data"], **options)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request, tmp_path):
    """An engine with empty tables. MariaDB: `PREDICTIONLOG_MARIADB` names a server's URL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/new/log.db"
    elif request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    else:
        url = os.environ.get("PREDICTIONLOG_MARIADB") or pytest.skip("PREDICTIONLOG_MARIADB names no server")
    engine = connect(url)
    create_tables(engine)
    yield engine
    metadata.drop_all(engine)
    engine.dispose()
