"""What MLflow loads and serves a version by: the bundle as a pyfunc model, with the code that scores and its columns in MLflow's words."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import switchyard.bundle
from registry.versions import BUNDLE
from switchyard.bundle import Signature
from switchyard.bundle.signature import RECOMMENDATION
from switchyard.files import partial_file


def log_model(run_id: str, bundle: Path) -> str:
    """Log the bundle in folder `bundle` as the run's model; returns its URI."""
    import mlflow
    import numpy as np
    import onnxruntime
    import pandas as pd

    libraries = (mlflow, np, onnxruntime, pd)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, mlflow.start_run(run_id=run_id):
        # MLflow warns of a missing input example, which would only be a second copy of the bundle's own.
        warnings.simplefilter("ignore")
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("mlflow_model.py")),
            artifacts={"bundle": str(bundle)},
            signature=_signature(Signature.read(bundle)),
            pip_requirements=[f"{library.__name__}=={library.__version__}" for library in libraries],
            code_paths=[str(_scoring_code(Path(folder)))],
        )
    return str(info.model_uri)


def local_folder(uri: str) -> Path | None:
    """The folder of this machine that MLflow's artifact URI names; None where it names another place."""
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None


def share_bundle(client: Any, run_id: str, model_uri: str) -> None:
    """Have the logged model's bundle be the run's, on this machine: it is the larger part of what a training leaves."""
    run = local_folder(client.get_run(run_id).info.artifact_uri)
    model = local_folder(client.get_logged_model(model_uri.removeprefix("models:/")).artifact_location)
    if run is None or model is None:
        return
    for path in (run / BUNDLE).iterdir():
        # A disk without links keeps both.
        with contextlib.suppress(OSError), partial_file(model / "artifacts" / BUNDLE / path.name, "shared") as partial:
            partial.unlink(missing_ok=True)
            os.link(path, partial)


def _scoring_code(folder: Path) -> Path:
    """A package `switchyard` below `folder` that holds what scores with a bundle and nothing else of ours."""
    package = folder / "switchyard"
    package.mkdir()
    shutil.copy(switchyard.__file__, package)
    shutil.copytree(Path(switchyard.bundle.__file__).parent, package / "bundle", ignore=shutil.ignore_patterns("__pycache__"))
    return package


def _signature(signature: Signature) -> Any:
    """The bundle's columns in MLflow's words.

    Values are of any type there: MLflow refuses an integer where it was told of a double, the bundle does not, and it
    knows how each column's text and types become values.
    Nothing is required there either: the bundle itself says which column is missing.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    inputs = [ColSpec(AnyType(), column.name, required=False) for column in signature.columns]
    if signature.task == RECOMMENDATION:
        outputs = [ColSpec(AnyType(), name) for name in ("items", "scores", "titles", "because", "notes")]
    elif signature.classes:
        outputs = [ColSpec(DataType.string, "label"), *(ColSpec(DataType.double, f"probability_{label}") for label in signature.classes)]
        if signature.sets is not None:
            outputs += [ColSpec(DataType.boolean, f"set_{label}") for label in signature.classes]
            outputs += [ColSpec(DataType.string, "decision")] if signature.sets.review_above is not None else []
        if signature.unlike is not None:
            outputs += [ColSpec(DataType.double, "distance"), ColSpec(DataType.boolean, "unlike")]
    else:
        names: tuple[str, ...] = ("prediction", "lower", "upper") if signature.interval else ("prediction",)
        names += tuple(f"quantile_{name}" for name in signature.quantiles.names) if signature.quantiles else ()
        outputs = [ColSpec(DataType.double, name) for name in names]
    return ModelSignature(Schema(inputs), Schema(outputs))
