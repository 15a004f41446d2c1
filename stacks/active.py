"""What steps and run.py need to know of the active stack; looked up when called, never at import."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import StackComponentType
from zenml.io import fileio

from stacks.registration import LOCAL_STORES
from stacks.secrets import with_secrets
from switchyard.plugins import loaded_plugins
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import STAGED
from switchyard.tabular.tuning.files import StoredFiles
from switchyard.tabular.tuning.store import StudyStore

STUDIES_VARIABLE = "SWITCHYARD_STUDIES"
DVC_SUFFIX = ".dvc"


def environment() -> str:
    """Name of the environment that models belong to: the active stack's."""
    return Client().active_stack_model.name


def is_local() -> bool:
    """Whether the active stack runs pipelines on this machine."""
    return Client().active_stack_model.components[StackComponentType.ORCHESTRATOR][0].flavor_name == "local"


def connect_mlflow() -> str:
    """Point MLflow of this process at the active stack's tracking server and return its URI.

    Raises
    ------
    InputError
        When the stack has no MLflow experiment tracker.
    """
    tracker = Client().active_stack.experiment_tracker
    if tracker is None or tracker.flavor != "mlflow":
        raise InputError(f"stack {environment()!r} has no MLflow experiment tracker; register one (python run.py stack up local)")
    # The first call makes MLflow's tables, and Alembic tells of each.
    for name in ("mlflow.store", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    import mlflow

    uri = tracker.get_tracking_uri()
    if LOCAL_STORES in uri:
        mlflow.set_tracking_uri(_on_this_machine(uri))
    else:
        tracker.configure_mlflow()
        mlflow.set_tracking_uri(uri)
    return mlflow.get_tracking_uri()


def _on_this_machine(uri: str) -> str:
    stores = Path(GlobalConfiguration().local_stores_path)
    (stores / "switchyard").mkdir(parents=True, exist_ok=True)
    return uri.replace(LOCAL_STORES, str(stores))


def mlflow_artifact_root() -> str | None:
    """Where a new MLflow experiment keeps its files: beside a local database, else None (the server decides)."""
    uri = connect_mlflow()
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).parent / "mlartifacts").as_uri()


def studies(key: str, fresh: str = "", shared: bool = False) -> StudyStore:
    """Where the search `key` keeps its trials, so that a killed run continues and workers share them.

    The variable SWITCHYARD_STUDIES names a folder or, as a SQLAlchemy URL, a database; without it they are in the artifact
    store's folder. Predictions of a study in a database lie in the artifact store.

    Raises
    ------
    InputError
        When the artifact store is remote and the variable is not set.
    """
    store = Client().active_stack.artifact_store
    folder = os.path.join(store.path, "switchyard", "studies")
    root = os.environ.get(STUDIES_VARIABLE) or folder
    if "://" not in root:
        return StudyStore(root, key, fresh=fresh, shared=shared)
    if root == folder:
        raise InputError(f"artifact store {store.name!r} is remote: set {STUDIES_VARIABLE} to a SQLAlchemy URL that all step pods reach")
    # The artifact store of a cloud knows its login; a bare URL would not.
    system = getattr(store, "filesystem", None) if "://" in store.path else None
    files = StoredFiles(f"{folder}/{key}", system)
    return StudyStore(root, key, files=files, fresh=fresh, shared=shared)


def pipelines_image(report: Callable[[str], None] = lambda line: None) -> str:
    """The image that pipelines run in on the active stack, built (and pushed to its registry) where it is not there yet.

    Raises
    ------
    SwitchyardError
        It can't be built or pushed, or lacks a plugin of the config; the message says how to mend it.
    """
    from stacks.images import ensure_image, refuse_absent

    refuse_absent(loaded_plugins())
    stack = Client().active_stack
    registry = stack.container_registry
    platform = _platform_of_nodes(stack.orchestrator) if stack.orchestrator.flavor == "kubernetes" else ""
    return ensure_image("pipelines", registry.config.uri if registry else "", report, platform=platform)


def _platform_of_nodes(orchestrator: Any) -> str:
    from stacks.cluster.client import Cluster
    from stacks.cluster.platforms import platform_of_cluster

    return platform_of_cluster(Cluster(orchestrator.config.kubernetes_namespace, api=orchestrator.get_kube_client()))


def stage_file(path: Path) -> str:
    """Put a local file into the active artifact store, named by its content, once; returns its URI there.

    DVC's record of the file (`<name>.dvc`) goes with it, since the data's revision is read from it.
    """
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    root = Client().active_stack.artifact_store.path
    target = os.path.join(root, "switchyard", "data", digest[:32], path.name)
    if not fileio.exists(target):
        fileio.makedirs(os.path.dirname(target))
        _copy(path, target)
    record = path.with_name(path.name + DVC_SUFFIX)
    if record.is_file():
        _copy(record, target + DVC_SUFFIX)
    elif fileio.exists(target + DVC_SUFFIX):
        fileio.remove(target + DVC_SUFFIX)
    return target


def is_local_file(source: str) -> bool:
    """Whether a table's source is a file that lies on this machine."""
    return "://" not in source and Path(source).expanduser().is_file()


def stage_source(source: str) -> str:
    """Where steps find a table: a file of this machine is staged first, anything else is what it is."""
    return stage_file(Path(source).expanduser()) if is_local_file(source) else source


def stage_table(content: bytes, name: str) -> str:
    """Put a table that was put together here into the active artifact store, named by its content; what `data.source` says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return STAGED + stage_file(path)


def _copy(path: Path, target: str) -> None:
    partial = f"{target}.{os.getpid()}.partial"
    with path.open("rb") as source, fileio.open(partial, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    fileio.rename(partial, target, overwrite=True)


@contextmanager
def local_copy(location: str) -> Iterator[str]:
    """The file behind `location` as a local path where it lies in a remote artifact store, else `location` with its secrets.

    What stands before the path of a staged table (`log:`) stays.
    """
    store = Client().active_stack.artifact_store.path
    kind = STAGED if location.startswith(STAGED) else ""
    whole, location = location, location.removeprefix(STAGED)
    if not location.startswith(store) or "://" not in store:
        yield with_secrets(whole)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, os.path.basename(location))
        for suffix in ("", DVC_SUFFIX):
            if fileio.exists(location + suffix):
                with fileio.open(location + suffix, "rb") as source, open(target + suffix, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
        yield kind + target
