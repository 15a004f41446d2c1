"""The model registry of the active stack: who is champion, and how a new version gets in.

MLflow holds the versions and their aliases; ZenML's model control plane holds the same versions as `v<number>` of a
model named per environment. A version is registered whole or not at all.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from stacks.active import connect_mlflow, environment
from switchyard.bundle import Scorer, Signature
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.reading.credentials import first_line

CHAMPION = "champion"
CHALLENGER = "challenger"
DIGEST_TAG = "digest"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's words for a model or version, and for an alias, that is not there."""


@dataclass(frozen=True)
class Registered(Storable):
    """A registered version with its bundle's files, or nobody."""

    name: str
    version: str | None = None
    digest: str | None = None
    files: dict[str, bytes] | None = None

    def write(self, folder: Path) -> None:
        lines = [self.name, self.version or "", self.digest or ""]
        (folder / "version.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, content in (self.files or {}).items():
            (folder / "bundle").mkdir(exist_ok=True)
            (folder / "bundle" / name).write_bytes(content)

    @classmethod
    def read(cls, folder: Path) -> Self:
        name, version, digest = (folder / "version.txt").read_text(encoding="utf-8").split("\n")[:3]
        bundle = folder / "bundle"
        files = {path.name: path.read_bytes() for path in sorted(bundle.iterdir())} if bundle.is_dir() else None
        return cls(name, version or None, digest or None, files)

    def scorer(self) -> Scorer:
        """What scores with this version's bundle."""
        if not self.files:
            raise ValueError(f"model {self.name!r}: no version, so nothing to score with")
        return Scorer.of(self.files["model.onnx"], Signature.from_json(self.files["signature.json"].decode("utf-8")))

    def facts(self) -> dict[str, Fact]:
        return {"name": self.name, "version": self.version or "none", "digest": self.digest or "none"}


class RegistryError(SwitchyardError):
    """The registry can't be asked."""


def unless_absent(ask: Callable[[], Any]) -> Any:
    """What MLflow answers; None where it holds no such model, version or alias.

    Raises
    ------
    RegistryError
        It did not answer: that nobody is champion must never follow from an outage.
    """
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise RegistryError(f"the model registry did not answer, run the same command again when it does: {first_line(error)}") from error


def find_alias(name: str, alias: str) -> Registered:
    """The version of `name` that carries `alias`, bundle included; `version` is None where there is none."""
    import mlflow

    connect_mlflow()
    found = unless_absent(lambda: mlflow.MlflowClient().get_model_version_by_alias(name, alias))
    if found is None:
        return Registered(name)
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        path = Path(mlflow.artifacts.download_artifacts(run_id=found.run_id, artifact_path="bundle", dst_path=folder))
        files = {file.name: file.read_bytes() for file in sorted(path.iterdir())}
    return Registered(name, str(found.version), found.tags.get(DIGEST_TAG), files)


def configs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every registered version of `name`, the newest first, with the config that it was trained by."""
    import mlflow

    connect_mlflow()
    versions = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    for version in sorted(versions, key=lambda version: -int(version.version)):
        with quiet_progress():
            yield str(version.version), mlflow.artifacts.load_dict(f"runs:/{version.run_id}/config.json")


def version_with_digest(name: str, digest: str) -> str | None:
    """The newest registered version of `name` whose bundle has `digest`."""
    import mlflow

    connect_mlflow()
    versions = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    same = [int(version.version) for version in versions if version.tags.get(DIGEST_TAG) == digest and version.status == "READY"]
    return str(max(same)) if same else None


def is_registered(name: str, version: str, digest: str) -> bool:
    """Whether the registry holds `version` of `name` with this digest."""
    import mlflow

    connect_mlflow()
    found = unless_absent(lambda: mlflow.MlflowClient().get_model_version(name, version))
    return found is not None and found.status == "READY" and found.tags.get(DIGEST_TAG) == digest


def zenml_model_name(name: str) -> str:
    """ZenML's name of the model: one for each environment, so that a laptop never demotes the cluster's."""
    return f"{name}.{environment()}"


def mirror_to_zenml(name: str, version: str, tags: dict[str, str], stage: str) -> None:
    """Make ZenML's model version `v<version>` and set its stage; again is no error."""
    from zenml.client import Client

    client, model = Client(), zenml_model_name(name)
    if client.list_models(name=model).total == 0:
        client.create_model(name=model, description=f"Model {name} of environment {environment()}", save_models_to_registry=False)
    label = f"v{version}"
    known = client.list_model_versions(model=model, name=label)
    labels = [f"{key}:{value}"[:250] for key, value in tags.items()]
    held: Any = known.items[0] if known.total else client.create_model_version(model, label, tags=labels)
    held.set_stage(stage, force=True)


@contextlib.contextmanager
def quiet_progress() -> Any:
    """MLflow without its progress bars."""
    import os

    before = os.environ.get("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", None)
        else:
            os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = before
