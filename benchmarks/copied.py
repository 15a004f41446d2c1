"""More models and runs in a workspace, made by copying the rows and files of real ones: `fill`.

What ZenML and MLflow wrote of one training, one deployment and one batch scoring is written again under new ids, names and
times; files are hard links to the first ones. So each copy has what a real one has, and none had to be run.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Change = Callable[[str, Row], Row]
_TIMES = ("created", "updated", "start_time", "end_time", "latest_heartbeat")
_RUN = {
    "pipeline_run": "id = :run",
    "pipeline_snapshot": "id = (select snapshot_id from pipeline_run where id = :run)",
    "step_configuration": "snapshot_id = (select snapshot_id from pipeline_run where id = :run)",
    "step_run": "pipeline_run_id = :run",
    "step_run_parents": "child_id in {steps}",
    "step_run_input_artifact": "step_id in {steps}",
    "step_run_output_artifact": "step_id in {steps}",
    "artifact_version": "id in {made}",
    "artifact_visualization": "artifact_version_id in {made}",
    "logs": "pipeline_run_id = :run or step_run_id in {steps}",
    "run_metadata_resource": "resource_id in {all}",
    "run_metadata": "id in (select run_metadata_id from run_metadata_resource where resource_id in {all})",
}
"""Table of ZenML's -> which of its rows are of the run `:run`."""
_STEPS = "(select id from step_run where pipeline_run_id = :run)"
_MADE = f"(select artifact_id from step_run_output_artifact where step_id in {_STEPS})"
_ALL = f"(select :run union select id from step_run where pipeline_run_id = :run union select * from {_MADE})"
_TRIALS = "(select run_uuid from tags where key = 'mlflow.parentRunId' and value = :run union select :run)"
_TRAINING = {
    "runs": f"run_uuid in {_TRIALS}",
    **{table: f"run_uuid in {_TRIALS}" for table in ("tags", "params", "metrics", "latest_metrics")},
    "inputs": f"source_id in {_TRIALS} or destination_id in {_TRIALS}",
    "logged_models": "source_run_id = :run",
    **{
        f"logged_model_{kind}": "model_id in (select model_id from logged_models where source_run_id = :run)"
        for kind in ("metrics", "params", "tags")
    },
    "model_versions": "run_id = :run",
    "model_version_tags": "(name, version) in (select name, version from model_versions where run_id = :run)",
}
"""Table of MLflow's -> which of its rows are of the training whose run is `:run`."""


@dataclass(frozen=True)
class Workspace:
    """Where the stores of a workspace lie that has trained and deployed a model."""

    stores: Path
    root: Path
    """Of its run.py, configs and reports."""
    model: str

    @property
    def ours(self) -> Path:
        return self.stores / "switchyard"

    @property
    def zenml(self) -> Path:
        return self.stores / "default_zen_store" / "zenml.db"


def fill(workspace: Workspace, models: int, runs: int, trainings: int, deployed: int, days: float = 365.0) -> None:
    """Bring a workspace with one model to `models` and to about `runs` runs of ZenML.

    Parameters
    ----------
    trainings : int
        Versions of each model.
    deployed : int
        Of the copied models, how many are deployed, each of them stopped.
    days : float
        The copies began at even distances in so many days.
    """
    each = max(1, round(runs / models))
    plan = [(number, kind) for number in range(models) for kind in _kinds(each, trainings)]
    with closing(sqlite3.connect(workspace.zenml)) as zenml, closing(sqlite3.connect(workspace.ours / "mlflow.db")) as mlflow:
        originals = {
            kind: (run, rows_of(zenml, {table: _spelt(which) for table, which in _RUN.items()}, run))
            for kind, run in _runs_by_pipeline(zenml).items()
        }
        training = mlflow.execute("select run_id from model_versions").fetchone()[0]
        logged = rows_of(mlflow, _TRAINING, training)
        for number in range(1, models):
            _new_model(zenml, mlflow, workspace, _name(workspace, number), number <= deployed)
        versions: dict[str, int] = {workspace.model: 1}
        for count, (number, kind) in enumerate(_spread(plan), 1):
            name, back = _name(workspace, number), timedelta(days=days * (1 - count / (len(plan) + 1)))
            run, rows = originals[kind]
            known = _copy_run(zenml, rows, kind, name, count, back)
            if kind == "training":
                versions[name] = versions.get(name, 0) + 1
                zenml_run = (str(uuid.UUID(run)), str(uuid.UUID(known[run])))
                _copy_training(mlflow, logged, training, name, number + 1, versions[name], zenml_run, back)
                link(workspace.root / "reports" / workspace.model / "1", workspace.root / "reports" / name / str(versions[name]))
        zenml.commit()
        mlflow.commit()


def rows_of(connection: sqlite3.Connection, which: Mapping[str, str], run: str) -> Rows:
    """Rows of each table of `which` that its condition names."""
    connection.row_factory = sqlite3.Row
    return {
        table: [dict(row) for row in connection.execute(f'select * from "{table}" where {condition}', {"run": run})]
        for table, condition in which.items()
    }


def insert(connection: sqlite3.Connection, rows: Rows, new: Mapping[str, str], change: Change) -> None:
    """Write `rows` once more, with the values of `new` in place of those that are its keys, and what `change` says of each."""
    for table, ours in rows.items():
        for row in ours:
            copied = {column: new.get(value, value) if isinstance(value, str) else value for column, value in row.items()}
            copied |= change(table, row)
            columns, marks = ", ".join(f'"{column}"' for column in copied), ", ".join("?" * len(copied))
            connection.execute(f'insert into "{table}" ({columns}) values ({marks})', tuple(copied.values()))


def link(source: Path, target: Path) -> None:
    """Have the files of the folder, or the file, `source` at `target` too."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    elif source.is_dir():
        for folder, _folders, files in os.walk(source):
            place = target / Path(folder).relative_to(source)
            place.mkdir(parents=True, exist_ok=True)
            for file in files:
                os.link(os.path.join(folder, file), place / file)


def _kinds(each: int, trainings: int) -> list[str]:
    """Of each model's runs: some trainings, one deployment, the rest batch scorings."""
    return [*["training"] * trainings, "deployment", *["inference"] * max(0, each - trainings - 1)]


def _spread(plan: list[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    """The runs of all models in turn, as schedules would have begun them."""
    step = 7919
    return (plan[number * step % len(plan)] for number in range(len(plan))) if len(plan) % step else plan


def _name(workspace: Workspace, number: int) -> str:
    return f"{workspace.model}_{number:03d}" if number else workspace.model


def _spelt(which: str) -> str:
    return which.format(steps=_STEPS, made=_MADE, all=_ALL)


def _runs_by_pipeline(zenml: sqlite3.Connection) -> dict[str, str]:
    found = zenml.execute("select p.name, r.id from pipeline_run r join pipeline p on p.id = r.pipeline_id where r.status = 'completed'")
    return dict(found.fetchall())


def _earlier(row: Row, back: timedelta) -> Row:
    return {column: (datetime.fromisoformat(row[column]) - back).isoformat(" ") for column in _TIMES if isinstance(row.get(column), str)}


def _copy_run(zenml: sqlite3.Connection, rows: Rows, kind: str, name: str, count: int, back: timedelta) -> dict[str, str]:
    """One more run of a pipeline, with artifacts and logs of its own; old id -> new id."""
    new = {row["id"]: uuid.uuid4().hex for ours in rows.values() for row in ours if "id" in row}

    def change(table: str, row: Row) -> Row:
        changed = _earlier(row, back)
        if table == "pipeline_run":
            began = datetime.fromisoformat(changed["created"])
            changed |= {"name": f"{kind}-{name}-{began:%Y%m%d-%H%M%S}-{count:06d}", "index": row["index"] + count}
            changed |= {"orchestrator_run_id": uuid.uuid4().hex}
        if table == "step_run":
            changed["cache_key"] = f"{row['cache_key']}-{count}"
        if table == "artifact_version":
            number = row["version_number"] + 1000 * count
            changed |= {"version": str(number), "version_number": number}
        if table in ("artifact_version", "logs") and row.get("uri"):
            changed["uri"] = f"{row['uri']}-{count}"
            link(Path(row["uri"]), Path(changed["uri"]))
        if table == "artifact_visualization":
            folder, file = row["uri"].rsplit("/", 1)
            changed["uri"] = f"{folder}-{count}/{file}"
        return changed

    insert(zenml, rows, new, change)
    return new


def _copy_training(
    mlflow: sqlite3.Connection, rows: Rows, run: str, name: str, experiment: int, version: int, zenml_run: tuple[str, str], back: timedelta
) -> None:
    """One more version of the model `name`, with its run, its trials and their files."""
    new = {row["run_uuid"]: uuid.uuid4().hex for row in rows["runs"]}
    new |= {row["model_id"]: f"m-{uuid.uuid4().hex}" for row in rows["logged_models"]}
    new |= {row["input_uuid"]: uuid.uuid4().hex for row in rows["inputs"]}
    new[zenml_run[0]] = zenml_run[1]
    earlier = round(back.total_seconds() * 1000)

    def change(table: str, row: Row) -> Row:
        changed: Row = {"experiment_id": experiment} if "experiment_id" in row else {}
        changed |= {column: row[column] - earlier for column in ("start_time", "end_time", "creation_time") if row.get(column)}
        if table.startswith("model_version"):
            changed |= {"name": name, "version": version}
        for column in ("artifact_uri", "artifact_location", "source", "storage_location"):
            if isinstance(row.get(column), str):
                changed[column] = _renamed(row[column], new)
                if column in ("artifact_uri", "artifact_location"):
                    link(Path(row[column].removeprefix("file://")), Path(changed[column].removeprefix("file://")))
        return changed

    kept = {**rows, "model_version_tags": [row for row in rows["model_version_tags"] if not row["key"].startswith("production_")]}
    insert(mlflow, kept, new, change)


def _renamed(text: str, new: Mapping[str, str]) -> str:
    for before, after in new.items():
        text = text.replace(before, after)
    return text


def _new_model(zenml: sqlite3.Connection, mlflow: sqlite3.Connection, workspace: Workspace, name: str, is_deployed: bool) -> None:
    """A registered model without versions, in both stores; and its service, where it is deployed."""
    of_name = ("registered_models", "registered_model_tags", "registered_model_aliases", "experiments")
    rows = rows_of(mlflow, {table: "name = :run" for table in of_name}, workspace.model)
    number = mlflow.execute("select max(experiment_id) + 1 from experiments").fetchone()[0]
    insert(mlflow, rows, {workspace.model: name}, lambda table, row: {"experiment_id": number} if table == "experiments" else {})
    tags = rows_of(
        mlflow, {"experiment_tags": "experiment_id = (select experiment_id from experiments where name = :run)"}, workspace.model
    )
    insert(mlflow, tags, {}, lambda table, row: {"experiment_id": number})
    ours = "name like :run || '.%'"
    models = rows_of(zenml, {"model": ours, "model_version": f"model_id in (select id from model where {ours})"}, workspace.model)
    new = {row["id"]: uuid.uuid4().hex for ours in models.values() for row in ours}
    first = f"{workspace.model}."
    insert(zenml, models, new, lambda table, row: _of_model(table, row, first, f"{name}."))
    if is_deployed:
        _deploy(zenml, workspace, name, new)


def _of_model(table: str, row: Row, before: str, after: str) -> Row:
    return {"name": row["name"].replace(before, after, 1)} if table == "model" else {"producer_run_id_if_numeric": uuid.uuid4().hex}


def _deploy(zenml: sqlite3.Connection, workspace: Workspace, name: str, new: Mapping[str, str]) -> None:
    """ZenML's record and the host's state of a service that was stopped."""
    served = workspace.ours / "serving" / workspace.model
    desired = json.loads((served / "desired.json").read_text(encoding="utf-8").replace(str(served), str(served.with_name(name))))
    for spec in desired["instances"].values():
        spec["running"], spec["settings"]["name"] = False, name
    desired["traffic"] = {"weights": [], "shadows": []}
    folder = served.with_name(name)
    folder.mkdir(mode=0o700)
    (folder / "desired.json").write_text(json.dumps(desired), encoding="utf-8")
    link(served / "bundles", folder / "bundles")

    def change(table: str, row: Row) -> Row:
        config = json.loads(base64.b64decode(row["config"]))
        config |= {key: str(config[key]).replace(workspace.model, name, 1) for key in ("name", "service_name", "model_name", "model")}
        return {
            "id": uuid.uuid4().hex,
            "name": row["name"].replace(workspace.model, name, 1),
            "config": base64.b64encode(json.dumps(config).encode()),
        }

    insert(zenml, rows_of(zenml, {"service": "name like :run || '-%'"}, workspace.model), new, change)
