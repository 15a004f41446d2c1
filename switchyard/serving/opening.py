"""`opened`: the bundle that settings name, if it is that one and signed by whom they trust; nothing of it is loaded."""

from __future__ import annotations

from pathlib import Path

from switchyard.bundle import Bundle
from switchyard.bundle.digest import FILES
from switchyard.bundle.seal import Seal
from switchyard.serving.settings import Settings, SettingsError


def opened(settings: Settings) -> Bundle:
    """The bundle in memory, read once: what is loaded is what was looked at.

    Raises
    ------
    SettingsError
        It is not the one the settings ask for, or not signed by whom they trust.
    ChangedBundle, BadSeal
        It is not what was signed, or the signature is none.
    """
    folder = Path(settings.bundle)
    bundle = Bundle({name: (folder / name).read_bytes() for name in FILES})
    if settings.digest and settings.digest != bundle.digest:
        raise SettingsError(f"{folder} has digest {bundle.digest}, but {settings.digest} is to be served")
    if settings.trusted_key:
        _check_seal(settings, bundle)
    return bundle


def _check_seal(settings: Settings, bundle: Bundle) -> None:
    """Stop where the bundle was not signed, as the model's that is served, by the key that the deployment trusts."""
    if not settings.seal:
        raise SettingsError("the bundle is unsigned, and a signature is asked for")
    seal = Seal(settings.seal.encode())
    seal.check_content(settings.name or bundle.signature.name, bundle.files)
    if not seal.check_key([settings.trusted_key]):
        raise SettingsError(f"the bundle is signed by the key {seal.key[:12]}, which is not the one that this deployment trusts")
