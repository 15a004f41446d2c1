"""A workspace comes back from one file: on another path, whole or not at all, and without its secrets where nobody gave a passphrase."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from app.upkeep.backup import Workspace, back_up
from app.upkeep.restoring import restore
from app.upkeep.sealing import passphrase_from
from deployment.process.layout import Desired, Layout, Spec
from switchyard.serving.frontdoor.state import Door, Traffic
from switchyard.tabular.errors import InputError

PASSPHRASE = "a passphrase of some length"


def database(path: Path, *statements: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in statements:
            connection.execute(statement)


def ask(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def place_in(folder: Path) -> Workspace:
    (folder / "clone").mkdir(parents=True)
    return Workspace(folder / "zen", folder / "zen" / "local_stores", folder / "clone")


@pytest.fixture
def place(tmp_path) -> Workspace:
    """A workspace that serves version 1 of `loans`, in a folder whose name URLs write otherwise."""
    place = place_in(tmp_path / "here ü")
    stores = place.stores
    component = base64.b64encode(b"{}").decode()
    database(
        stores / "default_zen_store" / "zenml.db",
        "CREATE TABLE artifact_version (id CHAR(32), uri TEXT)",
        f"INSERT INTO artifact_version VALUES ('a', '{stores}/store/release/1')",
        'CREATE TABLE secret (id CHAR(32), "values" VARCHAR)',
        "INSERT INTO secret VALUES ('s', 'hunter2hunter2')",
        "CREATE TABLE stack_component (name VARCHAR, configuration BLOB)",
        f"INSERT INTO stack_component VALUES ('local', '{component}')",
        "CREATE TABLE pipeline_run (id CHAR(32))",
        "INSERT INTO pipeline_run VALUES ('r')",
    )
    database(
        stores / "switchyard" / "mlflow.db",
        "CREATE TABLE runs (artifact_uri VARCHAR(200))",
        f"INSERT INTO runs VALUES ('{(stores / 'switchyard' / 'mlartifacts' / '1').as_uri()}')",
    )
    database(stores / "switchyard" / "predictions.db", "CREATE TABLE predictions (request TEXT)", "INSERT INTO predictions VALUES ('1')")
    content = stores / "store" / "switchyard" / "content" / "aa"
    content.parent.mkdir(parents=True)
    content.write_bytes(os.urandom(100_000))
    for run in "12":
        (stores / "store" / "release" / run).mkdir(parents=True)
        os.link(content, stores / "store" / "release" / run / "model.onnx")
    layout = Layout(stores / "switchyard" / "serving" / "loans")
    for folder in (layout.logs, layout.envoy, layout.journal):
        folder.mkdir(parents=True)
    layout.tokens.write_text("default a-token-that-is-long\n")
    (layout.journal / "1.journal").write_text("an answer")
    layout.log("v1").write_text("a line")
    pool = Layout(stores / "switchyard" / "pool")
    pool.journal.mkdir(parents=True)
    (pool.journal / "2.journal").write_text("a pooled model's answer")
    pool.desired.write_text(f"of this machine: {stores}")
    settings = {"bundle": str(layout.bundle("sha256:aa")), "log_url": f"sqlite:///{stores}/switchyard/predictions.db"}
    spec = Spec("1", "sha256:aa", "live", settings, 40001, 40002)
    layout.desired.write_text(Desired(Door(40003, 40004), {"v1": spec}, Traffic.all_to("v1")).to_json())
    (place.config / "config.yaml").write_text(f"store:\n  url: sqlite:///{stores}/default_zen_store/zenml.db\n")
    (place.root / "configs").mkdir()
    (place.root / "configs" / "loans.yaml").write_text("name: loans\n")
    return place


@pytest.mark.parametrize("where", ["there", "an ö", "inner/{here}"])
def test_it_comes_back_on_another_path_and_names_that_one(place, tmp_path, where):
    back_up(place, tmp_path / "backup.tar.gz", PASSPHRASE)
    # The last is a place that has the old one's whole path in its name.
    there = place_in(tmp_path / where.format(here=str(place.config).lstrip("/")))

    restored = restore(tmp_path / "backup.tar.gz", there, PASSPHRASE)

    stores = there.stores
    assert ask(stores / "default_zen_store" / "zenml.db", "SELECT uri FROM artifact_version") == [(f"{stores}/store/release/1",)]
    assert ask(stores / "switchyard" / "mlflow.db", "SELECT artifact_uri FROM runs") == [((stores / "switchyard/mlartifacts/1").as_uri(),)]
    settings = yaml.safe_load((there.config / "config.yaml").read_text())
    assert settings == {"store": {"url": f"sqlite:///{stores}/default_zen_store/zenml.db"}}
    layout = Layout(stores / "switchyard" / "serving" / "loans")
    desired = layout.read_desired()
    assert desired.traffic == Traffic.all_to("v1") and desired.instances["v1"].settings["bundle"] == str(layout.bundle("sha256:aa"))
    assert layout.tokens.read_text() == "default a-token-that-is-long\n" and layout.tokens.stat().st_mode & 0o077 == 0
    assert layout.tokens.stat().st_mtime > 1e9, "the supervisor reads what changed, and takes time 0 for what it has read"
    assert (layout.journal / "1.journal").read_text() == "an answer" and not layout.log("v1").exists()
    pool = Layout(stores / "switchyard" / "pool")
    assert (pool.journal / "2.journal").is_file() and not pool.desired.exists(), "the next one is made of the models' folders"
    first, second = (stores / "store" / "release" / run / "model.onnx" for run in "12")
    assert first.read_bytes() == (place.stores / "store/release/1/model.onnx").read_bytes() and first.samefile(second)
    assert (there.root / "configs" / "loans.yaml").read_text() == "name: loans\n"
    assert (restored.files, restored.new_tokens, restored.new_ports) == (1, (), ())
    assert not list(there.config.glob(".restore-*"))


def test_without_a_passphrase_no_secret_is_in_the_file_and_new_tokens_are_made(place, tmp_path):
    back_up(place, tmp_path / "backup.tar.gz", None)
    with tarfile.open(tmp_path / "backup.tar.gz") as archive:
        everything = b"".join(archive.extractfile(member).read() for member in archive if member.isreg())
    there = place_in(tmp_path / "there")

    restored = restore(tmp_path / "backup.tar.gz", there, None)

    assert b"hunter2" not in everything and b"a-token-that-is-long" not in everything
    assert restored.new_tokens == ("loans",) and ask(there.stores / "default_zen_store/zenml.db", "SELECT * FROM secret") == []
    assert len((there.stores / "switchyard/serving/loans/tokens").read_text().split()[-1]) >= 16


def test_a_url_with_a_password_goes_in_only_with_a_passphrase(place, tmp_path):
    desired = place.stores / "switchyard/serving/loans/desired.json"
    text = json.loads(desired.read_text())
    text["instances"]["v1"]["settings"]["log_url"] = "postgresql://me:hunter2hunter2@db/log"
    desired.write_text(json.dumps(text))

    with pytest.raises(InputError, match="the prediction log's URL of 'loans' holds a password: give a passphrase"):
        back_up(place, tmp_path / "open.tar.gz", None)
    back_up(place, tmp_path / "sealed.tar.gz", PASSPHRASE)
    with tarfile.open(tmp_path / "sealed.tar.gz") as archive:
        assert not any(b"hunter2" in archive.extractfile(member).read() for member in archive if member.isreg())
    assert not (tmp_path / "open.tar.gz").exists()


def test_a_database_that_is_written_to_meanwhile_is_whole_in_the_backup(place, tmp_path):
    path, over = place.stores / "switchyard" / "predictions.db", threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, timeout=60)) as connection:
            while not over.is_set():
                with connection:
                    connection.executemany("INSERT INTO predictions VALUES (?)", [("x" * 1000,)] * 50)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(place, tmp_path / "backup.tar.gz", None)
    finally:
        over.set()
        writer.join()
    there = place_in(tmp_path / "there")
    restore(tmp_path / "backup.tar.gz", there, None)

    restored = there.stores / "switchyard" / "predictions.db"
    assert ask(restored, "PRAGMA integrity_check") == [("ok",)] and ask(restored, "SELECT count(*) FROM predictions")[0][0] % 50 == 1


def test_a_port_that_is_taken_here_is_given_up(place, tmp_path):
    back_up(place, tmp_path / "backup.tar.gz", None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 40003))
        taken.listen()
        restored = restore(tmp_path / "backup.tar.gz", place_in(tmp_path / "there"), None)

    assert restored.new_ports == ("loans",)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _change(path: Path) -> None:
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member).read() if member.isreg() else b"") for member in archive]
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            if member.name.endswith("1.journal"):
                content = b"an ANSWER"
            archive.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("harm", "passphrase", "why"),
    [
        (_cut, PASSPHRASE, "is no backup, or not all of one"),
        (_change, PASSPHRASE, "1.journal was changed since the backup was made; nothing was restored"),
        (lambda path: path.write_text("name,age\n"), PASSPHRASE, "is no backup"),
        (lambda path: path.unlink(), PASSPHRASE, "does not exist"),
        (lambda _path: None, "another passphrase", "the passphrase does not open the backup's secrets"),
        (lambda _path: None, None, "give its passphrase"),
    ],
)
def test_what_is_not_whole_or_not_open_restores_nothing(place, tmp_path, harm, passphrase, why):
    back_up(place, tmp_path / "backup.tar.gz", PASSPHRASE)
    harm(tmp_path / "backup.tar.gz")
    there = place_in(tmp_path / "there")

    with pytest.raises(InputError, match=why):
        restore(tmp_path / "backup.tar.gz", there, passphrase)
    assert not there.stores.exists() and not list(there.config.glob("*")) and not list(there.root.iterdir())


def test_a_workspace_is_never_replaced_and_a_backup_neither(place, tmp_path):
    back_up(place, tmp_path / "backup.tar.gz", PASSPHRASE)

    with pytest.raises(InputError, match="holds a workspace; a backup goes where there is none"):
        restore(tmp_path / "backup.tar.gz", place, PASSPHRASE)
    with pytest.raises(InputError, match="exists; name a file that does not"):
        back_up(place, tmp_path / "backup.tar.gz", PASSPHRASE)
    with pytest.raises(InputError, match="holds no workspace"):
        back_up(place_in(tmp_path / "empty"), tmp_path / "another.tar.gz", None)


def test_a_passphrase_comes_from_a_file_and_keeps_something(tmp_path):
    (tmp_path / "short").write_text("abc\n")
    with pytest.raises(InputError, match="shorter than 12 characters"):
        passphrase_from(tmp_path / "short")
    with pytest.raises(InputError, match="No such file"):
        passphrase_from(tmp_path / "none")
