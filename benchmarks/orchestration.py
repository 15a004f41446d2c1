"""What orchestration costs: the training pipeline beside the same work called from a plain script.

    python -m benchmarks.orchestration --data ../shared/data/adult.csv.gz --target income --budget 120 --json orchestration.json

Both run once, in turn, each in a fresh process with a store of its own: `run.py`, and this file with `--plain`, which
calls the library in the same order, writes the same documents and pages, and logs the same params, metrics, trials,
files and model to MLflow on SQLite, without ZenML. The seconds are wall time of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run both and print a table; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="builtin:loans")
    parser.add_argument("--target", default="defaulted")
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        plain(options.data, options.target, options.budget, options.plain)
        return
    source = options.data if ":" in options.data else str(Path(options.data).resolve())
    arguments = ["--data", source, "--target", options.target, "--budget", str(options.budget)]
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ZENML_CONFIG_PATH": f"{folder}/zenml", "ZENML_ANALYTICS_OPT_IN": "false"}
        # The stack is set up once on a machine; it is not part of a run.
        subprocess.run([sys.executable, "run.py", "stack", "up", "local"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        commands = {
            "plain script": [sys.executable, "-m", "benchmarks.orchestration", "--plain", f"{folder}/plain", *arguments],
            "pipeline": [sys.executable, "run.py", "--pipeline", "training", "--name", "orchestration-benchmark", *arguments],
        }
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
            seconds[name] = time.perf_counter() - start
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    ratio = seconds["pipeline"] / seconds["plain script"]
    for name, value in seconds.items():
        print(f"{name:<14}{value:8.1f} s")
    print(f"{'ratio':<14}{ratio:8.3f}   (budget {options.budget:g} s, {options.data})")
    if options.json:
        options.json.write_text(
            json.dumps({"data": options.data, "budget_s": options.budget, "seconds": seconds, "ratio": ratio}, indent=1) + "\n"
        )


def plain(data: str, target: str, budget: float, folder: Path) -> None:
    """The training without an orchestrator."""
    from switchyard.bundle import Scorer
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.documents import Measured, ModelFacts, RunRecord, SplitFacts, Versions, write_documents
    from switchyard.tabular.evaluation import evaluate, fit_baselines
    from switchyard.tabular.evaluation.comparison import check_gates, compare
    from switchyard.tabular.evaluation.served import predict_served
    from switchyard.tabular.explanation import explain
    from switchyard.tabular.export.bundle import export_bundle, measure_latency
    from switchyard.tabular.export.served import make_served
    from switchyard.tabular.features.plan import plan_features
    from switchyard.tabular.model.ensemble import budget_left, build_ensemble
    from switchyard.tabular.profile import full_profile, profile_table
    from switchyard.tabular.quality import check_quality
    from switchyard.tabular.tables.reading.sources import read_source
    from switchyard.tabular.tables.resolve import resolve
    from switchyard.tabular.tables.split import split_table
    from switchyard.tabular.tuning import StudyStore, latest, study_key, tune_family, tune_further
    from switchyard.tabular.validation import infer_suite, validate

    settings = {"name": "plain", "data": {"source": data, "target": target}, "tuning": {"budget_s": budget}}
    problem = problem_from(settings, "the benchmark")
    table, problem, _ = resolve(read_source(problem.data), problem)
    profile = profile_table(table, problem)
    full = full_profile(table.frame)
    split = split_table(table, problem)
    quality = check_quality(split, problem)
    quality.raise_if_stopped()
    suite = infer_suite(split, problem)
    validation = validate(split.holdout, suite, what="holdout")
    validation.raise_if_failed(problem.quality.validation)
    plan = plan_features(split, quality.dropped, problem)
    store = StudyStore(folder / "studies", study_key(split, plan, problem, "benchmark"))
    studies = [tune_family(split, plan, problem, family, store) for family in problem.tuning.families]
    studies = latest([*studies, tune_further(studies, split, plan, problem, store)])
    model, leaderboard = build_ensemble(studies, split, plan, problem, budget_left(studies, split, problem))
    evaluated, parity = export_bundle(model, split, problem)
    _, bundle, served = make_served(model, evaluated, parity, split, plan, problem, leaderboard.left_s)
    (folder / "bundle").mkdir()
    bundle.write(folder / "bundle")
    scorer: Scorer = evaluated.scorer()
    classes, threshold = scorer.signature.classes, scorer.signature.threshold
    predictions = predict_served(scorer, split.holdout)
    evaluation = evaluate(predictions, split, problem, classes, threshold, fit_baselines(split, plan.used, problem, classes))
    explanation = explain(evaluated.scorer(), split, problem)
    comparison = compare(predictions, None, split, problem, classes, note="no champion")
    members = Counter(member.family for member in model.members)
    latency = measure_latency(bundle, split.holdout)
    verdict = check_gates(problem, evaluation, comparison, latency_ms=latency, bundle_mb=bundle.megabytes, members=members)
    documents = write_documents(
        RunRecord(
            problem=problem, schema=table.schema, split=SplitFacts(split.kind, len(split.train), len(split.holdout), split.boundary),
            profile=profile, quality=quality, validation=validation, plan=plan, leaderboard=leaderboard,
            model=ModelFacts(members=members, calibration=model.calibrator.kind), evaluation=evaluation, explanation=explanation,
            verdict=verdict, served=served,
            measured=Measured(latency, bundle.megabytes, served.parity.rows, served.parity.largest_difference),
            versions=Versions(data_source=table.source, data_revision=table.revision, model_digest=bundle.digest), comparison=comparison,
        )
    )  # fmt: skip
    pages = {
        "profile": profile,
        "quality": quality,
        "expectations": suite,
        "validation": validation,
        "plan": plan,
        "leaderboard": leaderboard,
    }
    pages |= {"evaluation": evaluation, "explanation": explanation, "comparison": comparison, "verdict": verdict}
    pages |= {f"tuning_{study.family}": study for study in studies}
    files = {f"reports/{name}.html": page for name, report in pages.items() if (page := report.html())} | {"data_profile.html": full}
    files |= {f"documents/{name}": text for name, text in documents.files.items()}
    _log(folder, problem, studies, evaluation, leaderboard, files, validation)


def _log(folder, problem, studies, evaluation, leaderboard, files, validation) -> None:
    import mlflow
    from mlflow.entities import Metric, Param

    from switchyard.tabular.validation import data_docs

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("plain", artifact_location=(folder / "artifacts").as_uri())
    run_id = client.create_run(experiment).info.run_id
    client.log_batch(run_id, params=[Param(key, str(value)) for key, value in problem.tuning.model_dump(mode="json").items()])
    metrics = {**evaluation.scalars(), **{f"cv_{name}": value for name, value in leaderboard.score.items()}}
    client.log_batch(run_id, metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()])
    for study in studies:
        for trial in study.trials:
            child = client.create_run(experiment, tags={"mlflow.parentRunId": run_id}).info.run_id
            scores = [Metric(study.metric, trial.score, 0, 0)] if trial.fold_scores else []
            client.log_batch(child, metrics=scores, params=[Param(key, str(value)) for key, value in trial.params.items()])
            client.set_terminated(child)
    for name, text in files.items():
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_text(text, encoding="utf-8")
    data_docs(validation, folder / "files" / "data_docs")
    client.log_artifacts(run_id, str(folder / "files"))
    client.log_artifacts(run_id, str(folder / "bundle"), "bundle")
    with mlflow.start_run(run_id=run_id):
        info = mlflow.pyfunc.log_model(
            name="model", python_model=str(ROOT / "stacks" / "mlflow_model.py"), artifacts={"bundle": str(folder / "bundle")},
            pip_requirements=["mlflow", "numpy", "onnxruntime"], code_paths=[str(ROOT / "bundle")],
        )  # fmt: skip
    client.create_registered_model("plain")
    client.create_model_version("plain", info.model_uri, run_id)


if __name__ == "__main__":
    main()
