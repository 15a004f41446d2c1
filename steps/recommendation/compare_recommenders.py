"""Step: challenger against champion for the same users, and the gates of the config."""

from typing import Annotated

from zenml import step

from registry.versions import CHAMPION, find_alias
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.changes import changes_between
from switchyard.tabular.evaluation.comparison import Comparison, Verdict, check_gates
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation import comparing
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.model import known_histories
from switchyard.tabular.recommendation.settling import holdout_of


@step(enable_cache=False)
def compare_recommenders(
    interactions: Interactions, evaluated: ExportedBundle, bundle: ExportedBundle, evaluation: RecommendationEvaluation, problem: Problem
) -> tuple[Annotated[Comparison, "comparison"], Annotated[Verdict, "verdict"]]:
    """Both evaluated twins answer the same users; latency and size are those of what is served. Never cached, as the registry changes."""
    champion = find_alias(problem.name, CHAMPION, with_twin=True)
    comparison = comparing.compare_recommenders(
        evaluated,
        champion.twin,
        interactions,
        holdout_of(problem),
        problem.tuning.seed,
        problem.evaluation,
        champion_version=champion.version,
        unchanged=champion.digest == bundle.digest,
    )
    verdict = check_gates(
        problem,
        evaluation,
        comparison,
        latency_ms=comparing.latency_of(bundle, known_histories(interactions), interactions.item_ids),
        bundle_mb=bundle.megabytes,
        changes=changes_between(champion.signature, bundle.signature),
    )
    return comparison, verdict
