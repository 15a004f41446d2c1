"""Step: the gate between looking at the data and learning from it."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality import QualityReport
from switchyard.tabular.storable import Record
from switchyard.tabular.validation import ValidationReport


class Admission(Record):
    """The data passed the gate, less these columns."""

    dropped: dict[str, str]
    """Column -> why it is kept from the model."""


@step(cache_policy=depends_on(__file__))
def open_gate(quality: QualityReport, validation: ValidationReport, problem: Problem) -> Annotated[Admission, "admission"]:
    """Stop the run where a finding's action in the config is to stop; everything below depends on this output.

    The reports are artifacts of their own steps, so they can be read although this one fails.
    """
    quality.raise_if_stopped()
    validation.raise_if_failed(problem.quality.validation)
    return Admission(dropped=dict(sorted(quality.dropped.items())))
