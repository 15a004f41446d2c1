"""Step: the model as the bundle that serving gets, proven equal to it."""

import tempfile
from pathlib import Path
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.bundle import ExportedBundle, Parity, check_parity, write_bundle
from switchyard.tabular.model.model import Model
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def export_bundle(model: Model, split: Split, problem: Problem) -> tuple[Annotated[ExportedBundle, "bundle"], Annotated[Parity, "parity"]]:
    """Convert to ONNX and compare with the native model on the whole holdout; any difference that matters fails the run."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(model, split, Path(folder), problem.name, problem.metric)
    return bundle, check_parity(model, bundle, split.holdout)
