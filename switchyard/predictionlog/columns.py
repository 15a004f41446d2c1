"""Types of columns that keep the same in SQLite, PostgreSQL and MariaDB.

MariaDB compares text without regard to case, keeps whole seconds, and ends a text after 64 KB, unless told otherwise.
"""

from __future__ import annotations

from sqlalchemy import DateTime, String, Text
from sqlalchemy.dialects import mysql


def text_type(length: int) -> String:
    """Text of at most `length` characters; two texts are equal only if all their characters are."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def long_text_type() -> Text:
    """Text of any length."""
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def time_type() -> DateTime:
    """A time to the microsecond, UTC without a zone."""
    return DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
