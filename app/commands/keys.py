"""`keys`: the keys that sign models and those that are believed: listed, changed for others, taken back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.completing import model_names

if TYPE_CHECKING:
    from stacks.keyring import Keyring

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.pass_context
def COMMAND(context: click.Context) -> None:
    """Keys of the active stack that sign models, and those whose signatures are deployed; without a subcommand: which there are."""
    from app.repository import ensure_stack

    ensure_stack(context.obj)
    if context.invoked_subcommand is None:
        for line in _lines(_ring()):
            click.echo(line)


@COMMAND.command("rotate")
def _rotate() -> None:
    """Sign with a new key from now on; what the old one signed is believed until it is revoked."""
    from stacks.keyring import write_keyring
    from steps.provenance import person
    from switchyard.bundle.keys import make_key, public_of

    private = make_key()
    ring = _made().with_key(public_of(private), person(), private)
    write_keyring(ring)
    _tell(ring)


@COMMAND.command("use")
@click.argument("file", type=_FILE)
def _use(file: Path) -> None:
    """Sign with your own key from now on: FILE is a private key in PEM, on P-256, P-384 or P-521, without a password."""
    from stacks.keyring import private_from, write_keyring
    from steps.provenance import person
    from switchyard.bundle.keys import public_of

    private = private_from(file.read_text(), str(file))
    ring = _made().with_key(public_of(private), person(), private)
    write_keyring(ring)
    _tell(ring)


@COMMAND.command("trust")
@click.argument("file", type=_FILE)
@click.option("--owner", required=True, help="Whose key it is.")
def _trust(file: Path, owner: str) -> None:
    """Deploy what somebody else signed: FILE is a public key or a certificate in PEM."""
    from stacks.keyring import trusted_from, write_keyring

    ring = _made().with_key(trusted_from(file.read_text(), str(file)), owner)
    write_keyring(ring)
    _tell(ring)


@COMMAND.command("revoke")
@click.argument("key")
@click.option("--why", default="", help="A reason to keep with it.")
def _revoke(key: str, why: str) -> None:
    """Believe KEY, an id or its beginning, no more: what it signed is not deployed again until it is signed anew.

    What serves goes on serving.
    """
    from stacks.keyring import write_keyring

    ring = _ring()
    found = ring.named(key)
    ring = ring.without(found, why)
    write_keyring(ring)
    click.echo(f"{found.id[:12]} of {found.owner} is revoked" + ("" if ring.signing else "; the next training makes a new key"))


@COMMAND.command("sign")
@click.argument("model", shell_complete=model_names)
def _sign(model: str) -> None:
    """Vouch for MODEL:VERSION, which is registered already: one of before there were signatures, or of a key that was revoked."""
    from registry.production import next_version
    from registry.trust import seal_version
    from steps.provenance import person

    name, _, version = model.partition(":")
    version = version or next_version(name)
    click.echo(f"version {version} of {name!r} is signed by {seal_version(name, version, person())[:12]}")


@COMMAND.command("public")
@click.argument("key", required=False)
def _public(key: str | None) -> None:
    """Print the public key KEY, the one that signs without a word: for trust.keys of a config, or for model_signing."""
    ring = _made() if key is None else _ring()
    found = ring.named(key) if key else ring.signing
    assert found is not None
    click.echo(found.public, nl=False)


def _ring() -> Keyring:
    from stacks.keyring import read_keyring

    return read_keyring()


def _made() -> Keyring:
    """The ring, with its first key made where there was none."""
    from registry.trust import registered_digests
    from stacks.keyring import ensure_signing
    from steps.provenance import person

    return ensure_signing(person(), registered_digests)


def _lines(ring: Keyring) -> list[str]:
    if not ring.keys:
        return ["no key yet: the first training makes one"]
    signing = ring.signing
    return [
        f"{key.id}  {'signs' if signing and key.id == signing.id else 'revoked' if key.revoked else 'trusted':<8} "
        f"{key.owner}, since {key.since[:10]}"
        + (f", revoked {key.revoked[:10]}" if key.revoked else "")
        + (f": {key.why}" if key.why else "")
        for key in ring.keys
    ]


def _tell(ring: Keyring) -> None:
    for line in _lines(ring):
        click.echo(line)
