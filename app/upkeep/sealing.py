"""`seal` and `unseal`: bytes that nobody reads without the passphrase."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from switchyard.tabular.errors import InputError

VARIABLE = "SWITCHYARD_PASSPHRASE"
_SALT = 16
_LEAST = 12


def passphrase_from(file: Path | None) -> str | None:
    """The passphrase in `file`, or in the variable `VARIABLE`; None where neither has one. Never of a command line, which others see.

    Raises
    ------
    InputError
        It can't be read, or is too short to keep anything.
    """
    if file is None:
        given = os.environ.get(VARIABLE, "")
    else:
        try:
            given = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InputError(f"--passphrase-file {file}: {error.strerror or error}") from None
    if not given and file is None:
        return None
    if len(given) < _LEAST:
        raise InputError(f"the passphrase in {file or VARIABLE} is shorter than {_LEAST} characters")
    return given


def seal(content: bytes, passphrase: str) -> bytes:
    """`content`, encrypted and signed (Fernet) by a key from the passphrase (scrypt, a salt of its own)."""
    from cryptography.fernet import Fernet

    salt = os.urandom(_SALT)
    return salt + Fernet(_key(passphrase, salt)).encrypt(content)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """What `seal` was given.

    Raises
    ------
    InputError
        The passphrase is another, or somebody changed the bytes.
    """
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_key(passphrase, sealed[:_SALT])).decrypt(sealed[_SALT:])
    except InvalidToken:
        raise InputError("the passphrase does not open the backup's secrets, or they were changed; nothing was restored") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return base64.urlsafe_b64encode(Scrypt(salt=salt, length=32, n=1 << 15, r=8, p=1).derive(passphrase.encode()))
