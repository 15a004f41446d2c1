"""Step: one MLflow run with everything this training made, and a version where the gates are open."""

from typing import Annotated, Any

from zenml import get_step_context, step

from registry.reference import ensure_reference
from registry.tracking import TrainingRecord, TrialRecord
from registry.versions import TWIN_TAG
from steps.caching import depends_on
from steps.provenance import code_commit, lock_digest
from steps.registry.registration import Registration, about, files_in, files_of, register, registered_already
from switchyard.monitoring.reference import FOLDER, Reference
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents
from switchyard.tabular.evaluation.comparison import Comparison, Verdict
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.export import GraphParity
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe
from switchyard.tabular.storable import Storable


@step(cache_policy=depends_on(__file__))
def register_recommender(
    problem: Problem,
    interactions: Interactions,
    recipe: Recipe,
    evaluated: ExportedBundle,
    bundle: ExportedBundle,
    parity: GraphParity,
    evaluation: RecommendationEvaluation,
    comparison: Comparison,
    verdict: Verdict,
    reference: Reference,
    documents: Documents,
) -> Annotated[Registration, "registration"]:
    """Log the training and register its bundle and evaluated twin as challenger; what is registered already is left as it is."""
    tags = {
        "verdict": verdict.verdict,
        "data_source": interactions.source,
        "data_revision": interactions.revision,
        "code_commit": code_commit(),
        "lock": lock_digest(),
        "family": recipe.family,
        TWIN_TAG: evaluated.digest,
    }
    if known := registered_already(problem.name, bundle, verdict, tags):
        ensure_reference(problem.name, str(known.version), reference)
        return known
    reports: dict[str, Storable] = {
        "interactions": interactions,
        "search": recipe,
        "evaluation": evaluation,
        "comparison": comparison,
        "verdict": verdict,
    }
    context = get_step_context()
    record = TrainingRecord(
        experiment=problem.name,
        run_name=context.pipeline_run.name,
        params=_params(problem, recipe),
        metrics={**evaluation.scores(), "parity": parity.largest_difference},
        tags={**tags, "digest": bundle.digest, "zenml_run": str(context.pipeline_run.id)},
        trials=[
            TrialRecord(f"{one.family} {number}", one.params, {"ndcg_at_10": one.ndcg}, {"family": one.family})
            for number, one in enumerate(recipe.trials[:_MOST_TRIALS])
        ],
        files=files_of(problem, reports, documents, evaluated, bundle) | files_in(reference, FOLDER),
        bundle=dict(bundle.files),
        digest=bundle.digest,
        **about(problem, verdict, f"{recipe.family}"),
        began=context.pipeline_run.start_time,
    )
    return register(problem.name, record, verdict)


_MOST_TRIALS = 50
"""That MLflow is told of, the best; the report of the search counts all."""


def _params(problem: Problem, recipe: Recipe) -> dict[str, Any]:
    asked = {"task": problem.task, "metric": problem.metric, "split": problem.split.kind, "family": recipe.family}
    asked |= {name: getattr(problem.tuning, name) for name in ("budget_s", "trials", "seed")}
    return {**asked, **{f"{one.family}.{name}": value for one in recipe.candidates if one.weight for name, value in one.params.items()}}
