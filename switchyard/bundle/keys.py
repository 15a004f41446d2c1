"""Keys that bundles are signed with: elliptic curves as OpenSSF Model Signing takes them, and an id for each.

`cryptography` is imported when a key is used: what only scores needs it not.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class BadKey(ValueError):
    """A text is no key that can sign or check bundles."""


def make_key() -> str:
    """A new private key on P-256, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, form, plain).decode()


def public_of(private: str) -> str:
    """The public key of a private one, both as PEM.

    Raises
    ------
    BadKey
        It is no private key on a curve that is signed with, or wants a password.
    """
    return _pem(_private(private).public_key())


def public_from(text: str) -> str:
    """The public key, as PEM, of a public key or a certificate.

    A certificate is taken for its key: who issued it and until when is not asked.

    Raises
    ------
    BadKey
        It is neither, or its key is on another curve.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = text.strip().encode() + b"\n"
    try:
        if b"BEGIN CERTIFICATE" in content:
            return _pem(x509.load_pem_x509_certificate(content).public_key())
        return _pem(load_pem_public_key(content))
    except BadKey:
        raise
    except Exception:
        raise BadKey("it is no public key and no certificate in PEM") from None


def key_id(public: str) -> str:
    """What a public key is known by: SHA-256 of its PEM in hex, as Model Signing's key hint."""
    return hashlib.sha256(public.encode()).hexdigest()


def is_key_id(text: str) -> bool:
    """Whether `text` is written as an id."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def sign(private: str, message: bytes) -> bytes:
    """ECDSA over `message`, with the hash that goes with the key's curve."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = _private(private)
    return key.sign(message, ec.ECDSA(_hash_of(key.public_key())))


def is_signed(public: str, signature: bytes, message: bytes) -> bool:
    """Whether `signature` over `message` was made with the private part of `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(public.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(signature, message, ec.ECDSA(_hash_of(key)))
    except InvalidSignature:
        return False
    return True


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), None)
    except TypeError:
        raise BadKey("it wants a password; write it without one, as in openssl pkey -in key.pem -out plain.pem") from None
    except Exception:
        raise BadKey("it is no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in _CURVES:
        raise BadKey(f"it is on no curve of {', '.join(_CURVES)}; make one: openssl ecparam -name prime256v1 -genkey -noout -out key.pem")
    return key


def _pem(key: object) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise BadKey(f"its key is on no curve of {', '.join(_CURVES)}")
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def _hash_of(key: ec.EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    known: dict[int, hashes.HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    return known[key.curve.key_size]
