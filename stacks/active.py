"""What steps and run.py need to know of the active stack; looked up when called, never at import."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import StackComponentType
from zenml.stack import StackComponent

from stacks.registration import LOCAL_STORES
from switchyard.plugins import loaded_plugins
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import without_credentials

if TYPE_CHECKING:
    from switchyard.tabular.tuning.store import StudyStore

STUDIES_VARIABLE = "SWITCHYARD_STUDIES"


def environment() -> str:
    """Name of the environment that models belong to: the active stack's."""
    return Client().active_stack_model.name


def component(kind: StackComponentType) -> StackComponent | None:
    """The active stack's component of a kind, made alone: the whole stack would import the libraries of every component."""
    found = Client().active_stack_model.components.get(kind)
    return StackComponent.from_model(found[0]) if found else None


def require_own_records() -> None:
    """Stop where ZenML's records are not in a file of this machine.

    Raises
    ------
    InputError
        They are a server's, or in a database of their own.
    """
    url = GlobalConfiguration().store_configuration.url
    if not url.startswith("sqlite"):
        raise InputError(
            f"ZenML's records are at {without_credentials(url)}: what lies there is saved there (docs/kubernetes.md, Backup and restore); "
            ".venv/bin/zenml logout works with this machine's own stack"
        )


def artifact_store() -> Any:
    """The active stack's artifact store; every stack has one."""
    return component(StackComponentType.ARTIFACT_STORE)


def is_local() -> bool:
    """Whether the active stack runs pipelines on this machine: their steps see its files."""
    return Client().active_stack_model.components[StackComponentType.ORCHESTRATOR][0].flavor_name == "local"


def connect_mlflow() -> str:
    """Point MLflow of this process at the active stack's tracking server and return its URI.

    Raises
    ------
    InputError
        When the stack has no MLflow experiment tracker.
    """
    tracker: Any = component(StackComponentType.EXPERIMENT_TRACKER)
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
    # Commands that search nothing ask this module too, and the search's libraries take a second to import.
    from switchyard.tabular.tuning.files import StoredFiles
    from switchyard.tabular.tuning.store import StudyStore

    store = artifact_store()
    folder = os.path.join(store.path, "switchyard", "studies")
    root = os.environ.get(STUDIES_VARIABLE) or folder
    if "://" not in root:
        return StudyStore(root, key, fresh=fresh, shared=shared)
    if root == folder and is_local():
        # Steps that share this machine's disk need no database to share trials.
        return StudyStore(str(Path(GlobalConfiguration().local_stores_path) / "switchyard" / "studies"), key, fresh=fresh, shared=shared)
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
