"""The model registry of the active stack: who is champion, and how a new version gets in.

MLflow holds the versions and their aliases; ZenML's model control plane holds the same versions as `v<number>` of a
model named per environment. A version is registered whole or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from registry.asking import unless_absent
from registry.stored import quiet_progress, read_bundle, read_seal
from stacks.active import connect_mlflow, environment
from switchyard.bundle import Bundle, ChangedBundle, Scorer, Signature
from switchyard.bundle.seal import NAME, BadSeal, Seal
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.storable import Fact, Storable

logger = logging.getLogger(__name__)

CHAMPION = "champion"
CHALLENGER = "challenger"
DIGEST_TAG, TWIN_TAG = "digest", "evaluated_digest"
BUNDLE, TWIN = "bundle", "evaluated"
"""Below the artifacts of the MLflow run that made a version: what is served, and what was scored on the holdout where it is another."""


@dataclass(frozen=True)
class Registered(Storable):
    """A registered version with its bundle's files, or nobody."""

    name: str
    version: str | None = None
    digest: str | None = None
    bundle: Bundle | None = None
    evaluated: Bundle | None = None
    """What was scored on the holdout, where it was asked for and is another than what is served."""
    seal: Seal | None = None
    """Who vouches for it; None of a version of before there were signatures. Whether to believe it is `registry.trust`'s to say."""

    def write(self, folder: Path) -> None:
        kept = {BUNDLE: self.bundle, TWIN: self.evaluated}
        lines = [self.name, self.version or "", self.digest or "", *([self.evaluated.digest] if self.evaluated else [])]
        (folder / "version.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, bundle in kept.items():
            if bundle:
                (folder / name).mkdir()
                bundle.write(folder / name)
        if self.seal:
            (folder / NAME).write_bytes(self.seal.content)

    @classmethod
    def read(cls, folder: Path) -> Self:
        name, version, digest, of_twin = [*(folder / "version.txt").read_text(encoding="utf-8").splitlines(), ""][:4]
        try:
            opened, twin = (
                Bundle.read(folder / kept).verify(known) if (folder / kept).is_dir() else None
                for kept, known in ((BUNDLE, digest), (TWIN, of_twin))
            )
        except ChangedBundle as error:
            raise ChangedVersion(f"the files of version {version} of {name!r} were changed in the artifact store: {error}") from None
        seal = Seal((folder / NAME).read_bytes()) if (folder / NAME).is_file() else None
        return cls(name, version or None, digest or None, opened, twin, seal)

    def scorer(self) -> Scorer:
        """What scores with this version's bundle."""
        return self.opened.scorer()

    @property
    def opened(self) -> Bundle:
        """The version's bundle.

        Raises
        ------
        ValueError
            Nobody is meant.
        """
        if self.bundle is None:
            raise ValueError(f"model {self.name!r}: no version, so no bundle")
        return self.bundle

    @property
    def signature(self) -> Signature | None:
        """What this version takes and gives; None of nobody, and of a bundle whose format this code does not read."""
        try:
            return self.bundle.signature if self.bundle else None
        except ValueError:
            return None

    @property
    def twin(self) -> Bundle | None:
        """What meets others on the holdout: the evaluated twin or, where there is none, the bundle. None where nobody is meant."""
        return self.evaluated or self.bundle

    def metadata(self) -> dict[str, Fact]:
        return {"name": self.name, "version": self.version or "none", "digest": self.digest or "none"}


class ChangedVersion(SwitchyardError):
    """A registered version's files are not those that were registered."""


def find_alias(name: str, alias: str, *, with_twin: bool = False) -> Registered:
    """The version of `name` that carries `alias`, opened as by `open_version`; `version` is None where there is none."""
    import mlflow

    connect_mlflow()
    found = unless_absent(lambda: mlflow.MlflowClient().get_model_version_by_alias(name, alias))
    if found is None:
        return Registered(name)
    return open_version(found, with_twin=with_twin)


def open_version(found: Any, *, with_twin: bool = False) -> Registered:
    """The version that MLflow's record `found` is of, with its bundle: the one way in which one is opened.

    Parameters
    ----------
    with_twin : bool
        With its evaluated twin too. A version that was registered without one is its own.

    Raises
    ------
    ChangedVersion
        Its files are not those that were registered.
    RegistryError
        The registry did not answer.
    """
    digest = found.tags.get(DIGEST_TAG)
    of_twin = found.tags.get(TWIN_TAG, digest) if with_twin else digest
    try:
        bundle, seal = read_bundle(found.run_id, BUNDLE), read_seal(found.run_id)
        if seal:
            # First, for it knows each file and not only all together.
            seal.check_content(found.name, bundle.files, of_twin if of_twin != digest else None)
        bundle.verify(digest)
        twin = read_bundle(found.run_id, TWIN).verify(of_twin) if of_twin != digest else None
    except (ChangedBundle, BadSeal) as error:
        raise ChangedVersion(
            f"the files of version {found.version} of {found.name!r} were changed since it was registered: {error}; nothing was "
            "done with them. Put them back as they were, or deploy another version (--version N)"
        ) from None
    if seal is None:
        logger.info("version %s of %r is unsigned: it is known by its digest alone", found.version, found.name)
    return Registered(found.name, str(found.version), digest, bundle, twin, seal)


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
    same = versions_with_digest(name, digest)
    return str(max(same)) if same else None


def versions_with_digest(name: str, digest: str) -> list[int]:
    """All registered versions of `name` whose bundle has `digest`."""
    import mlflow

    connect_mlflow()
    versions = mlflow.MlflowClient().search_model_versions(f"name = '{name}'")
    return [int(version.version) for version in versions if version.tags.get(DIGEST_TAG) == digest and version.status == "READY"]


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
