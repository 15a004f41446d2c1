"""`ProcessOptions`: how services of this host are offered; the flavor's config has these settings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessOptions:
    """Settings of one machine."""

    host: str = "127.0.0.1"
    port: int = 0
    """Port at which all models answer; 0: one of 8400 to 8499, which is kept."""
    tls_certificate: str = ""
    """Path of a PEM file with a certificate and what leads to its root, by which all models answer in HTTPS."""
    tls_key: str = ""
    """Path of its private key, PEM."""
    authentication: bool = True
    requests_per_second: int = 5_000
    requests_per_second_of_client: int = 0
    timeout_s: float = 30.0
    log_url: str = ""
    """SQLAlchemy URL of the prediction log's database; empty: SQLite in the host's folder, shared by its models."""
    workers: int = 2
    pool_bytes: int = 1 << 30
    """Of loaded models in the pool, over all its workers."""
