"""`register`: a training's record into MLflow, and its bundle into the registry where the gates are open."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from zenml import get_step_context

from materializers.storable import page_of
from registry.reference import REFERENCE_TAG, digest_reference
from registry.tracking import TrainingRecord, log_training, make_challenger, register_version
from registry.trust import seal_bundle
from registry.versions import TWIN, version_with_digest
from steps.caching import LOCK, ROOT
from steps.provenance import code_commit, person
from switchyard.bundle import Bundle
from switchyard.bundle.seal import NAME
from switchyard.monitoring.reference import FOLDER
from switchyard.sbom import locked, of_model
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents
from switchyard.tabular.evaluation.comparison import Verdict
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.storable import Record, Storable

BILL = "documents/sbom.json"
"""Beside the model card: what the model is and was made from, as CycloneDX."""


class Registration(Record):
    """What became of the model."""

    verdict: Literal["challenger", "rejected", "unchanged"]
    digest: str
    version: str | None
    """In the registry; None where the model was rejected."""
    run_id: str | None
    """MLflow's; None where nothing new was logged."""


def files_of(
    problem: Problem, reports: Mapping[str, Storable], documents: Documents, evaluated: ExportedBundle, bundle: ExportedBundle
) -> dict[str, bytes]:
    """What every training leaves in its MLflow run beside the bundle: pages, documents, the evaluated twin, the config."""
    files = {f"reports/{name}.html": page.encode() for name, report in reports.items() if (page := page_of(report))}
    files |= {f"documents/{name}": text.encode() for name, text in documents.files.items()}
    if evaluated.digest != bundle.digest:
        files |= {f"{TWIN}/{name}": content for name, content in evaluated.files.items()}
    return files | {"config.json": problem.model_dump_json(indent=1).encode()}


def files_in(storable: Storable, folder: str) -> dict[str, bytes]:
    """What `storable` writes, as files of `folder`."""
    with tempfile.TemporaryDirectory() as place:
        storable.write(Path(place))
        return {f"{folder}/{path.name}": path.read_bytes() for path in sorted(Path(place).iterdir())}


def about(problem: Problem, verdict: Verdict, score: str) -> dict[str, Any]:
    """What every training tells MLflow of itself in words: fields of its record. `score` says how good the model is."""
    what = problem.goal or f"{problem.task} of {problem.data.target}"
    return {
        "description": f"{problem.name}: {verdict.verdict}, {score}.",
        "about": what,
        "kind": {key: value for key, value in (("task", problem.task), ("target", problem.data.target)) if value},
        "commit": code_commit().removesuffix("-dirty"),
    }


def registered_already(name: str, bundle: Bundle, verdict: Verdict, tags: Mapping[str, str]) -> Registration | None:
    """What is registered with the bundle's digest, which is left as it is; None where nothing is."""
    known = version_with_digest(name, bundle.digest)
    if known is None:
        return None
    if verdict.verdict == "challenger":
        # A run that died after the version and before its alias is mended here.
        make_challenger(name, known, dict(tags))
    return Registration(verdict="unchanged", digest=bundle.digest, version=known, run_id=None)


def register(name: str, record: TrainingRecord, verdict: Verdict) -> Registration:
    """Log the training, and sign its bundle and make it a version and the challenger unless a gate is closed."""
    reference = {path.removeprefix(f"{FOLDER}/"): content for path, content in record.files.items() if path.startswith(f"{FOLDER}/")}
    record = replace(record, tags={**record.tags, REFERENCE_TAG: digest_reference(reference)}) if reference else record
    bill = _bill(name, record)
    record = replace(record, files={**record.files, BILL: bill})
    if verdict.verdict != "rejected":
        user = get_step_context().pipeline_run.user
        claims = {**record.tags, "metrics": record.metrics, "sbom": f"sha256:{hashlib.sha256(bill).hexdigest()}"}
        seal = seal_bundle(name, record.bundle, claims, person(user.name if user else ""))
        record = replace(record, files={**record.files, NAME: seal})
    run_id, model_uri = log_training(record)
    if verdict.verdict == "rejected":
        return Registration(verdict="rejected", digest=record.digest, version=None, run_id=run_id)
    version = register_version(name, record, run_id, model_uri)
    return Registration(verdict="challenger", digest=record.digest, version=version, run_id=run_id)


def _bill(name: str, record: TrainingRecord) -> bytes:
    packages = locked((ROOT / LOCK).read_text(encoding="utf-8"))
    tags = {key: value for key, value in record.tags.items() if key != "digest"}
    return json.dumps(of_model(name, record.digest, record.bundle, tags, record.metrics, packages), indent=1).encode() + b"\n"
