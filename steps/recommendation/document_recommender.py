"""Step: the model card, from this run's artifacts."""

from importlib import metadata
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from steps.provenance import code_commit, lock_digest
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents
from switchyard.tabular.evaluation.comparison import Comparison, Verdict
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.documenting import write_card
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe


@step(cache_policy=depends_on(__file__))
def document_recommender(
    problem: Problem,
    interactions: Interactions,
    recipe: Recipe,
    bundle: ExportedBundle,
    evaluation: RecommendationEvaluation,
    comparison: Comparison,
    verdict: Verdict,
) -> Annotated[Documents, "documents"]:
    """What it is of, how it was scored, what it can't."""
    versions = {"source": interactions.source, "code": code_commit(), "lock": lock_digest()}
    versions |= {name: metadata.version(name) for name in ("implicit", "optuna", "onnxruntime")}
    return write_card(problem, interactions, recipe, bundle, evaluation, comparison, verdict, versions)
