"""Whether a deployment believes who vouches for a version; and the signing of one."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.production import find_version
from registry.stored import quiet_progress
from registry.versions import DIGEST_TAG, Registered
from stacks.active import connect_mlflow
from stacks.keyring import Keyring, ensure_signing, read_keyring
from switchyard.bundle import ChangedBundle
from switchyard.bundle.keys import is_key_id
from switchyard.bundle.seal import NAME, BadSeal, Seal
from switchyard.tabular.config.production import Trust
from switchyard.tabular.errors import SwitchyardError

logger = logging.getLogger(__name__)


class UntrustedVersion(SwitchyardError):
    """A version that nobody vouches for whom the deployment believes."""


def require_trusted(found: Registered, trust: Trust) -> None:
    """Stop where the config does not let `found` be deployed; a line says what is passed over.

    Whoever is about to use it asks, and not who opened it: between them it lies in the artifact store.

    Raises
    ------
    UntrustedVersion
        It is unsigned, not what was signed, or signed by a key that is unknown or was revoked; the message names the way out.
    """
    ring = read_keyring()
    what = f"version {found.version} of {found.name!r}"
    try:
        doubt = _doubt(found, trust, ring)
    except (BadSeal, ChangedBundle) as error:
        raise UntrustedVersion(f"{what} is not what was signed: {error}; nothing was done with it; deploy another (--version N)") from None
    if not doubt:
        return
    said = f"{what} {doubt}"
    unsigned = found.seal is None
    if trust.require == "nothing" or (unsigned and trust.require == "known" and (not ring.keys or ring.knew(found.digest or ""))):
        logger.warning("%s; it is known by its digest alone", said)
        return
    command = f"python run.py keys sign {found.name}:{found.version}"
    way_out = f"sign it if you know where it comes from ({command}), or deploy another (--version N)"
    raise UntrustedVersion(f"{said}, and trust.require is {trust.require}: nothing was done with it; {way_out}")


def _doubt(found: Registered, trust: Trust, ring: Keyring) -> str:
    """What speaks against a version, as the rest of a sentence; empty where nothing does."""
    if found.seal is None:
        return "is unsigned"
    found.seal.check_content(found.name, found.opened.files)
    key, standing = found.seal.key, ring.find(found.seal.key)
    if standing and standing.revoked:
        return f"is signed by the key {key[:12]} of {standing.owner}, which was revoked on {standing.revoked[:10]}" + (
            f" ({standing.why})" if standing.why else ""
        )
    if not _trusted_key(found.seal, trust, ring):
        return f"is signed by the key {key[:12]}, which is none that this deployment trusts"
    return ""


def _trusted_key(seal: Seal, trust: Trust, ring: Keyring) -> str | None:
    """The public key that made `seal`, where the config, or the ring that it leaves it to, trusts it."""
    named = {identity for identity in trust.keys if is_key_id(identity)}
    written = [public for public in trust.keys if not is_key_id(public)]
    trusted = [*(one.public for one in ring.keys if one.id in named), *written] if trust.keys else ring.trusted()
    return seal.check_key(trusted, named)


def proof_for_serving(found: Registered, trust: Trust) -> dict[str, str]:
    """Settings by which a service of `found` checks by itself who signed it: the signature, and the one key that it must be by.

    They are of the deployment, so that what lies where the service finds its bundle has no say in them. One key, not all
    that are trusted: another that comes or goes makes no other service of this version.

    Returns
    -------
    dict
        Empty where nobody signed it whom `trust` believes; `require_trusted` says whether it may serve all the same.
    """
    public = _trusted_key(found.seal, trust, read_keyring()) if found.seal else None
    return {"trusted_key": public, "seal": found.seal.content.decode()} if public and found.seal else {}


def signer_of(found: Registered, trust: Trust) -> tuple[str, str]:
    """Whose key signed a version, and what speaks against it; both empty where nobody did and where nothing does."""
    if found.seal is None:
        return "", "is unsigned"
    ring = read_keyring()
    standing = ring.find(found.seal.key)
    try:
        doubt = _doubt(found, trust, ring)
    except (BadSeal, ChangedBundle) as error:
        doubt = f"is not what was signed: {error}"
    return standing.owner if standing else "somebody unknown", doubt


def seal_bundle(name: str, files: Mapping[str, bytes], claims: Mapping[str, Any], who: str) -> bytes:
    """The signature of a bundle by the stack's key, which is made on first use.

    Parameters
    ----------
    claims : mapping
        What is said of it; who and when are added.
    who : str
        Whoever trains; owner of the key where it is made.
    """
    ring = ensure_signing(who, registered_digests)
    said = {**claims, "who": who, "when": datetime.now(UTC).isoformat(timespec="seconds")}
    # JSON has no NaN.
    said["metrics"] = {metric: value for metric, value in claims.get("metrics", {}).items() if math.isfinite(value)}
    return Seal.make(name, files, said, ring.private).content


def seal_version(name: str, version: str, who: str) -> str:
    """Sign a version that is registered already, in place of what signed it before; returns the id of the key.

    What is said of it is what its tags say.

    Raises
    ------
    InputError
        The registry has no such version.
    ChangedVersion
        Its files are not those that were registered.
    """
    import mlflow

    opened = find_version(name, version)
    record = mlflow.MlflowClient().get_model_version(name, version)
    claims = {**record.tags, "metrics": dict(mlflow.MlflowClient().get_run(record.run_id).data.metrics)}
    seal = Seal(seal_bundle(name, opened.opened.files, claims, who))
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        path = Path(folder) / NAME
        path.write_bytes(seal.content)
        mlflow.MlflowClient().log_artifact(record.run_id, str(path))
    return seal.key


def registered_digests() -> list[str]:
    """Digests of all registered versions, the newest first."""
    import mlflow

    connect_mlflow()
    versions = mlflow.MlflowClient().search_model_versions(order_by=["creation_timestamp DESC"])
    return [version.tags[DIGEST_TAG] for version in versions if DIGEST_TAG in version.tags]
