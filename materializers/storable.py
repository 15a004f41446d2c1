"""One materializer for every `Storable`: a folder of open formats, its content hash, its page, its facts."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from zenml.artifact_stores import LocalArtifactStore
from zenml.enums import ArtifactType, VisualizationType
from zenml.materializers.base_materializer import BaseMaterializer

from materializers.once import put
from materializers.zenml_private import tell_why_step_failed
from switchyard.tabular.storable import Record, Storable

PAGE = "report.html"
_MOST_PAGES = 64
_pages: dict[tuple[type, str], str | None] = {}
"""Pages that this process rendered lately, by what they are of: its type and the digest of its files."""


class StorableMaterializer(BaseMaterializer):
    """Keeps a `Storable` in the artifact store and shows its page in the dashboard.

    The content hash covers the names and bytes of the files, so an equal object made again is a cache hit for the
    steps after it, and a different one never is.
    """

    # Record comes before BaseModel in its method resolution order; without it ZenML's own pydantic materializer wins.
    ASSOCIATED_TYPES: ClassVar[tuple[type, ...]] = (Record, Storable)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    _content_hash: str | None = None

    def save(self, data: Storable) -> None:
        """Write the object's files below the artifact's URI."""
        try:
            self._save(data)
        except Exception as error:
            tell_why_step_failed(error)
            raise

    def _save(self, data: Storable) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            data.write(folder)
            self._content_hash = digest_folder(folder)
            for path in _files(folder):
                target = os.path.join(self.uri, *path.relative_to(folder).parts)
                if isinstance(self.artifact_store, LocalArtifactStore):
                    put(path, Path(target), Path(self.artifact_store.path))
                    continue
                self.artifact_store.makedirs(os.path.dirname(target))
                with path.open("rb") as source, self.artifact_store.open(target, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)

    def load(self, data_type: type[Any]) -> Any:
        """Read the object back, after checking that its files are those that were written.

        Raises
        ------
        RuntimeError
            When a file in the artifact store was changed or lost.
        """
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for parent, _, names in self.artifact_store.walk(self.uri):
                for name in names:
                    source = os.path.join(_text(parent), _text(name))
                    part = os.path.relpath(source, self.uri)
                    if part == PAGE:
                        continue
                    target = folder / part
                    if ".." in Path(part).parts or os.path.isabs(part):
                        raise RuntimeError(f"artifact at {self.uri} holds a file named {part!r}, which is no part of it; nothing was read")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with self.artifact_store.open(source, "rb") as reader, target.open("wb") as writer:
                        shutil.copyfileobj(reader, writer, 1 << 20)
            if self.expected_content_hash and digest_folder(folder) != self.expected_content_hash:
                raise RuntimeError(f"artifact at {self.uri} is not what was written there; run again with --no-cache")
            return data_type.read(folder)

    def save_visualizations(self, data: Storable) -> dict[str, VisualizationType]:
        """The object's static page, where it has one."""
        page = page_of(data, self._content_hash)
        if page is None:
            return {}
        target = os.path.join(self.uri, PAGE)
        with self.artifact_store.open(target, "w") as sink:
            sink.write(page)
        return {target: VisualizationType.HTML}

    def extract_metadata(self, data: Storable) -> dict[str, Any]:
        """What the object says of itself beside the artifact."""
        return dict(data.metadata())

    def compute_content_hash(self, data: Storable) -> str | None:
        """sha256 over the files that `save` wrote."""
        return self._content_hash


def page_of(data: Storable, digest: str | None = None) -> str | None:
    """The object's page, or None where it has none; rendered once in a process, however often an equal object is read anew.

    A training shows its pages in ZenML and keeps them in MLflow: two seconds of charts.

    Parameters
    ----------
    data : Storable
    digest : str, optional
        Of the files that it writes, where they are known.
    """
    if digest is None:
        with tempfile.TemporaryDirectory() as folder:
            data.write(Path(folder))
            digest = digest_folder(Path(folder))
    key = (type(data), digest)
    if key not in _pages:
        if len(_pages) >= _MOST_PAGES:
            _pages.pop(next(iter(_pages)))
        _pages[key] = data.html()
    return _pages[key]


def digest_folder(folder: Path) -> str:
    """sha256 over relative names and contents of all files below `folder`, as hex."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as source:
            while block := source.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
