"""Step: the model as the bundle that serving gets, proven equal to it."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from tabular.export import bundle as library
from tabular.export.bundle import Bundle, Parity
from tabular.model import Model
from tabular.problem import Problem
from tabular.split import Split


@step(cache_policy=depends_on(__file__))
def export_bundle(model: Model, split: Split, problem: Problem) -> tuple[Annotated[Bundle, "bundle"], Annotated[Parity, "parity"]]:
    """Convert to ONNX and compare with the native model on the whole holdout; any difference that matters fails the run."""
    bundle = library.write_bundle(model, split, problem)
    return bundle, library.check_parity(model, bundle, split.holdout)
