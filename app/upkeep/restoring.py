"""`restore`: a backup put where there is no workspace yet, told of its new place, ready to serve."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import yaml

from app.upkeep import sqlite
from app.upkeep.backup import CONFIG, FORMAT, MANIFEST, PROJECT, SEALED, STORES, Manifest, Workspace
from app.upkeep.sealing import unseal
from deployment.process.common import settle_restored
from deployment.process.layout import Desired, Layout
from deployment.process.means import free_port, is_free, write_token
from switchyard.tabular.errors import InputError


@dataclass(frozen=True)
class Restored:
    """What came back.

    Parameters
    ----------
    manifest : Manifest
    files : int
        Of the repository: those that are there now.
    new_tokens, new_ports : tuple of str
        Models whose tokens were not in the backup, and those whose front door had to move.
    """

    manifest: Manifest
    files: int
    new_tokens: tuple[str, ...]
    new_ports: tuple[str, ...]


def restore(source: Path, place: Workspace, passphrase: str | None) -> Restored:
    """Put what `back_up` wrote to `source` into `place`; nothing is there before all of it is checked.

    Raises
    ------
    InputError
        The file is no backup, is not whole or was changed, needs a passphrase, or `place` holds a workspace.
    """
    _require_empty(place)
    place.config.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.config, prefix=".restore-") as folder:
        staged = Path(folder)
        manifest = _unpack(source, staged)
        if manifest.with_secrets:
            _open_secrets(staged, passphrase)
        stores = staged / STORES
        _relocate(stores, manifest, place)
        new_tokens, new_ports = _settle_serving(stores)
        shutil.rmtree(place.stores, ignore_errors=True)
        place.stores.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stores, place.stores)
        (staged / CONFIG).replace(place.config / "config.yaml")
        return Restored(manifest, _put_back(staged / PROJECT, place.root), new_tokens, new_ports)


def _require_empty(place: Workspace) -> None:
    """Stop where there is something to lose: a run, a model, or a service. What ZenML makes by itself is nothing."""
    records = place.stores / "default_zen_store" / "zenml.db"
    runs = sqlite.rows(records, "SELECT count(*) FROM pipeline_run")[0][0] if records.is_file() else 0
    if runs or any((place.stores / "switchyard" / "serving").glob("*")):
        raise InputError(
            f"{place.stores} holds a workspace; a backup goes where there is none: set ZENML_CONFIG_PATH to a new folder, or move that "
            "one away"
        )


def _unpack(source: Path, staged: Path) -> Manifest:
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(staged, filter="data")
    except FileNotFoundError:
        raise InputError(f"{source} does not exist") from None
    except (OSError, EOFError, tarfile.TarError) as error:
        raise InputError(f"{source} is no backup, or not all of one: {error}; nothing was restored") from None
    try:
        manifest = Manifest(**json.loads((staged / MANIFEST).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        raise InputError(f"{source} is no backup of run.py backup, or not all of one; nothing was restored") from None
    if manifest.format > FORMAT:
        raise InputError(f"{source} was made by version {manifest.version} of Switchyard: restore it with that one, or a later one")
    for name, digest in manifest.files.items():
        path = staged / name
        if not path.is_file() or _digest(path) != digest:
            raise InputError(f"{source}: {name} was changed since the backup was made; nothing was restored")
    return manifest


def _open_secrets(staged: Path, passphrase: str | None) -> None:
    if passphrase is None:
        raise InputError("the backup has secrets in it: give its passphrase (--passphrase-file)")
    content = unseal((staged / SEALED).read_bytes(), passphrase)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(staged, filter="data")


def _relocate(stores: Path, manifest: Manifest, place: Workspace) -> None:
    """Have databases, ZenML's configuration and the states of services name the place where they come to lie."""
    written = _changes([(manifest.stores, str(place.stores)), (manifest.config, str(place.config))])
    for path in stores.rglob("*"):
        if path.is_file() and sqlite.is_database(path):
            sqlite.replace_text(path, written)
    for path in stores.glob("switchyard/serving/*/desired.json"):
        path.write_text(_replaced(path.read_text(encoding="utf-8"), written), encoding="utf-8")
    config = stores.parent / CONFIG
    settings = json.loads(_replaced(json.dumps(yaml.safe_load(config.read_text(encoding="utf-8")), default=str), written))
    config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def _changes(moved: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What takes the place of what, in this order: URLs, as MLflow has them, and JSON write blanks and umlauts otherwise.

    By way of a mark for each, since a new place may have an old one in its name.
    """
    marks, names = {}, {}
    for number, (old, new) in enumerate(moved):
        url, path = f"\x01{number}u\x01", f"\x01{number}\x01"
        marks |= {f"file://{quote(old)}/": url, json.dumps(f"{old}/")[1:-1]: path, f"{old}/": path}
        names |= {url: f"file://{quote(new)}/", path: f"{new}/"}
    return marks | names


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def _settle_serving(stores: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give each model tokens where the backup has none, and ports where another program has taken one; the models concerned."""
    without, moved = [], []
    for folder in sorted((stores / "switchyard" / "serving").glob("*")):
        layout = Layout(folder)
        desired = layout.read_desired()
        if desired is None:
            continue
        layout.make()
        for made in (layout.logs, layout.envoy, layout.journal):
            made.mkdir(exist_ok=True)
        if not layout.tokens.is_file():
            write_token(layout.tokens)
            without.append(folder.name)
        settled = _with_free_ports(desired)
        if settled.door.port != desired.door.port:
            moved.append(folder.name)
        layout.desired.write_text(settled.to_json(), encoding="utf-8")
    settle_restored(stores / "switchyard" / "serving")
    return tuple(without), tuple(moved)


def _with_free_ports(desired: Desired) -> Desired:
    def free(port: int, host: str = "127.0.0.1") -> int:
        return port if is_free(port, host) else free_port()

    door = replace(desired.door, port=free(desired.door.port, desired.door.host), admin_port=free(desired.door.admin_port))
    instances = {
        name: replace(spec, http_port=free(spec.http_port), metrics_port=free(spec.metrics_port))
        for name, spec in desired.instances.items()
    }
    return replace(desired, door=door, instances=instances)


def _put_back(staged: Path, root: Path) -> int:
    """The repository's files, in place of those that are there; how many."""
    count = 0
    for path in _files(staged):
        target = root / path.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        shutil.move(path, target)
        count += 1
    return count


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
