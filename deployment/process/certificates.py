"""`read_pair`: the certificate and key by which the common door speaks TLS, as they lie on the disk now."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from switchyard.tabular.errors import InputError


def read_pair(certificate: str, key: str) -> tuple[str, str]:
    """The PEM texts of a certificate and of the key that belongs to it.

    Raises
    ------
    InputError
        One of the files is not named, can't be read or is no PEM; they do not belong together; the certificate has ended.
    """
    if not certificate or not key:
        raise InputError("TLS needs both: the deployer's tls_certificate and its tls_key, paths of PEM files")
    texts = _read(certificate, "tls_certificate"), _read(key, "tls_key")
    try:
        # A passphrase would be asked for at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "-")
    except ssl.SSLError as error:
        reason = (error.reason or "").lower()
        why = "do not belong together" if "mismatch" in reason else "are no certificate and key in PEM, or the key has a passphrase"
        raise InputError(f"tls_certificate {certificate} and tls_key {key} {why}") from None
    if (end := ends(texts[0])) < datetime.now(UTC):
        raise InputError(f"the certificate {certificate} has ended on {end:%Y-%m-%d}; renew it")
    return texts


def ends(certificate: str) -> datetime:
    """The moment until which the first certificate of a PEM text holds, UTC."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _read(path: str, setting: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{setting}: {path} can't be read ({getattr(error, 'strerror', None) or 'no text'})") from None
