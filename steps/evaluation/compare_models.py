"""Step: challenger against champion on the same holdout, and the gates of the config."""

from collections import Counter
from typing import Annotated

from zenml import step

from registry.versions import Registered
from steps.caching import depends_on
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.belief import doubt
from switchyard.tabular.evaluation.changes import changes_between
from switchyard.tabular.evaluation.comparison import Comparison, Verdict, check_gates, compare
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.served import predict_champion, predict_served
from switchyard.tabular.export.bundle import ExportedBundle, measure_latency
from switchyard.tabular.model.leaderboard import Leaderboard
from switchyard.tabular.model.model import Model
from switchyard.tabular.tables.split import Split


@step(cache_policy=depends_on(__file__))
def compare_models(
    model: Model,
    leaderboard: Leaderboard,
    evaluated: ExportedBundle,
    bundle: ExportedBundle,
    evaluation: Evaluation,
    champion: Registered,
    split: Split,
    problem: Problem,
    groups: Groups | None = None,
) -> tuple[Annotated[Comparison, "comparison"], Annotated[Verdict, "verdict"]]:
    """Both evaluated twins answer the same rows, which neither has seen; latency and size are those of what is served."""
    scorer = evaluated.scorer()
    first_held_out = split.boundary if problem.data.time_column != "@row" else None
    theirs, note = predict_champion(champion.twin, split.holdout, scorer.signature, first_held_out)
    if groups is not None and theirs is not None:
        # The rows' groups are the challenger's own findings: by them no champion could be as good.
        theirs, note = None, "groups have no truth to be nearer to; gates.moved holds them to the champion's"
    comparison = compare(
        predict_served(scorer, split.holdout),
        theirs,
        split,
        problem,
        scorer.signature.classes,
        champion_version=champion.version,
        unchanged=champion.digest == bundle.digest,
        note=note,
    )
    verdict = check_gates(
        problem,
        evaluation,
        comparison,
        latency_ms=measure_latency(bundle, split.holdout),
        bundle_mb=bundle.megabytes,
        members=Counter(member.family for member in model.members),
        changes=changes_between(champion.signature, scorer.signature),
        doubt=doubt(evaluation, leaderboard, split, problem),
        moved=groups.succession.moved if groups is not None and groups.succession is not None else None,
    )
    return comparison, verdict
