"""What is secret in an address is known, whatever the kind of address, and never shown."""

from time import perf_counter
from urllib.parse import quote_plus

import pytest

from switchyard.tabular.tables.reading.credentials import holds_secret, without_credentials

_ODBC = "DRIVER={ODBC Driver 18 for SQL Server};SERVER=db;UID=me;PWD=s3same;Encrypt=yes"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("postgresql://me:s3same@db/shop", "postgresql://db/shop"),
        ("postgresql://me:s3/same@db/shop", "postgresql://db/shop"),
        ("postgresql://me:s3#same@db/shop", "postgresql://db/shop"),
        ("postgresql://me:s3?same@db/shop", "postgresql://db/shop"),
        ("postgresql://me:12/s3same@db:5432/shop?sslmode=require", "postgresql://db:5432/shop"),
        ("mysql+pymysql://me:s3@same@db/shop", "mysql+pymysql://db/shop"),
        ("https://me:s3/same@host/table.csv", "https://host/table.csv"),
        ("redis://:s3same@host/0", "redis://host/0"),
        ("https://s3same@host/table.csv", "https://host/table.csv"),
        ("databricks://dapi0123456789s3same0123@host/table", "databricks://host/table"),
        ("s3://AKIA1:s3/sa+me@bucket/table.csv", "s3://bucket/table.csv"),
        ("s3://bucket/table.csv?access_key=AKIA1&secret_key=s3same", "s3://bucket/table.csv"),
        ("https://me.blob.core.windows.net/c/t.csv?sv=2024&SharedAccessSignature=s3same", "https://me.blob.core.windows.net/c/t.csv"),
        ("abfs://c@me.dfs.core.windows.net/t.csv?account_key=s3same", "abfs://me.dfs.core.windows.net/t.csv"),
        ("https://host/t.csv?sas=s3same", "https://host/t.csv"),
        ("https://host/t.csv?jwt=s3same", "https://host/t.csv"),
        (f"mssql+pyodbc:///?odbc_connect={quote_plus(_ODBC)}", "mssql+pyodbc:///"),
        (f"mssql+pyodbc:///?odbc_connect={_ODBC}", "mssql+pyodbc:/// Driver 18 for SQL Server};SERVER=db;UID=me;PWD=***;Encrypt=yes"),
        ("jdbc:sqlserver://db;user=me;password={s3 same;x};a=b", "jdbc:sqlserver://db;user=me;password=***;a=b"),
    ],
)
def test_a_secret_of_any_kind_is_seen_and_hidden(text, shown):
    assert holds_secret(text)
    assert without_credentials(text) == shown
    assert without_credentials(f"can't read '{text}'").startswith(f"can't read '{shown.partition(' ')[0]}")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://reader@db/shop",
        "https://host:8080/mail@v2.csv",
        "http://[::1]:8080/mail@v2.csv",
        "https://host/people/a@b.csv",
        "https://host/t.csv?partition_key=3&max_tokens=5&tokenizer=x&version=2",
        "s3://bucket/a:b@c.csv",
        "abfs://container-of-2024-with-a-long-name@account.dfs.core.windows.net/t.csv",
        "postgresql://me:@db/shop",
        "tables/pwd=1.csv",
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(text):
    assert not holds_secret(text)


def test_an_address_with_nothing_to_hide_is_shown_as_it_is():
    for text in ("https://host:8080/mail@v2.csv", "http://[::1]:8080/a@b.csv", "s3://bucket/a:b@c.csv", "sqlite:////tmp/a.db"):
        assert without_credentials(text) == text


def test_several_addresses_in_one_text_are_each_looked_at():
    text = "s3://bucket/x,postgresql://me:s3same@db/shop (then 'https://me:s3same@host/t.csv')"

    assert holds_secret(text) and without_credentials(text) == "s3://bucket/x,postgresql://db/shop (then 'https://host/t.csv')"


def test_a_connection_string_in_an_error_is_hidden_too():
    assert "s3same" not in without_credentials("login failed for DRIVER=x;PWD=s3same;UID=me and AccountKey=s3same==;EndpointSuffix=core")


def test_a_path_with_a_token_in_an_error_is_hidden_too():
    assert without_credentials("Max retries exceeded with url: /t.csv?a=1&token=s3same (refused)").endswith("?a=1&token=*** (refused)")


def test_a_long_text_takes_no_time():
    began = perf_counter()
    for text in ("a" * 200_000, "a://" + "b" * 200_000, "a://" + "b:@" * 70_000, "," * 200_000, "a://" * 50_000):
        without_credentials(text), holds_secret(text)
    assert perf_counter() - began < 2
