"""`cause_of`: why a step failed, in one line, with the way out where one is known.

A database driver's error has the cause in its first line and an address of SQLAlchemy's manual in its last; other
exceptions may have a whole report above a last line. Which database it was, `steps.databases` has put into the error.
"""

from __future__ import annotations

import re

from switchyard.tabular.tables.reading.credentials import without_credentials

_MANUAL = "(Background on this error at"
_STATEMENT = re.compile(r"\n\[(?:SQL|parameters)|\n?\(Background on this error at")
_REMEDIES = (
    (("disk is full", "No space left", "could not extend file", "Disk quota"), "make room there"),
    (("database is locked", "database table is locked", "Lock wait timeout"), "something else holds it: let that end, or end it"),
    (("malformed", "not a database", "is encrypted", "disk I/O error"), "the file is damaged or its disk is: put a copy in its place"),
    (("readonly database", "unable to open database file", "Permission denied"), "let this user write the file and its folder"),
    (("onnection refused", "connection failed", "Can't connect", "could not connect", "server closed"), "start it, or look at its address"),
)
"""Words of SQLite, PostgreSQL and MariaDB, and what to do; the first that fits is said."""


def cause_of(message: str, traceback: str) -> str:
    """The cause of a failure, as its exception and traceback tell it.

    Parameters
    ----------
    message : str
        The exception's text.
    traceback : str
        As Python prints it; its last line names the exception of most errors with their text.
    """
    last = (traceback.strip().splitlines()[-1:] or [message or "no message"])[0]
    if _MANUAL not in message:
        return without_credentials(last)
    first = without_credentials(" ".join(_STATEMENT.split(message)[0].split()))
    remedy = next((remedy for words, remedy in _REMEDIES if any(word in first for word in words)), "")
    return f"{first}; {remedy}, and the same command goes on from there" if remedy else first
