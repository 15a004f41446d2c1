"""`deploy`: what run.py does for the deployment pipeline."""

from __future__ import annotations

import getpass
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console

from app.commands import ensure_stack, terminal
from app.outcome import Outcome
from app.running import execute, name_of_run, show_steps
from app.summary import RunSummary, run_facts, write_summary
from deployment.host import Deployment
from steps.deployment.order import SHARES
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError

PREDICT = "/predict"


@dataclass(frozen=True)
class DeploymentSummary(RunSummary):
    """What a deployment adds."""

    model: dict[str, Any]
    strategy: str
    rollback: bool
    promoted: bool
    previous: str | None
    examples: int
    """That the endpoint answered as it must."""
    endpoint: dict[str, Any]
    serving: dict[str, Any]
    """Who answers what no candidate does."""
    candidate: dict[str, Any] | None
    """Who is tried on a share of the requests, or on copies."""
    plan: dict[str, Any] | None
    """Entities and days that a canary or an A/B test needs, as far as known."""

    @classmethod
    def gather(cls, outcome: Outcome, deployment: Deployment, example: Path, order: Any, duration_s: float) -> Self:
        """From the artifacts of a finished run and what the host says."""
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
            **run_facts(outcome, "deployment", duration_s),
            model={"name": deployment.model, "version": promotion.version, "digest": promotion.digest},
            strategy=order.strategy,
            rollback=order.rollback,
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
            plan=outcome.artifact("plan").model_dump() if order.strategy in SHARES else None,
        )


def deploy(
    problem: Problem,
    where: str,
    *,
    root: Path,
    strategy: str = "all",
    share: float | None = None,
    version: str | None = None,
    rollback: bool = False,
    why: str = "",
    dry_run: bool = False,
    summary_path: Path | None = None,
    started: float | None = None,
) -> int:
    """Run the deployment pipeline on the active stack and return the exit code.

    Parameters
    ----------
    problem : Problem
        Its name says which model, its data section what a row's entity and time are.
    where : str
        What to call the config's origin.
    root : Path
        Of the repository.
    strategy : str
        all, canary, ab or shadow.
    share : float, optional
        Of the candidate in canary and ab, above 0 and below 1.
    version : str, optional
        To deploy instead of the challenger.
    rollback : bool
        Go back to the version that was in production last.
    why : str
        Kept with the version.

    Raises
    ------
    SwitchyardError
        The deployment failed; the message says why, and which version serves.
    """
    began = time.monotonic() if started is None else started
    _check(strategy, share, version, rollback)
    from deployment.registration import active_deployer, ensure_deployer
    from pipelines.deployment import deployment as pipeline
    from steps.deployment.order import Order

    stack = ensure_stack(root)
    console = terminal()
    order = Order(strategy=strategy, share=share, version=version, rollback=rollback, by=_user(), why=why)
    what = "rollback" if rollback else f"version {version}" if version else "the newest version"
    if dry_run:
        console.print(f"[bold]deployment[/] {problem.name}: {what}, {strategy}, on stack {stack} (config: {where})")
        show_steps(pipeline, {"problem": problem, "order": order}, console)
        return 0
    ensure_deployer()
    console.print(f"[bold]deployment[/] {problem.name}: {what}, {strategy}, on stack {stack} (config: {where})")
    run_name = name_of_run("deployment", problem.name)
    outcome = execute(pipeline, {"problem": problem, "order": order}, run_name, console)
    deployed = active_deployer().host.inspect(problem.name)
    example = _write_example(root, problem.name, outcome.artifact("release").files)
    summary = DeploymentSummary.gather(outcome, deployed, example, order, time.monotonic() - began)
    if summary_path:
        write_summary(summary_path, summary.to_json())
    _print(summary, outcome.artifact("plan").sentence() if summary.plan else None, console)
    return 0


def curl(summary: DeploymentSummary) -> str:
    """The command line that asks the endpoint."""
    token = summary.endpoint["token_file"]
    header = f""" -H "Authorization: Bearer $(awk '!/^#/ && NF {{print $NF; exit}}' '{token}')\"""" if token else ""
    return f"curl -s{header} -d @'{summary.endpoint['example_request']}' {summary.endpoint['predict_url']}"


def _check(strategy: str, share: float | None, version: str | None, rollback: bool) -> None:
    if share is not None and strategy not in ("canary", "ab"):
        raise InputError(f"--share is for --strategy canary and ab, not for {strategy}")
    if share is not None and not 0 < share < 1:
        raise InputError(f"--share is {share:g}; it must be above 0 and below 1")
    if rollback and (strategy != "all" or version is not None):
        raise InputError("--rollback takes everything back to the last version; it goes with no --strategy and no --version")


def _user() -> str:
    """Who asks: SWITCHYARD_USER where one account deploys for many, else the account."""
    if named := os.environ.get("SWITCHYARD_USER"):
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _write_example(root: Path, name: str, files: dict[str, bytes]) -> Path:
    """A request that the endpoint answers: the bundle's first example."""
    path = root / "reports" / name / "example_request.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    row = json.loads(files["examples.json"])["examples"][0]["row"]
    path.write_text(json.dumps({"rows": [row]}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _print(summary: DeploymentSummary, plan: str | None, console: Console) -> None:
    lines = [
        f"serving   {summary.model['name']} version {summary.serving['version']}, {summary.serving['digest']}",
        f"endpoint  {summary.endpoint['predict_url']}",
    ]
    if summary.candidate:
        how = "gets copies" if summary.candidate["role"] == "shadow" else f"answers {summary.candidate['share']:.2%}"
        lines.insert(1, f"trying    version {summary.candidate['version']}, which {how}, {summary.candidate['digest']}")
    if summary.promoted:
        proven = f"{summary.examples} examples answered as they must be"
        lines.append(f"champion  version {summary.model['version']}, before it {summary.previous or 'none'}; {proven}")
    if plan:
        lines += [
            f"plan      {plan}",
            "judge     python run.py --pipeline experiment, with the same config; --watch 300 until it is decided",
        ]
    lines.append(f"run       {summary.run_id}, {summary.steps} steps, {summary.duration_s:.0f} s")
    for line in lines:
        console.print(line, highlight=False, markup=False)
    console.print("try", highlight=False)
    # Beside the console, which would break the line where the terminal ends.
    console.file.write(f"  {curl(summary)}\n")
