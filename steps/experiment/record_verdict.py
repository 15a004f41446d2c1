"""Step: keep the verdict before anything is done about it, so that whoever dies on the way is finished by the next."""

from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from registry.experiments import save
from switchyard.monitoring.experiment.judgement import Judgement
from switchyard.monitoring.experiment.record import Experiment


@step(enable_cache=False)
def record_verdict(experiment: Experiment, judgement: Judgement) -> Annotated[Experiment, "recorded"]:
    """The record as it is kept now."""
    if judgement.verdict == "continue" or experiment.verdict:
        return experiment
    decided = {"verdict": judgement.verdict, "reason": judgement.reason[:2000], "decided": datetime.now(UTC)}
    recorded = experiment.model_copy(update=decided)
    save(recorded)
    return recorded
