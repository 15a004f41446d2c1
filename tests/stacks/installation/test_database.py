"""What the servers' init container says of a database before a server leans on it."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import sqlalchemy

from stacks.installation.database import check_all, wait_for
from stacks.installation.urls import for_zenml
from tests.databases import free_port, mariadb, postgresql, server_folder  # noqa: F401 - fixtures


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII"])
def test_a_postgresql_that_can_not_keep_text_is_refused_with_the_way_out(postgresql, encoding):  # noqa: F811
    name = f"kept_{encoding.lower()}"
    engine = sqlalchemy.create_engine(
        sqlalchemy.make_url(postgresql).set(drivername="postgresql+psycopg").update_query_dict({"client_encoding": "utf8"})
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text(f"create database {name} encoding '{encoding}' locale 'C' template template0"))
    engine.dispose()
    url = sqlalchemy.make_url(postgresql).set(database=name).render_as_string(hide_password=False)

    if encoding == "UTF8":
        taken = wait_for(url, 5)
        assert taken.dialect.name == "postgresql"
        taken.dispose()
    else:
        with pytest.raises(SystemExit, match=f"{name} has encoding SQL_ASCII.*ENCODING 'UTF8'"):
            wait_for(url, 5)


def test_one_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(SystemExit, match=r"database 127\.0\.0\.1/runs takes no connection") as ended:
        wait_for("mysql://me:s3same@127.0.0.1:9/runs", 0.1)
    assert "s3same" not in str(ended.value)


def test_a_check_names_each_database_that_takes_no_table(mariadb):  # noqa: F811
    url = sqlalchemy.make_url(mariadb).set(drivername="mysql+pymysql")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create or replace user reader@localhost identified by 's3same'"))
        connection.execute(sqlalchemy.text(f"grant select on {url.database}.* to reader@localhost"))
    reader = url.set(username="reader", password="s3same")
    asked = {"MLFLOW": url, "PREDICTIONS": reader, "STUDIES": url.set(database="nowhere"), "ZENML": url.set(port=9)}
    said = check_all({name: one.render_as_string(hide_password=False) for name, one in asked.items()}, 0.1)

    assert len(said) == 3 and "s3same" not in "".join(said)
    assert (
        said[0].startswith(f"PREDICTIONS: reader may keep no table in {url.host}/{url.database}: ") and "CREATE command denied" in said[0]
    )
    assert said[1].startswith(f"STUDIES: database {url.host}/nowhere takes no connection: ")
    assert said[2].startswith(f"ZENML: database {url.host}/{url.database} takes no connection: ")
    assert sqlalchemy.inspect(engine).get_table_names() == []
    engine.dispose()


def tls_server(folder, user, port):
    """MariaDB with a certificate of its own authority, for another host."""
    data = ["--no-defaults", f"--datadir={folder}/tls"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run(["mariadb-install-db", *data, "--auth-root-authentication-method=normal"], check=True, **quiet)
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other.example -keyout key.pem -out certificate.pem"
    subprocess.run(made.split(), check=True, **quiet)
    tls = [f"--ssl-cert={folder}/certificate.pem", f"--ssl-key={folder}/key.pem"]
    local = [f"--socket={folder}/tls-socket", f"--pid-file={folder}/tls-pid", "--bind-address=127.0.0.1", f"--port={port}"]
    return subprocess.Popen(["mariadbd", *data, *local, *tls, "--skip-grant-tables"], **quiet)


def zenmls(url):
    """How ZenML's server connects."""
    from zenml.zen_stores.sql_zen_store import SqlZenStoreConfiguration

    return SqlZenStoreConfiguration(url=for_zenml(sqlalchemy.make_url(url)).render_as_string(hide_password=False)).get_sqlalchemy_config()


def cipher(engine):
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("show status like 'Ssl_cipher'")).one()[1]


@pytest.mark.skipif(not (shutil.which("mariadbd") and shutil.which("openssl")), reason="no mariadbd or openssl here")
def test_tls_is_asked_for_in_zenmls_words(server_folder):  # noqa: F811
    (folder, user), port = server_folder, free_port()
    server = tls_server(folder, user, port)
    url = f"mysql://root:any@127.0.0.1:{port}/mysql"
    authority = f"{url}?ssl_ca={folder}/certificate.pem"
    try:
        for asked in (f"{url}?ssl=true", f"{authority}&ssl_verify_server_cert=false"):
            waited = wait_for(asked, 20)
            assert cipher(waited)
            waited.dispose()
            _, arguments, _ = zenmls(asked)
            engine = sqlalchemy.create_engine(f"mysql+pymysql://root@127.0.0.1:{port}/mysql", connect_args={"ssl": arguments["ssl"]})
            assert cipher(engine)
            engine.dispose()
        with pytest.raises(SystemExit, match="certificate verify failed"):
            wait_for(authority, 0)
        assert zenmls(authority)[1]["ssl"]["check_hostname"] is True
    finally:
        server.kill()
        server.wait()
