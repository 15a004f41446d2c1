"""Step: one MLflow run with everything this training made, and a version where the gates are open."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from zenml import get_step_context, step

from registry.reference import ensure_reference
from registry.tracking import DatasetRecord, TrainingRecord, TrialRecord
from registry.versions import TWIN_TAG
from steps.caching import depends_on
from steps.provenance import code_commit, lock_digest
from steps.registry.registration import Registration, about, files_in, files_of, register, registered_already
from switchyard.monitoring.reference import FOLDER, Reference
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents
from switchyard.tabular.evaluation.comparison import Verdict
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.names import name_of
from switchyard.tabular.explanation import Explanation
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.export.served import Served
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.profile import Profile
from switchyard.tabular.quality import QualityReport
from switchyard.tabular.storable import Storable
from switchyard.tabular.tables.table import Table
from switchyard.tabular.tuning.study import Study, latest
from switchyard.tabular.validation import Suite, ValidationReport, data_docs


@step(cache_policy=depends_on(__file__))
def register_model(
    problem: Problem,
    table: Table,
    studies: list[Study],
    evaluated: ExportedBundle,
    bundle: ExportedBundle,
    served: Served,
    leaderboard: Leaderboard,
    evaluation: Evaluation,
    verdict: Verdict,
    profile: Profile,
    quality: QualityReport,
    suite: Suite,
    validation: ValidationReport,
    explanation: Explanation,
    reference: Reference,
    documents: Documents,
    groups: Groups | None = None,
) -> Annotated[Registration, "registration"]:
    """Log the training and register its bundle and evaluated twin as challenger; what is registered already is left as it is."""
    tags = {
        "verdict": verdict.verdict,
        "data_source": table.source,
        "data_revision": table.revision,
        "code_commit": code_commit(),
        "lock": lock_digest(),
        "family": leaderboard.family,
        TWIN_TAG: evaluated.digest,
    }
    if known := registered_already(problem.name, bundle, verdict, tags):
        ensure_reference(problem.name, str(known.version), reference)
        return known
    reports: dict[str, Storable] = {
        "profile": profile,
        "quality": quality,
        "expectations": suite,
        "validation": validation,
        "leaderboard": leaderboard,
        "served": served,
        "evaluation": evaluation,
        "explanation": explanation,
        "verdict": verdict,
        **{f"tuning_{study.family}": study for study in studies},
        **({"groups": groups} if groups is not None else {}),
    }
    files = files_of(problem, reports, documents, evaluated, bundle)
    files |= {f"data_docs/{name}": content for name, content in _site(validation).items()}
    files |= {**files_in(reference, FOLDER), "expectations.json": suite.to_json().encode()}
    context, studies = get_step_context(), latest(studies)
    record = TrainingRecord(
        experiment=problem.name,
        run_name=context.pipeline_run.name,
        params=_params(problem, leaderboard),
        metrics={**evaluation.scalars(), **_metrics(groups), **{f"cv_{metric}": value for metric, value in leaderboard.score.items()}},
        tags={**tags, "digest": bundle.digest, "zenml_run": str(context.pipeline_run.id)},
        trials=[_trial(study, trial) for study in studies for trial in study.trials],
        files=files,
        bundle=bundle.files,
        digest=bundle.digest,
        **about(problem, verdict, f"{name_of(evaluation.metric)} {evaluation.score} on {evaluation.rows:,} rows held out"),
        began=context.pipeline_run.start_time,
        curves={f"best_cv_{study.metric}/{study.family}": study.progress()[1].tolist() for study in studies},
        datasets=[_dataset(problem, table)],
    )
    return register(problem.name, record, verdict)


def _dataset(problem: Problem, table: Table) -> DatasetRecord:
    columns = {column.name: column.kind for column in table.schema.columns}
    return DatasetRecord(problem.name, table.revision, table.source, columns, len(table.frame))


def _metrics(groups: Groups | None) -> dict[str, float]:
    return {} if groups is None else {f"groups_{name}": value for name, value in groups.scores.items()}


def _params(problem: Problem, leaderboard: Leaderboard) -> dict[str, Any]:
    """What was asked for and what won."""
    asked = {"task": problem.task, "metric": problem.metric, "split": problem.split.kind, **problem.tuning.model_dump(mode="json")}
    return {**asked, "family": leaderboard.family, "model": leaderboard.winner.name}


def _trial(study: Study, trial: Any) -> TrialRecord:
    metrics = {study.metric: trial.score, f"{study.metric}_std": trial.std} if trial.fold_scores else {}
    return TrialRecord(
        f"{study.family} {trial.number}",
        {**trial.params, **trial.choices},
        metrics,
        {"family": study.family, "state": trial.state},
        {f"{study.metric}_by_fold": trial.fold_scores},
        trial.seconds,
    )


def _site(validation: ValidationReport) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        data_docs(validation, folder)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}
