"""Fixtures: an empty database of each kind at hand. A folder of tests that wants them imports them in its conftest."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from switchyard.predictionlog import connect


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def server_folder():
    """A folder, and who to be for `subprocess`: database servers refuse to run as root, and pytest's folders are private."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if os.getuid():
            yield Path(folder), {}
        else:
            shutil.chown(folder, "nobody", "nogroup")
            yield Path(folder), {"user": "nobody", "group": "nogroup"}


@pytest.fixture(scope="session")
def postgresql(server_folder):
    """URL of a PostgreSQL server of our own, where the program and its driver are there."""
    pytest.importorskip("psycopg", reason="psycopg is not installed here")
    if not shutil.which("pg_ctl"):
        pytest.skip("no pg_ctl on the PATH")
    (folder, user), port = server_folder, free_port()
    options = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run(["pg_ctl", "init", "-D", folder / "postgresql", "-o", "-A trust -U test --no-sync"], **options)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    subprocess.run(["pg_ctl", "start", "-w", "-D", folder / "postgresql", "-l", folder / "log", "-o", settings], **options)
    yield f"postgresql://test@127.0.0.1:{port}/postgres"
    subprocess.run(["pg_ctl", "stop", "-m", "immediate", "-D", folder / "postgresql"], **options)


@pytest.fixture(scope="session")
def mariadb(server_folder):
    """URL of a MariaDB server of our own, where the program and its driver are there."""
    pymysql = pytest.importorskip("pymysql", reason="PyMySQL is not installed here")
    if not (shutil.which("mariadbd") and shutil.which("mariadb-install-db")):
        pytest.skip("no mariadbd and mariadb-install-db on the PATH")
    (folder, user), port = server_folder, free_port()
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    data = ["--no-defaults", f"--datadir={folder}/mariadb"]
    subprocess.run(["mariadb-install-db", *data, "--auth-root-authentication-method=normal"], check=True, **options)
    local = [f"--socket={folder}/socket", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--port={port}"]
    server = subprocess.Popen([shutil.which("mariadbd"), *data, *local], **options)
    deadline = time.monotonic() + 30
    while True:
        try:
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
                connection.cursor().execute("CREATE DATABASE log")
            break
        except pymysql.err.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    yield f"mysql://root@127.0.0.1:{port}/log"
    server.kill()
    server.wait()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request, tmp_path):
    """URL of an empty database, of each kind at hand."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/log.db"
        return
    url = request.getfixturevalue(request.param)
    yield url
    engine, left = connect(url), MetaData()
    left.reflect(engine)
    left.drop_all(engine)
    engine.dispose()
