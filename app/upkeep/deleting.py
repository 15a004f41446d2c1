"""`Deletion`: a model, or one version of it, taken out of MLflow, ZenML, bundles and reports; never what serves."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app import reports
from app.upkeep.deployed import Deployed, all_deployed
from app.upkeep.files import copies_of_bundle, unused_content
from app.upkeep.item import freed
from app.upkeep.runs import remove_run
from registry import removal
from registry.removal import Trained
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

if TYPE_CHECKING:
    from deployment.flavor import SwitchyardDeployer

_TIMEOUT_S = 120


@dataclass(frozen=True)
class Deletion:
    """What is to go.

    Parameters
    ----------
    name : str
        The model.
    versions : tuple of Trained
        Its versions that go.
    whole : bool
        Whether nothing of the model is to be left.
    stopped : tuple of Deployed
        Services among them, all of them stopped; ZenML and the host forget them.
    """

    name: str
    versions: tuple[Trained, ...]
    whole: bool
    stopped: tuple[Deployed, ...]

    def paths(self, root: Path, store: str, stores: Path) -> list[Path]:
        """The files and folders of this machine that go."""
        folder = root / reports.FOLDER / self.name
        found = [path for version in self.versions for path in removal.folders_of(version)]
        found += [folder] if self.whole else [folder / str(version.version) for version in self.versions]
        if self.whole:
            found += [root / "docs" / "ml-project" / self.name, stores / "switchyard" / "serving" / self.name]
        others = {one.digest for one in all_deployed() if one not in self.stopped}
        for version in self.versions:
            if version.digest not in others:
                found += copies_of_bundle(store, stores, version.digest)
        return [path for path in found if path.exists()]

    def carry_out(self, root: Path, store: str, stores: Path, deployer: SwitchyardDeployer | None) -> int:
        """Do it; bytes that are free then. Where it ends half-way, the same again or `prune` does the rest."""
        paths = self.paths(root, store, stores)
        size = freed(paths)
        for service in self.stopped if deployer else ():
            deployer.retire(self.name, service.instance, _TIMEOUT_S)
        if self.whole and deployer and deployer.host.inspect(self.name) is not None:
            deployer.host.remove(self.name, _TIMEOUT_S)
        for version in self.versions:
            remove_run(version.zenml_run)
            removal.remove(version)
        if self.whole:
            removal.remove_model(self.name)
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)
        if not self.whole and (root / reports.FOLDER / self.name).is_dir():
            reports.write_index(root / reports.FOLDER / self.name)
        contents = unused_content(store)
        size += freed(contents)
        for path in contents:
            path.unlink(missing_ok=True)
        return size


def deletion_of(name: str, version: str | None, deployer: SwitchyardDeployer | None) -> Deletion:
    """What deleting a model, or one version, comes to.

    Raises
    ------
    InputError
        There is none of that name, or something of it serves or is the champion.
    """
    deployed = [one for one in all_deployed() if one.model == name and version in (None, one.version)]
    for one in deployed:
        _refuse_what_serves(one, deployer)
    versions = removal.registered(set(), name)
    if not versions:
        known = sorted({found.name for found in removal.registered(set())})
        raise InputError(f"no model {name!r} in the registry{did_you_mean(name, known)}; there is {', '.join(known) or 'none'}")
    chosen = tuple(found for found in versions if version in (None, found.version))
    if not chosen:
        there = ", ".join(sorted((str(found.version) for found in versions), key=int))
        raise InputError(f"model {name!r} has no version {version!r} in the registry; there is {there}")
    whole = len(chosen) == len(versions)
    if not whole and chosen[0].kept == "is the champion":
        raise InputError(
            f"version {version} of {name!r} is the champion: deploy another first (--version N), or delete the whole model ({name})"
        )
    return Deletion(name, chosen, whole, tuple(deployed))


def _refuse_what_serves(one: Deployed, deployer: SwitchyardDeployer | None) -> None:
    if deployer is None or one.deployer != deployer.name:
        raise InputError(
            f"version {one.version} of {one.model!r} is deployed by {one.deployer!r} of another stack: choose that stack "
            "(zenml stack set NAME), stop it there, and delete it there"
        )
    deployment = deployer.host.inspect(one.model)
    instance = deployment.instance(one.instance) if deployment else None
    if instance is not None and instance.state != "stopped":
        raise InputError(
            f"version {one.version} of {one.model!r} is served ({deployment.share(one.instance):.0%} of the requests): deploy another "
            f"version, or stop it first (python run.py stop {one.model} --version {one.version})"
        )
