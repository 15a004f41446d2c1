"""`deployment`: a registered version behind the endpoint, for everybody or for a share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console

from app.command import Command, Plan, Request, Result
from app.options import PROBLEM, WHY
from app.reports import mark_served
from app.summary import RunSummary, run_facts
from app.tasks import refuse_without_labels
from switchyard.permissions import shared
from switchyard.tabular.errors import InputError, SwitchyardError

if TYPE_CHECKING:
    from app.outcome import Outcome
    from deployment.host import Deployment
    from deployment.rollback import Rollback
    from switchyard.bundle import Bundle

PREDICT = "/predict"
_STRATEGIES = ("all", "canary", "ab", "shadow")
_SHARED = ("canary", "ab")


@dataclass(frozen=True)
class DeploymentSummary(RunSummary):
    """What a deployment adds."""

    model: dict[str, Any]
    strategy: str
    rollback: bool
    taken_back: list[str]
    """Versions that were tried beside the champion until this rollback."""
    promoted: bool
    previous: str | None
    examples: int
    """That the endpoint answered as it must."""
    endpoint: dict[str, Any]
    serving: dict[str, Any]
    """Who answers what no candidate does."""
    candidate: dict[str, Any] | None
    """Who is tried on a share of the requests, or on copies."""
    changes: list[str]
    """What came and went in the contract with the clients, against who was champion before."""
    plan: dict[str, Any] | None
    """Entities and days that a canary or an A/B test needs, as far as known."""

    @classmethod
    def gather(cls, outcome: Outcome, deployment: Deployment, example: Path, order: Any) -> Self:
        """The summary, from the artifacts of a finished run and what the host says."""
        promotion, proof = outcome.artifact("promotion"), outcome.artifact("proof")
        stable = deployment.stable
        tried = next((one for one in deployment.instances if one.name in deployment.traffic.names and one.name != stable.name), None)
        candidate = tried and {
            "version": tried.version,
            "digest": tried.digest,
            "role": tried.role,
            "share": deployment.share(tried.name),
        }
        return cls(
            **run_facts(outcome, "deployment"),
            model={"name": deployment.model, "version": promotion.version, "digest": promotion.digest},
            strategy=order.strategy,
            rollback=order.rollback is not None,
            taken_back=[one.version for one in order.rollback.tried] if order.rollback else [],
            promoted=promotion.promoted,
            previous=promotion.previous,
            examples=proof.examples,
            endpoint={
                "url": deployment.url,
                "predict_url": deployment.url + PREDICT,
                "example_request": str(example),
                "token_file": deployment.token_file,
            },
            serving={"version": stable.version, "digest": stable.digest},
            candidate=candidate,
            changes=_changes(outcome),
            plan=outcome.artifact("plan").model_dump() if order.strategy in _SHARED else None,
        )


def plan(request: Request, *, strategy: str, share: float | None, version: str | None, rollback: bool, to: str | None, why: str) -> Plan:
    """What a deployment would run; of a rollback, also what it means as things stand.

    Raises
    ------
    InputError
        The options contradict each other, or there is nothing to go back to.
    """
    from rich.markup import escape

    from pipelines.deployment import deployment
    from steps.deployment.order import Order
    from steps.provenance import person

    _check(strategy, share, version, rollback, to)
    _refuse_pool(request)
    if strategy in _SHARED:
        refuse_without_labels(request.problem, f"--strategy {strategy}")
    what = "rollback" if rollback else f"version {version}" if version else "the newest version"
    title = f"[bold]deployment[/] {request.problem.name}: {what}, {strategy}, on stack {request.stack} (config: {request.where})"
    back = _find_rollback(request.problem.name, to) if rollback else None
    if back:
        title += f"\nrollback  {escape(back.sentence())}"
    order = Order(strategy=strategy, share=share, version=back.version if back else version, rollback=back, by=person(), why=why)
    return Plan(title, deployment, {"problem": request.problem, "order": order})


def _refuse_pool(request: Request) -> None:
    from zenml.enums import StackComponentType

    from deployment.host import refuse_pool
    from stacks.active import component

    deployer = component(StackComponentType.MODEL_DEPLOYER) if request.problem.serving.pool else None
    if deployer is not None:
        # Of another kind than ours it says so itself.
        refuse_pool(getattr(deployer.config, "is_local", True), {"pool": True})


def run(request: Request, plan: Plan, **_own: Any) -> Result:
    """Deploy by the deployment pipeline on the active stack, and say who answers now and how to ask.

    Raises
    ------
    SwitchyardError
        The deployment failed; the message says why, and which version serves.
    """
    from app.running import execute, name_of_run
    from deployment.registration import active_deployer, ensure_served

    model = request.problem.name
    ensure_served(request.problem.name)
    outcome = execute(plan.pipeline, dict(plan.arguments), name_of_run("deployment", model), request.console)
    deployed = active_deployer().host.inspect(model)
    example = _write_example(request.root, model, outcome.artifact("release").opened)
    summary = DeploymentSummary.gather(outcome, deployed, example, plan.arguments["order"])
    mark_served(request.root, model, str(summary.serving["version"]))
    _print(summary, outcome, request.console)
    return Result(summary.told())


def _changes(outcome: Outcome) -> list[str]:
    """What came and went against who was champion; nothing where nobody can say, as of one whose files were changed."""
    from registry.production import find_version
    from switchyard.tabular.evaluation.changes import changes_between

    release, champion = outcome.artifact("release"), outcome.artifact("champion")
    try:
        if champion.bundle is None and champion.version is not None:
            champion = find_version(champion.name, champion.version)
    except SwitchyardError:
        return []
    return [change.sentence() for change in changes_between(champion.signature, release.opened.signature)]


def curl(summary: DeploymentSummary) -> str:
    """The command line that asks the endpoint."""
    token = summary.endpoint["token_file"]
    header = f""" -H "Authorization: Bearer $(awk '!/^#/ && NF {{print $NF; exit}}' '{token}')\"""" if token else ""
    return f"curl -s{header} -d @'{summary.endpoint['example_request']}' {summary.endpoint['predict_url']}"


def _find_rollback(name: str, to: str | None) -> Rollback:
    from deployment.registration import active_deployer, ensure_deployer
    from deployment.rollback import find_rollback

    ensure_deployer()
    return find_rollback(name, active_deployer().host.inspect(name), to)


def _check(strategy: str, share: float | None, version: str | None, rollback: bool, to: str | None) -> None:
    if share is not None and strategy not in _SHARED:
        raise InputError(f"--share is for --strategy canary and ab, not for {strategy}")
    if share is not None and not 0 < share < 1:
        raise InputError(f"--share is {share:g}; it must be above 0 and below 1")
    if rollback and (strategy != "all" or version is not None):
        raise InputError("--rollback goes with no --strategy and no --version; --to N names the version to go back to")
    if to is not None and not rollback:
        raise InputError(f"--to names the version that --rollback goes back to; --version {to} deploys it")


@shared()
def _write_example(root: Path, name: str, bundle: Bundle) -> Path:
    """A request that the endpoint answers: the bundle's first example."""
    path = root / "reports" / name / "example_request.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    row = bundle.examples["examples"][0]["row"]
    path.write_text(json.dumps({"rows": [row]}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _print(summary: DeploymentSummary, outcome: Outcome, console: Console) -> None:
    lines = [
        f"serving   {summary.model['name']} version {summary.serving['version']}, {summary.serving['digest']}",
        f"endpoint  {summary.endpoint['predict_url']}",
        f"api       {summary.endpoint['url']}/docs   (to read and try in a browser, with a token)",
    ]
    if summary.candidate:
        how = "gets copies" if summary.candidate["role"] == "shadow" else f"answers {summary.candidate['share']:.2%}"
        lines.insert(1, f"trying    version {summary.candidate['version']}, which {how}, {summary.candidate['digest']}")
    if summary.promoted:
        proven = f"{summary.examples} examples answered as they must be"
        before = "as before" if summary.previous == summary.model["version"] else f"before it {summary.previous or 'none'}"
        lines.append(f"champion  version {summary.model['version']}, {before}; {proven}")
    lines += [f"contract  {change}" for change in summary.changes]
    if summary.plan:
        lines += [
            f"plan      {outcome.artifact('plan').sentence()}",
            "judge     python run.py --pipeline experiment, with the same config; --watch 300 until it is decided",
        ]
    lines.append(f"run       {summary.run_id}, {summary.steps} steps, {outcome.duration_s:.0f} s")
    for line in lines:
        console.print(line, highlight=False, markup=False)
    console.print("try", highlight=False)
    console.print(f"  {curl(summary)}", highlight=False, markup=False)


COMMAND = Command(
    "Put a registered version behind the endpoint, for everybody or for a share.",
    plan,
    run,
    changes=PROBLEM,
    own=(
        click.Option(["--strategy"], type=click.Choice(_STRATEGIES), default="all", show_default=True, help="Who gets the new version."),
        click.Option(["--share"], type=float, help="The new version's share of the requests, for canary and ab."),
        click.Option(["--version"], help="The version to deploy instead of the challenger."),
        click.Option(
            ["--rollback"], is_flag=True, help="Take back the version that is tried, else go back to the one in production before."
        ),
        click.Option(["--to"], help="With --rollback: the version to go back to."),
        WHY,
    ),
)
