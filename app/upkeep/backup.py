"""`back_up`: a workspace of this machine in one file, taken while it serves."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.upkeep import sqlite
from app.upkeep.sealing import seal
from deployment.process.common import FOLDER as DOOR
from deployment.process.pool import FOLDER as POOL
from switchyard import __version__
from switchyard.files import partial_file
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import holds_secret

FORMAT = 1
MANIFEST, SEALED = "manifest.json", "sealed"
STORES, CONFIG, PROJECT = "stores", "config.yaml", "project"
"""Names within the archive: ZenML's local data, its configuration, files of the repository."""
ZENML = f"{STORES}/default_zen_store/zenml.db"
OF_PROJECT = ("configs", "plugins", "reports", "docs/ml-project", ".zen")
_SKIPPED = ("dashboards", "schedules", "prometheus", "metrics")
"""Of the folder `switchyard`: what belongs to processes of this machine."""
_SKIPPED_OF_SERVING = ("logs", "envoy", "observed.json", "desired.lock", "supervisor.lock", "drain.lock")


@dataclass(frozen=True)
class Workspace:
    """Where the parts of a workspace lie."""

    config: Path
    """ZenML's folder."""
    stores: Path
    """Its local data."""
    root: Path
    """The repository."""


@dataclass
class Manifest:
    """What a backup holds; the last of its members, so that one without it is not whole."""

    format: int
    version: str
    made: str
    """ISO 8601, UTC."""
    stores: str
    """Where the local data lay: databases name it, and a restore puts its own in the place."""
    config: str
    with_secrets: bool
    files: dict[str, str] = field(default_factory=dict)
    """Member -> sha256 of its content."""


def workspace(root: Path) -> Workspace:
    """Where this environment's stores and files are, found without making anything of ZenML's.

    Raises
    ------
    InputError
        ZenML keeps its records on a server.
    """
    from zenml.constants import ENV_ZENML_LOCAL_STORES_PATH
    from zenml.utils.io_utils import get_global_config_directory

    config = Path(get_global_config_directory())
    stores = Path(os.environ.get(ENV_ZENML_LOCAL_STORES_PATH) or config / "local_stores")
    return Workspace(config, stores, root)


def back_up(place: Workspace, target: Path, passphrase: str | None) -> Manifest:
    """Write the workspace to `target`, a file that is there whole or not at all, for its owner's eyes.

    Raises
    ------
    InputError
        There is no workspace, the file exists, or there are secrets without which it would not serve and no passphrase.
    """
    if target.exists():
        raise InputError(f"{target} exists; name a file that does not, so that no backup is lost")
    if not (place.stores / "default_zen_store" / "zenml.db").is_file():
        raise InputError(f"{place.stores} holds no workspace to back up")
    manifest = Manifest(FORMAT, __version__, _now(), str(place.stores), str(place.config), passphrase is not None)
    secret = _secrets(place, passphrase)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        partial_file(target) as partial,
        tempfile.TemporaryDirectory(dir=target.parent) as scratch,
        os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as sink,
        tarfile.open(fileobj=sink, mode="w:gz", compresslevel=3) as archive,
    ):
        writer = _Writer(archive, manifest, Path(scratch))
        for name, path in _members(place):
            if name not in secret:
                writer.add(name, path)
        writer.add_bytes(CONFIG, (place.config / "config.yaml").read_bytes())
        if passphrase is not None:
            writer.add_bytes(SEALED, seal(_packed(secret, Path(scratch)), passphrase))
        else:
            writer.add_bytes(ZENML, _without_secrets(secret[ZENML], Path(scratch)))
        archive.addfile(*_entry(MANIFEST, json.dumps(asdict(manifest)).encode()))
    return manifest


class _Writer:
    """Puts files into an archive and their digests into the manifest."""

    def __init__(self, archive: tarfile.TarFile, manifest: Manifest, scratch: Path) -> None:
        self._archive, self._manifest, self._scratch = archive, manifest, scratch

    def add(self, name: str, path: Path) -> None:
        """A file as it is; a database as it is at one moment. What goes meanwhile is left out."""
        with contextlib.suppress(FileNotFoundError):
            if sqlite.is_database(path):
                copy = self._scratch / "database"
                copy.unlink(missing_ok=True)
                sqlite.copy(path, copy)
                path = copy
            self._add(name, path)

    def _add(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            info = self._archive.gettarinfo(arcname=name, fileobj=file)
            # Links to one content, as those of artifacts, stay links; the number of what was a copy means nothing.
            if info.islnk() and path.parent != self._scratch:
                self._archive.addfile(info)
                self._manifest.files[name] = self._manifest.files[info.linkname]
                return
            info.type = tarfile.REGTYPE
            reader = _Reading(file, info.size)
            self._archive.addfile(info, reader)
            self._manifest.files[name] = reader.digest.hexdigest()

    def add_bytes(self, name: str, content: bytes) -> None:
        """A file of this content."""
        self._archive.addfile(*_entry(name, content))
        self._manifest.files[name] = hashlib.sha256(content).hexdigest()


class _Reading(io.RawIOBase):
    """The first `size` bytes of a file, which may grow meanwhile, and their digest."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        super().__init__()
        self._file, self._left, self.digest = file, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(content)
        self.digest.update(content)
        return content


def _members(place: Workspace) -> Iterator[tuple[str, Path]]:
    """Name and place of every file; journals before the databases that they are carried into, so that no answer is in neither."""
    files = [path for path in sorted(place.stores.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = [
        path
        for path in files
        if not _is_skipped(path.relative_to(place.stores).parts) and not path.name.endswith((".partial", *sqlite.ASIDE))
    ]
    for path in sorted(files, key=lambda path: (path.suffix != ".journal", path.suffix != ".db")):
        yield f"{STORES}/{path.relative_to(place.stores).as_posix()}", path
    for folder in OF_PROJECT:
        for path in sorted((place.root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
                yield f"{PROJECT}/{path.relative_to(place.root).as_posix()}", path


def _is_skipped(parts: tuple[str, ...]) -> bool:
    if parts[-1].endswith((".partial", *sqlite.ASIDE)):
        return True
    if parts[0] != "switchyard":
        return False
    if parts[1] == POOL:
        # What was answered and is not in the log yet; the rest is made of the models' folders when one of them starts.
        return parts[2:3] != ("journal",)
    if parts[1] in ("serving", DOOR):
        # A folder for each model, and the one that is all models'.
        own = parts[3:] if parts[1] == "serving" else parts[2:]
        return bool(own) and (own[0] in _SKIPPED_OF_SERVING or own[-1] in _SKIPPED_OF_SERVING)
    return parts[1] in _SKIPPED


def _secrets(place: Workspace, passphrase: str | None) -> dict[str, Path]:
    """Name -> place of what only a passphrase lets into a backup: tokens, ZenML's records with its secrets, URLs with passwords."""
    found = {ZENML: place.stores / "default_zen_store" / "zenml.db"}
    for model in sorted(place.stores.glob("switchyard/serving/*")):
        if (model / "tokens").is_file():
            found[f"{STORES}/switchyard/serving/{model.name}/tokens"] = model / "tokens"
        desired = model / "desired.json"
        if desired.is_file() and holds_secret(desired.read_text(encoding="utf-8")):
            if passphrase is None:
                raise InputError(
                    f"the prediction log's URL of {model.name!r} holds a password: give a passphrase (--passphrase-file), with which it "
                    "goes into the backup"
                )
            found[f"{STORES}/switchyard/serving/{model.name}/desired.json"] = desired
    return found


def _packed(secret: dict[str, Path], scratch: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=3) as archive:
        for name, path in secret.items():
            if name == ZENML:
                sqlite.copy(path, scratch / "zenml.db")
                path = scratch / "zenml.db"
            archive.addfile(*_entry(name, path.read_bytes()))
    return content.getvalue()


def _without_secrets(path: Path, scratch: Path) -> bytes:
    copy = scratch / "zenml.db"
    sqlite.copy(path, copy)
    sqlite.empty_table(copy, "secret")
    for name, configuration in sqlite.rows(copy, "SELECT name, configuration FROM stack_component"):
        if holds_secret(base64.b64decode(configuration or b"").decode(errors="replace")):
            raise InputError(
                f"the stack component {name!r} has a URL with a password in its settings: give a passphrase (--passphrase-file), or "
                "keep the URL in a secret of ZenML and name that in the setting"
            )
    return copy.read_bytes()


def _entry(name: str, content: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), 0o600, int(time.time())
    return info, io.BytesIO(content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
