"""Training: from a table to a registered, explained, documented model."""

from __future__ import annotations

from typing import Any

from zenml import pipeline

from steps.data.check_quality import check_quality
from steps.data.load_table import load_table
from steps.data.open_gate import open_gate
from steps.data.profile_table import profile_in_full, profile_table
from steps.data.split_table import split_table
from steps.data.validate_holdout import infer_expectations, validate_holdout
from steps.evaluation.compare_models import compare_models
from steps.evaluation.describe_reference import describe_reference
from steps.evaluation.evaluate_model import evaluate_model
from steps.evaluation.explain_model import explain_model
from steps.modelling.build_ensemble import build_ensemble
from steps.modelling.export_bundle import export_bundle
from steps.modelling.gather_study import gather_study
from steps.modelling.learn_from_all import learn_from_all
from steps.modelling.plan_features import plan_features
from steps.modelling.tune_family import tune_family
from steps.modelling.tune_further import tune_further
from steps.registry.document_model import document_model
from steps.registry.find_champion import find_champion
from steps.registry.register_model import register_model
from switchyard.tabular.config.problem import Problem


@pipeline(name="training")
def training(problem: Problem, location: str, edited_suite: str, fresh: str = "", parallel: int = 1, workers: int = 1) -> None:
    """From a table to a registered, explained, documented model.

    Parameters
    ----------
    problem : Problem
        As the user gave it; `load_table` resolves what is left at "auto".
    location : str
        Where steps read the table: the artifact store for a local file, else the source itself.
    edited_suite : str
        The expectations a person keeps for this problem, as JSON text; empty to infer them.
    fresh : str
        Name of the run that starts finished studies anew instead of taking up their trials.
    parallel : int
        Model families that are tuned at once, each with a machine (or a part of one) of its own.
    workers : int
        Step invocations that share the trials of one family.
    """
    table, resolved, rest = load_table(problem, location)
    learn(problem, table, resolved, rest, edited_suite, fresh, parallel, workers)


def learn(
    problem: Problem,
    table: Any,
    resolved: Any,
    rest: Any,
    edited_suite: str,
    fresh: str,
    parallel: int,
    workers: int,
    groups: Any = None,
) -> None:
    """The steps of a training from the resolved table on, within a pipeline.

    `rest` are the rows that a table larger than memory has besides, `groups` what a clustering found.
    """
    profile = profile_table(table, resolved)
    profile_in_full(table, profile)
    split = split_table(table, resolved)
    quality = check_quality(split, resolved)
    suite = infer_expectations(split, resolved, edited_suite)
    validation = validate_holdout(split, suite)
    admission = open_gate(quality, validation, resolved)
    plan = plan_features(split, admission, resolved)
    searches = {family: range(1, workers + 1) for family in problem.tuning.families}
    found = {
        family: [
            tune_family(split, plan, resolved, family, fresh, parallel, workers, worker, id=f"tune_{family}" + f"_{worker}" * (workers > 1))
            for worker in numbers
        ]
        for family, numbers in searches.items()
    }
    studies = [gather_study(seen, resolved, id=f"gather_{family}") if len(seen) > 1 else seen[0] for family, seen in found.items()]
    if problem.tuning.trials is None and len(studies) > 1:
        studies = [*studies, tune_further(studies, split, plan, resolved, fresh, workers)]
    model, leaderboard = build_ensemble(studies, split, plan, resolved)
    champion, terms = find_champion(plan, resolved)
    evaluated, parity = export_bundle(model, split, terms, resolved)
    bundle, served = learn_from_all(model, evaluated, parity, leaderboard, split, rest, plan, terms, resolved)
    evaluation = evaluate_model(evaluated, split, plan, resolved)
    explanation = explain_model(evaluated, split, resolved)
    reference = describe_reference(evaluated, bundle, split, evaluation, explanation, suite, resolved)
    comparison, verdict = compare_models(model, leaderboard, evaluated, bundle, evaluation, champion, split, resolved, groups)
    documents = document_model(
        problem=resolved,
        table=table,
        split=split,
        profile=profile,
        quality=quality,
        validation=validation,
        plan=plan,
        model=model,
        leaderboard=leaderboard,
        bundle=bundle,
        served=served,
        evaluation=evaluation,
        explanation=explanation,
        comparison=comparison,
        verdict=verdict,
    )
    register_model(
        problem=resolved,
        table=table,
        studies=studies,
        evaluated=evaluated,
        bundle=bundle,
        served=served,
        leaderboard=leaderboard,
        evaluation=evaluation,
        verdict=verdict,
        profile=profile,
        quality=quality,
        suite=suite,
        validation=validation,
        explanation=explanation,
        reference=reference,
        documents=documents,
        groups=groups,
    )
