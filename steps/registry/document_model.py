"""Step: the documents of the model, from this run's artifacts."""

from collections import Counter
from importlib import metadata
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from steps.provenance import code_commit, lock_digest
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents, Measured, ModelFacts, RunRecord, SplitFacts, Versions, write_documents
from switchyard.tabular.evaluation.comparison import Comparison, Verdict
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.export.served import Served
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import FeaturePlan
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.profile import Profile
from switchyard.tabular.quality import QualityReport
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import Table
from switchyard.tabular.validation import ValidationReport

_LIBRARIES = ("scikit-learn", "optuna", "onnxruntime", "shap", "zenml", "mlflow")
"""Besides those of the families that were searched."""

_REPEAT = "python run.py --pipeline training --config config.json  # config.json is among the files of this model's MLflow run"


@step(cache_policy=depends_on(__file__))
def document_model(
    problem: Problem,
    table: Table,
    split: Split,
    profile: Profile,
    quality: QualityReport,
    validation: ValidationReport,
    plan: FeaturePlan,
    model: Model,
    leaderboard: Leaderboard,
    bundle: ExportedBundle,
    served: Served,
    evaluation: Evaluation,
    explanation: Explanation,
    comparison: Comparison,
    verdict: Verdict,
) -> Annotated[Documents, "documents"]:
    """Problem definition, data analysis report, ML requirements and model card."""
    measured = {gate.name: gate.value for gate in verdict.gates}
    return write_documents(
        RunRecord(
            problem=problem,
            schema=table.schema,
            split=SplitFacts(split.kind, len(split.train), len(split.holdout), split.boundary),
            profile=profile,
            quality=quality,
            validation=validation,
            plan=plan,
            leaderboard=leaderboard,
            model=ModelFacts(
                members=Counter(member.family for member in model.members),
                combination="" if leaderboard.winner.kind == "single" else leaderboard.winner.kind,
                calibration=model.calibrator.kind,
                half_width=model.half_width,
                quantiles=model.quantiles.words if model.quantiles else "",
                sets=model.sets.words if model.sets else "",
            ),
            evaluation=evaluation,
            explanation=explanation,
            comparison=comparison,
            optional=tuple(column.name for column in bundle.signature.columns if column.optional),
            verdict=verdict,
            served=served,
            measured=Measured(
                latency_ms=measured.get("constraints.max_latency_ms"),
                bundle_mb=measured.get("constraints.max_bundle_mb"),
                parity_rows=served.parity.rows,
                parity_difference=served.parity.largest_difference,
            ),
            versions=Versions(
                data_source=table.source,
                data_revision=table.revision,
                model_digest=bundle.digest,
                code_commit=code_commit(),
                lock_digest=lock_digest(),
                libraries=_libraries(problem),
                command=_REPEAT,
            ),
        )
    )


def _libraries(problem: Problem) -> dict[str, str]:
    """Versions of what the model was made with, by distribution."""
    of_families = [package for family in problem.tuning.families for package in FAMILIES[family].packages]
    return {name: metadata.version(name) for name in dict.fromkeys((*of_families, *_LIBRARIES))}
