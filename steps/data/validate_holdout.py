"""Steps: expectations learnt from the training part, or kept by a person, tried on the holdout."""

import tempfile
from pathlib import Path
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.split import Split
from switchyard.tabular.validation import Suite, ValidationReport, load_or_infer, validate


@step(cache_policy=depends_on(__file__))
def infer_expectations(split: Split, problem: Problem, edited: str) -> Annotated[Suite, "expectations"]:
    """The suite a person keeps (its JSON text), else one inferred from the training part."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{problem.name}.expectations.json"
        if edited:
            path.write_text(edited, encoding="utf-8")
        try:
            return load_or_infer(split, problem, path)
        except InputError as error:
            raise InputError(str(error).replace(folder, "configs")) from None


@step(cache_policy=depends_on(__file__))
def validate_holdout(split: Split, suite: Suite) -> Annotated[ValidationReport, "validation"]:
    """Run the suite on the holdout; `open_gate` acts on the result."""
    return validate(split.holdout, suite, what="holdout", of_rows=split.schema.of)
