"""The key ring of a stack: the key that signs what is trained there, and whose signatures are believed.

It lies in ZenML's secret store, beside the model registry and not in it: whoever can write the registry has no say in whom a
deployment trusts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from zenml.client import Client
from zenml.exceptions import EntityExistsError

from switchyard.bundle.keys import BadKey, key_id, make_key, public_from, public_of
from switchyard.tabular.errors import InputError

SECRET = "switchyard-signing"
_MOST_UNSIGNED = 1000
_SHORT = 32


@dataclass(frozen=True)
class KnownKey:
    """A public key, whose it is, and whether it is believed."""

    id: str
    public: str
    owner: str
    since: str
    """ISO 8601."""
    revoked: str = ""
    """When; empty where it is trusted."""
    why: str = ""


@dataclass(frozen=True)
class Keyring:
    """All keys that were ever trusted; the private part of the one that signs."""

    keys: tuple[KnownKey, ...] = ()
    private: str = ""
    unsigned: frozenset[str] = frozenset()
    """Of what was registered before the first key was made: digests, shortened."""

    @property
    def signing(self) -> KnownKey | None:
        """The key that signs; None where none was made yet."""
        return self.find(key_id(public_of(self.private))) if self.private else None

    def find(self, identity: str) -> KnownKey | None:
        """The key with this id, whatever it is worth."""
        return next((key for key in self.keys if key.id == identity), None)

    def named(self, start: str) -> KnownKey:
        """The one key whose id begins with `start`.

        Raises
        ------
        InputError
            None or several do.
        """
        found = [key for key in self.keys if key.id.startswith(start)] if start else []
        if len(found) != 1:
            known = ", ".join(key.id[:12] for key in self.keys) or "none"
            raise InputError(f"{len(found) or 'no'} key's id begins with {start!r}; the key ring has {known}")
        return found[0]

    def trusted(self) -> tuple[str, ...]:
        """Public keys whose signatures are believed."""
        return tuple(key.public for key in self.keys if not key.revoked)

    def knew(self, digest: str) -> bool:
        """Whether `digest` was registered, unsigned, before the first key was made."""
        return _shortened(digest) in self.unsigned

    def with_key(self, public: str, owner: str, private: str = "") -> Keyring:
        """This ring with a key more, which signs from now on where its private part is given."""
        if known := self.find(key_id(public)):
            if known.revoked:
                raise InputError(f"key {known.id[:12]} was revoked on {known.revoked[:10]}: {known.why or 'no reason was given'}")
            return replace(self, private=private or self.private)
        return replace(self, keys=(*self.keys, KnownKey(key_id(public), public, owner, _now())), private=private or self.private)

    def without(self, key: KnownKey, why: str) -> Keyring:
        """This ring, which does not believe `key` any more; where it signed, nothing does until a key is made."""
        keys = tuple(replace(one, revoked=_now(), why=why) if one.id == key.id and not one.revoked else one for one in self.keys)
        return replace(self, keys=keys, private="" if self.signing and self.signing.id == key.id else self.private)


def read_keyring() -> Keyring:
    """The active stack's; empty where no key was made yet."""
    try:
        values = Client().get_secret(SECRET, allow_partial_name_match=False).secret_values
    except KeyError:
        return Keyring()
    keys = tuple(KnownKey(**key) for key in json.loads(values["keys"]))
    private = values.get("private", "").strip()
    return Keyring(keys, private and f"{private}\n", frozenset(values.get("unsigned", "").split()))


def write_keyring(ring: Keyring) -> None:
    """Keep `ring` in place of what is there."""
    values = _values(ring)
    try:
        Client().create_secret(SECRET, values)
    except EntityExistsError:
        Client().update_secret(SECRET, add_or_update_values=values)


def ensure_signing(owner: str, unsigned: Callable[[], Iterable[str]]) -> Keyring:
    """The key ring with a key that signs, made on first use.

    Parameters
    ----------
    owner : str
        Whose a new key is.
    unsigned : callable
        Digests of what is registered already, the newest first; asked when the first key is made.
    """
    ring = read_keyring()
    if ring.signing:
        return ring
    first = not ring.keys
    before = frozenset(_shortened(digest) for digest in list(unsigned())[:_MOST_UNSIGNED]) if first else ring.unsigned
    private = make_key()
    made = replace(ring, unsigned=before).with_key(public_of(private), owner, private)
    if not first:
        write_keyring(made)
        return made
    try:
        Client().create_secret(SECRET, _values(made))
    except EntityExistsError:
        # Another training made it meanwhile.
        return read_keyring()
    return made


def private_from(text: str, where: str) -> str:
    """The private key in `text`.

    Raises
    ------
    InputError
        It is none that can sign.
    """
    try:
        public_of(text)
    except BadKey as error:
        raise InputError(f"{where} can't sign: {error}") from None
    return text


def trusted_from(text: str, where: str) -> str:
    """The public key in `text`, of a key or a certificate.

    Raises
    ------
    InputError
        It is neither.
    """
    try:
        return public_from(text)
    except BadKey as error:
        raise InputError(f"{where} can't be trusted: {error}") from None


def _values(ring: Keyring) -> dict[str, Any]:
    keys = json.dumps([asdict(key) for key in ring.keys])
    # A secret's value may not be empty.
    return {"keys": keys, "private": ring.private or " ", "unsigned": " ".join(sorted(ring.unsigned)) or " "}


def _shortened(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_SHORT]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
