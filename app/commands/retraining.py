"""`retraining`: the next version, from the old rows and the predictions whose labels have come."""

from __future__ import annotations

from dataclasses import asdict

from app.command import Command, Plan, Request, Result
from app.options import SEARCH, WHY
from switchyard.tabular.errors import InputError

_FELL_THROUGH = ("refused", "rejected", "abandoned", "rolled_back")


def plan(request: Request, *, why: str) -> Plan:
    """What a retraining would run.

    Raises
    ------
    InputError
        No version is in production.
    """
    from app.commands.training import COMMAND as train

    _champion(request.problem.name)
    title = f"[bold]retraining[/] {request.problem.name} on stack {request.stack} (config: {request.where})"
    training = train.plan(request, **train.defaults())
    return Plan(title, training.pipeline, training.arguments)


def run(request: Request, plan: Plan, *, why: str) -> Result:
    """Go on with the retraining that is under way, else begin one because somebody asks for it.

    Exit code 3 where the ledger refuses one or it ended without a new champion.

    Raises
    ------
    SwitchyardError
        A training or a deployment failed for a reason that may pass; the retraining stays open.
    """
    from app.loop import act, by_hand
    from registry.production import find_version

    name = request.problem.name
    version = _champion(name)
    decision = by_hand(name, version, find_version(name, version).digest or "", why or "asked for by hand")
    found = act(request, decision)
    return Result({"status": "completed", "retraining": asdict(found)}, 3 if found.stage in _FELL_THROUGH else 0)


def _champion(name: str) -> str:
    from registry.production import version_of
    from registry.versions import CHAMPION

    version = version_of(name, CHAMPION)
    if version is None:
        raise InputError(f"no version of {name!r} is in production; deploy one before it can be trained again from its predictions")
    return version


COMMAND = Command(
    "Train the next version from old rows and new ones of the prediction log, and try it.", plan, run, changes=SEARCH, own=(WHY,)
)
