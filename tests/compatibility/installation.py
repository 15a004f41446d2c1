"""Puts the stored installation of before the move back on disk, as if it had been made there."""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from pathlib import Path

from tests.deployment.door import free_port
from tests.deployment.project import ServingProject

STORED = Path(__file__).with_name("moved")
MODEL = "moved"


def restore(folder: Path) -> ServingProject:
    """The code of now in a folder whose ZenML store, MLflow and services were left by the code of before the move."""
    project = ServingProject(folder)
    places = json.loads((STORED / "places.json").read_text())
    ports = {name: str(free_port()) for name in ("@DOOR@", "@ADMIN@", "@HTTP@", "@METRICS@")}
    own = {"@STORE@": str(project.store), "@PROJECT@": str(project.root), "@TEMPORARY@": str(folder), **ports}
    stores = project.store / "local_stores"
    ours, bundle = stores / "switchyard", STORED / "bundle"
    artifacts, served = ours / "mlartifacts", ours / "serving" / MODEL

    _copy(STORED / "config.yaml", project.store / "config.yaml", own)
    _copy(STORED / "repository.yaml", project.root / ".zen" / "config.yaml", own)
    _copy(STORED / "moved.yaml", project.root / "configs" / "moved.yaml", own)
    _fill(stores / "default_zen_store" / "zenml.db", "zenml.sql", own)
    _fill(ours / "mlflow.db", "mlflow.sql", own)
    _fill(ours / "predictions.db", "predictions.sql", own)
    _copy(STORED / "run", artifacts / places["run"], own)
    _copy(STORED / "model", artifacts / places["model"], own)
    _copy(STORED / "studies", stores / places["store"] / "switchyard" / "studies", own)
    _copy(STORED / "serving", served, own)

    digest = json.loads((served / "desired.json").read_text())["instances"]["v1"]["digest"].removeprefix("sha256:")
    for target in (
        artifacts / places["run"] / "bundle",
        artifacts / places["model"] / "artifacts" / "bundle",
        served / "bundles" / digest[:32],
        stores / places["store"] / "switchyard" / "bundles" / digest,
    ):
        shutil.copytree(bundle, target)
    return project


def _copy(source: Path, target: Path, own: dict[str, str]) -> None:
    for path in [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]:
        to = target if path == source else target / path.relative_to(source)
        to = to.with_suffix("") if to.suffixes[-2:] == [".py", ".txt"] else to
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            to.write_text(_filled(path.read_text(encoding="utf-8"), own), encoding="utf-8")
        except UnicodeDecodeError:
            shutil.copy(path, to)


def _fill(database: Path, dump: str, own: dict[str, str]) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.executescript(_filled((STORED / dump).read_text(encoding="utf-8"), own))
    if dump == "zenml.sql":
        (plain,) = connection.execute("SELECT config FROM service").fetchone()
        connection.execute("UPDATE service SET config = ?", (base64.b64encode(plain.encode()),))
        connection.commit()
    connection.close()


def _filled(text: str, own: dict[str, str]) -> str:
    for name, value in own.items():
        text = text.replace(name, value)
    return text
