"""Step: the window, from the prediction log or from a table."""

from typing import Annotated

from zenml import step

from deployment.predictions import prediction_log
from registry.versions import Registered
from stacks.files import local_copy
from switchyard.monitoring.log_window import window_of_log
from switchyard.monitoring.look import Look
from switchyard.monitoring.recommending.table_window import window_of_interactions
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.table_window import read_table, window_of_table
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem


@step(enable_cache=False)
def read_window(production: Registered, reference: Reference, look: Look, problem: Problem) -> Annotated[Window, "window"]:
    """Predictions of the version in production with the labels that hold now; never cached, since both keep coming."""
    settings = problem.monitoring
    name, version, facts = production.name, str(production.version), reference.facts
    if look.location is None:
        with prediction_log(name, settings.settle_s) as engine:
            return window_of_log(engine, name, version, facts, look, settings.window, settings.sample_rows, settings.of, settings.min_rows)
    with local_copy(look.location) as path:
        raw = read_table(path, facts.problem.data)
    if reference.catalogue is not None:
        return window_of_interactions(raw.frame, production.opened, name, version, reference, look, settings.sample_rows, raw.revision)
    return window_of_table(raw.frame, production.scorer(), name, version, facts, look, settings.sample_rows, raw.revision)
