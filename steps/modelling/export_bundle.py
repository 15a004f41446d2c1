"""Step: the evaluated model as a bundle, proven equal to it."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export import bundle as library
from switchyard.tabular.export.bundle import ExportedBundle, Parity
from switchyard.tabular.export.terms import Terms
from switchyard.tabular.model.model import Model
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def export_bundle(
    model: Model, split: Split, terms: Terms, problem: Problem
) -> tuple[Annotated[ExportedBundle, "evaluated"], Annotated[Parity, "parity"]]:
    """Convert to ONNX and compare with the native model on the whole holdout; any difference that matters fails the run."""
    # ZenML tells two outputs from one by a tuple in the return statement.
    evaluated, parity = library.export_bundle(model, split, problem, terms)
    return evaluated, parity
