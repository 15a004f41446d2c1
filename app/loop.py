"""The closed loop: what follows from a decision to retrain: train, try the new version beside the old one, have it judged.

A pipeline can't start another from inside a step, so this is the command line's work, after the run. The ledger
(`switchyard.monitoring.retraining.ledger`) holds how far it is: repeated after a kill, or an hour later, it goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.commands.deployment import COMMAND as deploy
from app.commands.experiment import COMMAND as judge
from app.commands.training import COMMAND as train
from switchyard.monitoring.decision import Decision, RuleResult
from switchyard.monitoring.retraining.claim import Claim, RetrainingRefused
from switchyard.monitoring.retraining.ledger import Ledger
from switchyard.monitoring.retraining.limits import check
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.tasks import kind_of

if TYPE_CHECKING:
    from rich.console import Console

    from app.command import Request

_BY_HAND = "by_hand"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Retrained:
    """How far a retraining is, or why there is none; run summaries hold it under `retraining`."""

    stage: str
    """none, refused, claimed, trained, trying, promoted, rejected, rolled_back or abandoned."""
    reason: str
    version: str | None = None
    """The new one."""
    cause: str | None = None
    rows: int | None = None
    """Labelled predictions that it was trained on, beside the old rows."""


def act(request: Request, decision: Decision) -> Retrained:
    """Go on with the model's open retraining as far as it goes now, or begin one where `decision` asks for it.

    Parameters
    ----------
    request : Request
        With the problem as the user gave it.
    decision : Decision
        Of a monitoring run, or one that `by_hand` made.

    Returns
    -------
    Retrained
        `trying` while the new version has a share of the requests and no verdict: a later call goes on.

    Raises
    ------
    SwitchyardError
        A training or a deployment failed for a reason that may pass; the retraining stays open.
    """
    from deployment.predictions import prediction_log
    from registry.versions import zenml_model_name

    problem, console = request.problem, request.console
    with prediction_log(problem.name) as engine:
        ledger = Ledger(engine, zenml_model_name(problem.name))
        claim = ledger.open()
        try:
            if claim is None:
                if decision.action != "retrain":
                    return Retrained("none", decision.reason)
                claim = _begin(ledger, engine, problem, decision, console)
            else:
                console.print(
                    f"retraining  goes on from {claim.stage!r}: {claim.cause}, begun {claim.claimed:%Y-%m-%d %H:%M} UTC", highlight=False
                )
            with ledger.holding(claim):
                claim = _carry_on(ledger, claim, request)
        except RetrainingRefused as refused:
            if claim is None and not _is_by_hand(decision):
                ledger.refuse(decision, str(refused))
            console.print(f"retraining  none now: {refused}", highlight=False, markup=False)
            return Retrained("refused", str(refused))
    version = f", version {claim.version}" if claim.version else ""
    console.print(f"retraining  {claim.stage.replace('_', ' ')}{version}: {claim.reason}", highlight=False, markup=False)
    return Retrained(claim.stage, claim.reason, claim.version, claim.cause, claim.rows)


def by_hand(model: str, version: str, digest: str, reason: str) -> Decision:
    """The decision to train `version`'s successor because somebody asks for it."""
    now = datetime.now(UTC)
    rule = RuleResult(name=_BY_HAND, value=None, threshold=None, verdict="retrain", reason=reason)
    return Decision(
        model=model,
        version=version,
        digest=digest,
        since=_EVER,
        until=now,
        rows=0,
        labelled=0,
        action="retrain",
        rules=(rule,),
        reason=reason,
        key=f"{model} {_BY_HAND} {now.isoformat()}",
    )


def _is_by_hand(decision: Decision) -> bool:
    return decision.rules[0].name == _BY_HAND if decision.rules else False


def _begin(ledger: Ledger, engine: Any, problem: Problem, decision: Decision, console: Console) -> Claim:
    """Claim a retraining, with the rows to train on put into the artifact store first."""
    from app.gathering import gather_rows
    from stacks.files import stage_table
    from switchyard.monitoring.retraining.labelled import called, count_labelled
    from switchyard.tabular.tables.reading.credentials import STAGED
    from switchyard.tabular.tables.reading.staged import to_staged
    from switchyard.tabular.tables.table import digest_frame

    if problem.data.source.startswith(STAGED):
        raise InputError("data.source is a table with rows of the prediction log already; name the source beneath it")
    task = problem.task
    check(ledger, decision, problem.retraining, lambda since: count_labelled(engine, problem.name, since, task), called(task))
    rows = gather_rows(engine, problem, decision.version)
    revision = f"sha256:{digest_frame(rows.frame)}"
    ledger.check_data(decision, revision)
    location = stage_table(to_staged(rows.frame, rows.label), f"{problem.name}.parquet")
    config = rows.problem.model_copy(update={"data": rows.problem.data.model_copy(update={"source": location, "query": None})})
    claim = ledger.claim(decision, revision, config.model_dump_json(), rows.new)
    console.print(
        f"retraining  begins: {claim.cause}; {rows.label}: {rows.old:,} old rows, {rows.new:,} new", highlight=False, markup=False
    )
    for note in rows.notes:
        console.print(f"  note: {note}", highlight=False, markup=False)
    return claim


def _carry_on(ledger: Ledger, claim: Claim, request: Request) -> Claim:
    """Go on from the claim's stage to the last one that can be reached now."""
    from registry.production import version_of
    from registry.versions import CHAMPION

    problem = request.problem
    if claim.stage == "claimed":
        claim = _train(ledger, claim, request)
    if claim.stage == "trained":
        # Where no label can come nothing could judge a trial: the gates have decided.
        strategy = problem.retraining.strategy if kind_of(problem.task).labels else "all"
        # A run that was killed between the deployment and this note has done it already.
        if version_of(problem.name, CHAMPION) != claim.version:
            if back := _taken_back(claim, problem):
                return ledger.advance(claim, "rolled_back", reason=back)
            share = problem.retraining.share if strategy != "all" else None
            deploy(request, strategy=strategy, share=share, version=claim.version, why=f"retrained: {claim.cause}")
        stage, told = (
            ("promoted", "deployed without a trial") if strategy == "all" else ("trying", f"{strategy} deployment, no verdict yet")
        )
        return ledger.advance(claim, stage, reason=told)
    if claim.stage == "trying":
        claim = _judge(ledger, claim, request)
    return claim


def _train(ledger: Ledger, claim: Claim, request: Request) -> Claim:
    """Run the training pipeline on the claim's rows; what was trained, tuned or registered before a kill is found again."""
    try:
        trained = train(replace(request, problem=Problem.model_validate_json(claim.config)))
    except (InputError, GateClosed) as error:
        # It would end the same way each time.
        return ledger.advance(claim, "abandoned", reason=f"training ended: {error}")
    model = trained.summary["model"]
    if trained.exit_code:
        reason = "; ".join(trained.summary["reasons"]) or "a gate is closed"
        return ledger.advance(claim, "rejected", digest=model["digest"], reason=reason)
    if model["digest"] == claim.champion:
        return ledger.advance(claim, "abandoned", digest=model["digest"], reason="training led to the version in production again")
    return ledger.advance(claim, "trained", version=model["version"], digest=model["digest"], reason="registered, not deployed yet")


def _judge(ledger: Ledger, claim: Claim, request: Request) -> Claim:
    """Have the experiment judged, unless it is over already."""
    if ended := _ended(ledger, claim, request.problem, "it was decided before"):
        return ended
    reason = "; ".join(judge(request).summary["reasons"])
    return _ended(ledger, claim, request.problem, reason) or ledger.advance(claim, "trying", reason=reason)


def _ended(ledger: Ledger, claim: Claim, problem: Problem, reason: str) -> Claim | None:
    """The claim at its end, where the new version serves everybody or nobody."""
    from deployment.registration import active_deployer
    from registry.production import version_of
    from registry.versions import CHAMPION

    if version_of(problem.name, CHAMPION) == claim.version:
        return ledger.advance(claim, "promoted", reason=reason)
    deployment = active_deployer().host.inspect(problem.name)
    tried = (
        [one for one in deployment.instances if one.version == claim.version and one.name in deployment.traffic.names] if deployment else []
    )
    return None if tried else ledger.advance(claim, "rolled_back", reason=_taken_back(claim, problem) or reason)


def _taken_back(claim: Claim, problem: Problem) -> str | None:
    """Why somebody took back the new version since the retraining began; None where nobody did."""
    from registry.production import withdrawn_since

    # The ledger's times are UTC without a zone.
    return withdrawn_since(problem.name, claim.version, claim.claimed.replace(tzinfo=UTC)) if claim.version else None
