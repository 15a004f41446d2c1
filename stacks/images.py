"""Container images by the digest of what goes into them: an unchanged one is neither built nor pushed again.

A Dockerfile's COPY lines say what goes in; exactly those files are digested and sent to the engine. Built through the
Docker engine's API, so that no client program and no BuildKit is needed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from switchyard.plugins import FOLDER, is_in_folder
from switchyard.project import folder
from switchyard.tabular.errors import InputError, SwitchyardError

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILES = {
    "pipelines": "Dockerfile",
    "serving": "switchyard/serving/Dockerfile",
    "frontdoor": "switchyard/serving/frontdoor/Dockerfile",
}
PREPARED = "SWITCHYARD_IMAGE_{kind}"
"""Names an image that is there already, for processes that run in a pod and have no engine."""
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
)
_BUILD_ARGUMENTS = ("TORCH_INDEX", "PYTHON")
_USUAL = "linux/amd64"
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""By architecture, what wheels call it."""
_NEEDED_GB = 8


class ImageError(SwitchyardError):
    """An image can't be built or pushed; the message says how to mend it."""


def ensure_image(kind: str, registry: str, report: Callable[[str], None] = lambda line: None, root: Path = ROOT, platform: str = "") -> str:
    """The name of the image of `kind`, built and pushed where the registry does not hold it yet; from a registry with its digest.

    Parameters
    ----------
    kind : {"pipelines", "serving", "frontdoor"}
    registry : str
        HOST[:PORT][/PATH], as in `ghcr.io/name`; empty: the image stays in this machine's engine.
    report : callable
        Told a line when building or pushing begins and ends.
    platform : str
        OS/ARCHITECTURE of the machines that run it; empty: the engine's own.

    Raises
    ------
    ImageError
        No engine, the registry refuses, the disk is full, a step of the Dockerfile failed.
    """
    if prepared := os.environ.get(PREPARED.format(kind=kind.upper())):
        return prepared
    name = image_name(kind, registry, root, platform)
    if registry and (found := in_registry(name)):
        return found
    engine = _engine()
    if not _has_image(engine, name, platform):
        report(f"building {name} (the first time takes minutes)")
        began = time.monotonic()
        _build(engine, kind, name, root, platform)
        report(f"built {name} in {time.monotonic() - began:.0f} s")
    if not registry:
        return name
    began = time.monotonic()
    _push(engine, name)
    report(f"pushed {name} in {time.monotonic() - began:.0f} s")
    return in_registry(name) or name


def image_name(kind: str, registry: str, root: Path = ROOT, platform: str = "") -> str:
    """[REGISTRY/]switchyard-KIND:DIGEST, the digest over the Dockerfile, the files that it copies, the build arguments and the platform."""
    digest = hashlib.sha256(json.dumps(build_arguments(), sort_keys=True).encode())
    if platform not in ("", _USUAL):
        digest.update(platform.encode() + b"\0")
    for path in sorted(context_files(kind, root)):
        digest.update(path.encode() + b"\0" + hashlib.sha256((_base(path, root) / path).read_bytes()).digest())
    return f"{registry.rstrip('/')}/switchyard-{kind}:{digest.hexdigest()[:16]}".lstrip("/")


def build_arguments() -> dict[str, str]:
    """Build arguments that the environment sets: TORCH_INDEX (CPU builds of torch) and PYTHON (the base image)."""
    return {name: os.environ[f"SWITCHYARD_{name}"] for name in _BUILD_ARGUMENTS if os.environ.get(f"SWITCHYARD_{name}")}


def context_files(kind: str, root: Path = ROOT) -> set[str]:
    """The Dockerfile of `kind` and the files that its COPY lines take from the repository, below `root`."""
    dockerfile = DOCKERFILES[kind]
    found = {dockerfile}
    text = (root / dockerfile).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] != "COPY" or any(word.startswith("--from") for word in words):
            continue
        for source in [word for word in words[1:] if not word.startswith("--")][:-1]:
            found.update(_files_of(source, _base(source, root)))
    return found


def _base(path: str, root: Path) -> Path:
    """Where a file of the build context is: plugins come from a folder of one's own, where that is worked in."""
    own = root == ROOT and path.split("/")[0] == FOLDER and (folder() / FOLDER).is_dir()
    return folder() if own else root


def refuse_absent(plugins: Iterable[str], root: Path | None = None) -> None:
    """Refuse plugins, named as in the config, that a pod would look for in vain.

    Raises
    ------
    InputError
        Names the first that is neither below `plugins/` nor an installed module.
    """
    for source in plugins:
        if not is_in_folder(source, root):
            raise InputError(f"plugin {source} is not in the image of the pipelines: move it to {FOLDER}/ and name it {FOLDER}/NAME.py")


def in_registry(name: str) -> str:
    """`name` with the digest of what the registry holds by it, which no push changes; empty where it holds nothing.

    A registry that asks for a login is asked through the engine, which has it.
    """
    plain, _, known = name.partition("@")
    host, _, rest = plain.partition("/")
    repository, _, tag = rest.rpartition(":")
    scheme = "http" if host.split(":")[0] in ("localhost", "127.0.0.1") else "https"
    address = f"{scheme}://{host}/v2/{repository}/manifests/{known or tag}"
    request = urllib.request.Request(address, method="HEAD", headers={"Accept": _MANIFESTS})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            digest = answer.headers.get("Docker-Content-Digest", "") if answer.status == 200 else ""
    except urllib.error.HTTPError as error:
        digest = "" if error.code == 404 else _engine_finds(name)
    except OSError:
        digest = _engine_finds(name)
    return f"{plain}@{digest}" if digest else ""


def _files_of(source: str, root: Path) -> Iterator[str]:
    path = root / source
    if path.is_dir():
        for file in path.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc":
                yield file.relative_to(root).as_posix()
    elif path.is_file():
        yield source
    else:
        yield from (file.relative_to(root).as_posix() for file in root.glob(source) if file.is_file())


def _wheels(kind: str, architecture: str) -> list[Path]:
    """Wheels of torch for the architecture in the folders of PIP_FIND_LINKS.

    They go to the engine and are no part of the digest: the lock names the version.
    """
    if kind != "pipelines":
        return []
    folders = [Path(folder) for folder in os.environ.get("PIP_FIND_LINKS", "").split() if "://" not in folder]
    return [
        wheel for folder in folders if folder.is_dir() for wheel in sorted(folder.glob(f"torch-*linux*_{_MACHINES.get(architecture)}.whl"))
    ]


def _context(kind: str, root: Path, architecture: str) -> IO[bytes]:
    """The build context as a tar file, equal for equal files."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in sorted(context_files(kind, root)):
            content = (_base(name, root) / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
        for wheel in _wheels(kind, architecture):
            archive.add(wheel, arcname=wheel.name)
    file.seek(0)
    return file


def _engine() -> Any:
    import docker
    from docker.errors import DockerException

    try:
        engine = docker.from_env(timeout=600)
        engine.ping()
    except DockerException as error:
        raise ImageError(
            f"no docker engine answers ({_first_line(error)}): "
            "start one, set DOCKER_HOST, or build the image elsewhere from the same commit"
        ) from None
    return engine


def _has_image(engine: Any, name: str, platform: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        found = engine.images.get(name)
    except ImageNotFound:
        return False
    return not platform or found.attrs["Architecture"] == _architecture(platform)


def _architecture(platform: str) -> str:
    return platform.split("/")[1]


def _build(engine: Any, kind: str, name: str, root: Path, platform: str = "") -> None:
    said: list[str] = []
    own = engine.version()["Arch"]
    wanted = _architecture(platform) if platform else own
    with _context(kind, root, wanted) as context:
        lines = engine.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=DOCKERFILES[kind],
            tag=name,
            buildargs=build_arguments(),
            platform=platform if wanted != own else None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        error = _error_in(lines, said)
    if error is None:
        return
    if "no space left" in " ".join([error, *said[-20:]]).lower():
        raise ImageError(f"the disk is full: building {kind} needs {_NEEDED_GB} GB (docker system prune frees what is unused)")
    reason = next((line for line in reversed(said) if line.strip() and not line.startswith(("Removing", "---", "Step"))), "")
    if "exec format error" in " ".join([error, *said[-20:]]).lower():
        raise ImageError(
            f"this engine runs no programs of {platform}: let it emulate them "
            "(docker run --privileged --rm tonistiigi/binfmt --install all), or build on such a machine, from the same commit"
        )
    hint = (
        "; if packages can't be reached, name an index by PIP_INDEX_URL in the base image" if "could not connect" in reason.lower() else ""
    )
    raise ImageError(f"building {DOCKERFILES[kind]} failed: {error}: {reason.strip()}{hint}")


def _push(engine: Any, name: str) -> None:
    said: list[str] = []
    repository, _, tag = name.rpartition(":")
    error = _error_in(engine.api.push(repository, tag=tag, stream=True, decode=True), said)
    if error is None:
        return
    host = name.split("/")[0]
    lowered = error.lower()
    if any(word in lowered for word in ("denied", "unauthorized", "authentication", "no basic auth")):
        raise ImageError(f"registry {host} refuses the push of {name} ({error}): docker login {host}, with an account that may write there")
    if "no space left" in lowered:
        raise ImageError(f"registry {host} is full: free space there, then run the same command again")
    raise ImageError(f"pushing {name} failed ({error}): does CONTAINER_REGISTRY name a registry that this machine and the cluster reach?")


def _error_in(lines: Iterator[dict[str, Any]], said: list[str]) -> str | None:
    """The engine's error, or None; what it says on the way goes into `said`."""
    from docker.errors import APIError

    try:
        for line in lines:
            if "error" in line:
                return _first_line(line["error"])
            said.extend(str(line.get("stream", "")).splitlines())
    except APIError as error:
        return _first_line(error.explanation or error)
    return None


def _engine_finds(name: str) -> str:
    """The digest of what the registry holds by `name`, empty where it holds nothing."""
    from docker.errors import APIError

    try:
        return str(_engine().images.get_registry_data(name).id)
    except APIError:
        return ""


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
