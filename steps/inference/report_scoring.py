"""Step: what was scored, set beside what training saw."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.batch.report import Scored, ScoringReport, report_on


@step(cache_policy=depends_on(__file__))
def report_scoring(scored: Scored) -> Annotated[ScoringReport, "scoring_report"]:
    """Counts, the distribution of the answers, missing and unknown values against training's."""
    return report_on(scored)
