"""`Seal`: who vouches for a bundle, and for what: a detached signature in the form of OpenSSF Model Signing.

A sigstore bundle holds a DSSE envelope, and that an in-toto statement: its subject is the model by name, its predicate lists
each file with its digest, and says what the model's card says of where it came from. `model_signing verify key` reads it; here
`cryptography` alone does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from switchyard.bundle.bundle import ChangedBundle
from switchyard.bundle.keys import is_signed, key_id, public_from, public_of, sign

NAME = "model.sig"
"""The file beside a bundle."""
TWIN = "evaluated_digest"
"""Among the claims: the digest of what was scored on the holdout."""
_MEDIA, _PAYLOAD = "application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.in-toto+json"
_STATEMENT, _PREDICATE = "https://in-toto.io/Statement/v1", "https://model_signing/signature/v1.0"
_CLAIMS = "switchyard"
"""In the predicate, whose other fields a verifier of version 1.0 passes over."""


class BadSeal(ValueError):
    """A signature can't be read, or was not made by the key that it names."""


@dataclass(frozen=True)
class Seal:
    """A signature as it lies beside a bundle."""

    content: bytes

    @classmethod
    def make(cls, name: str, files: Mapping[str, bytes], claims: Mapping[str, Any], private: str) -> Seal:
        """Sign the bundle of the model `name`.

        Parameters
        ----------
        files : mapping of str to bytes
            The bundle's, by name.
        claims : mapping
            What is said of it, in values of JSON.
        private : str
            PEM of the key.

        Raises
        ------
        switchyard.bundle.keys.BadKey
            `private` is no key.
        """
        public = public_of(private)
        resources = [{"name": file, "algorithm": "sha256", "digest": _sha256(files[file]).hex()} for file in sorted(files)]
        predicate = {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []},
            "resources": resources,
            _CLAIMS: {**claims, "public_key": public},
        }
        statement = {
            "_type": _STATEMENT,
            "subject": [{"name": name, "digest": {"sha256": _root(resources)}}],
            "predicateType": _PREDICATE,
            "predicate": predicate,
        }
        payload = json.dumps(statement, sort_keys=True).encode()
        envelope = {
            "payload": _text(payload),
            "payloadType": _PAYLOAD,
            "signatures": [{"sig": _text(sign(private, _encoded(payload))), "keyid": ""}],
        }
        material = {"publicKey": {"hint": key_id(public)}, "tlogEntries": []}
        whole = {"mediaType": _MEDIA, "verificationMaterial": material, "dsseEnvelope": envelope}
        return cls(json.dumps(whole, indent=1).encode() + b"\n")

    @cached_property
    def key(self) -> str:
        """Id of the key that it says it was made by."""
        return str(self._whole["verificationMaterial"]["publicKey"]["hint"])

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self._statement["subject"][0]["name"])

    @property
    def claims(self) -> dict[str, Any]:
        """What is said of the bundle; empty of a signature that another tool made."""
        found = dict(self._statement["predicate"].get(_CLAIMS, {}))
        found.pop("public_key", None)
        return found

    def changes(self, files: Mapping[str, bytes]) -> list[str]:
        """What of `files` is not what was signed, each in a few words; empty where all is."""
        signed = {str(one["name"]): str(one["digest"]) for one in self._statement["predicate"]["resources"]}
        found = {name: _sha256(content).hex() for name, content in files.items()}
        return [
            *(f"{name} is not what was signed" for name in sorted(signed.keys() & found.keys()) if signed[name] != found[name]),
            *(f"{name} was signed and is missing" for name in sorted(signed.keys() - found.keys())),
            *(f"{name} was not signed" for name in sorted(found.keys() - signed.keys())),
        ]

    def check_content(self, name: str, files: Mapping[str, bytes], twin: str | None = None) -> None:
        """Whether it is of this bundle, whoever made it.

        Parameters
        ----------
        name : str
            Of the model that the bundle is taken for.
        twin : str, optional
            Digest of what was scored in the bundle's place.

        Raises
        ------
        ChangedBundle
            Names the files that changed, or says what else was signed.
        BadSeal
            It can't be read.
        """
        wrong = self.changes(files)
        if self.model != name:
            wrong.append(f"{NAME} is of the model {self.model!r}")
        if twin and self.claims.get(TWIN, twin) != twin:
            wrong.append(f"{NAME} names another evaluated model, {self.claims[TWIN]}")
        if wrong:
            raise ChangedBundle("; ".join(wrong))

    def check_key(self, trusted: Iterable[str], ids: Iterable[str] = ()) -> str | None:
        """The trusted key that made it.

        Parameters
        ----------
        trusted : iterable of str
            Public keys, PEM.
        ids : iterable of str
            Ids of further ones, which need only be in the signature itself.

        Returns
        -------
        str or None
            Public, PEM; None where the key that it names is not among them.

        Raises
        ------
        BadSeal
            The key that it names did not make it.
        """
        known = {key_id(public): public for public in trusted}
        public = known.get(self.key)
        if public is None and self.key in set(ids):
            public = self._own_key
        if public is None:
            return None
        if not is_signed(public, _bytes(self._envelope["signatures"][0]["sig"]), _encoded(self._payload)):
            raise BadSeal(f"{NAME} was not made by the key {self.key} that it names")
        return public

    @property
    def _own_key(self) -> str | None:
        """The key that the signature brings along, if it is the one that it names."""
        brought = self._statement["predicate"].get(_CLAIMS, {}).get("public_key")
        public = public_from(str(brought)) if brought else None
        return public if public and key_id(public) == self.key else None

    @cached_property
    def _whole(self) -> dict[str, Any]:
        try:
            whole: dict[str, Any] = json.loads(self.content)
            if whole["mediaType"] != _MEDIA or whole["dsseEnvelope"]["payloadType"] != _PAYLOAD:
                raise BadSeal(f"{NAME} is of another form: {whole['mediaType']}, {whole['dsseEnvelope']['payloadType']}")
            whole["verificationMaterial"]["publicKey"]["hint"], whole["dsseEnvelope"]["signatures"][0]["sig"]
            return whole
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise error if isinstance(error, BadSeal) else BadSeal(f"{NAME} is no signature of a model") from None

    @property
    def _envelope(self) -> dict[str, Any]:
        return dict(self._whole["dsseEnvelope"])

    @property
    def _payload(self) -> bytes:
        return _bytes(self._envelope["payload"])

    @cached_property
    def _statement(self) -> dict[str, Any]:
        try:
            statement: dict[str, Any] = json.loads(self._payload)
            resources, (subject,) = statement["predicate"]["resources"], statement["subject"]
            if statement["_type"] != _STATEMENT or statement["predicateType"] != _PREDICATE:
                raise BadSeal(f"{NAME} says something else than that a model was signed: {statement['predicateType']}")
            if any(one["algorithm"] != "sha256" for one in resources) or _root(resources) != subject["digest"]["sha256"]:
                raise BadSeal(f"{NAME} contradicts itself: its files are not its subject")
            return statement
        except (KeyError, TypeError, ValueError) as error:
            raise error if isinstance(error, BadSeal) else BadSeal(f"{NAME} is no signature of a model") from None


def _root(resources: Iterable[Mapping[str, Any]]) -> str:
    """Digest of the subject: over the digests of the files."""
    return _sha256(b"".join(bytes.fromhex(one["digest"]) for one in resources)).hex()


def _encoded(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise BadSeal(f"{NAME} is no signature of a model") from None
