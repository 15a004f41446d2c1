"""What the servers' init container says of a database before a server leans on it."""

from __future__ import annotations

import pytest
import sqlalchemy

from stacks.kubernetes.database import wait_for
from tests.databases import postgresql, server_folder  # noqa: F401 - fixtures


@pytest.mark.parametrize("encoding", ["UTF8", "SQL_ASCII"])
def test_a_postgresql_that_can_not_keep_text_is_refused_with_the_way_out(postgresql, encoding):  # noqa: F811
    name = f"kept_{encoding.lower()}"
    engine = sqlalchemy.create_engine(sqlalchemy.make_url(postgresql).set(drivername="postgresql+psycopg").update_query_dict({"client_encoding": "utf8"}))
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
