"""The models that the active stack's deployer serves: what answers, what was meant to, and whether answers are kept."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from app.health.check import Check
from app.health.watched import look_at_monitoring
from deployment.experiments.traffic import traffic_since
from deployment.flavor import SwitchyardDeployer
from deployment.host import Deployment, Instance
from registry.asking import RegistryError
from registry.production import version_of
from registry.versions import CHAMPION
from switchyard.monitoring.experiment.counts import Counts
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.reading.credentials import first_line

_TIMEOUT_S = 5.0
_REFUSED, _MANY = 0.05, 10
"""Share, and number, of a version's requests that may be refused before it is worth a look."""
_FAILED = 0.01
"""Share of a version's requests that may be answered with 5xx, as stacks/prometheus/alerts.yml has it."""
_SLOW = 0.95
_JOURNAL_S = 1.0
"""Journals are carried over twice a second."""


def look_at_models(deployer: SwitchyardDeployer) -> Iterator[Check]:
    """Checks of each model that was ever deployed by `deployer` and not deleted."""
    services = deployer.find_model_server()
    for model in sorted({service.config.model for service in services}):
        deployment = deployer.host.inspect(model)
        champion, unknown = _champion(model)
        if deployment is None or not deployment.instances:
            yield Check(model, False, "nothing of it runs", _deploy(model, champion))
            continue
        for instance in deployment.instances:
            yield _instance(deployment, instance)
        yield Check(f"{model}, production", False, unknown, "mend MLflow first") if unknown else _production(deployment, champion)
        yield _front_door(deployment)
        yield _requests(deployer, deployment)
        yield _log(deployer, model)
        if watched := look_at_monitoring(deployer, model):
            yield watched


def _instance(deployment: Deployment, instance: Instance) -> Check:
    asked = instance.name in deployment.traffic.names
    share = f"{deployment.share(instance.name):.0%} of the requests" if instance.role == "live" else "copies of the requests"
    found = f"{instance.state}, {share if asked else 'no requests'}"
    if instance.restarts:
        found += f", restarted {count_of(instance.restarts, 'time')}"
    if instance.reason:
        found += f": {instance.reason}"
    fine = instance.state == "ready" or (instance.state == "stopped" and not asked)
    back = f"python run.py --pipeline deployment --name {deployment.model} --rollback"
    of = f"{deployment.model} --version {instance.version}"
    mend = f"python run.py logs {of}; {back} goes back to what served before it"
    if instance.state == "stopped":
        mend = f"python run.py start {of}"
    return Check(f"{deployment.model}, version {instance.version}", fine, found, mend)


def _champion(model: str) -> tuple[str | None, str]:
    """The champion's version; why nobody can say."""
    try:
        return version_of(model, CHAMPION), ""
    except RegistryError as error:
        return None, str(error)


def _production(deployment: Deployment, champion: str | None) -> Check:
    """The version that answers is the one that was promoted."""
    model, stable = deployment.model, deployment.stable
    serves = f"version {stable.version}" if stable else "nothing"
    fine = stable is not None and stable.version == champion
    found = f"version {champion}" if fine else f"the registry's champion is version {champion or 'none'}; {serves} serves"
    return Check(f"{model}, production", fine, found, _deploy(model, champion or (stable.version if stable else None)))


def _front_door(deployment: Deployment) -> Check:
    url, began = f"{deployment.url}/health", time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S, context=_any_name()) as answer:
            fine, said = answer.status == 200, f"answers in {1000 * (time.monotonic() - began):.0f} ms"
    except urllib.error.HTTPError as error:
        fine, said = False, f"answers {error.code}"
    except (OSError, http.client.HTTPException) as error:
        fine, said = False, f"does not answer this machine: {getattr(error, 'reason', error)}"
    stable = deployment.stable
    return Check(
        f"{deployment.model}, front door", fine, f"{deployment.url} {said}", _deploy(deployment.model, stable.version if stable else None)
    )


def _any_name() -> ssl.SSLContext:
    """It is asked whether this machine's own door answers; a certificate is made out to the name that clients use."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _requests(deployer: SwitchyardDeployer, deployment: Deployment) -> Check:
    """Whether the versions that answer take what clients send, and answer it, and how soon; what was refused is in no log."""
    what, model = f"{deployment.model}, requests", deployment.model
    asked = [one for one in deployment.instances if one.name in deployment.traffic.names and one.role == "live"]
    try:
        counted = {one.version: traffic_since(deployer.host, model, one.version, {}).counts for one in asked}
    except SwitchyardError as error:
        return Check(what, False, f"nobody can say how many were refused: {error}", "look at the front door above")
    told = [_told(version, counts) for version, counts in counted.items() if counts.requests]
    refuses = any(counts.refused >= _MANY and counts.refused > _REFUSED * counts.requests for counts in counted.values())
    failed = [version for version, counts in counted.items() if counts.errors > _FAILED * counts.requests]
    mend = "a client sends what the model does not take: its answers (400) name the columns, /seldon.json says what must come"
    if failed:
        mend = f"python run.py logs {model} --version {failed[0]} says why"
    return Check(what, not refuses and not failed, f"{'; '.join(told)}, since the front door started" if told else "none yet", mend)


def _told(version: str, counts: Counts) -> str:
    slow = counts.quantile(_SLOW)
    time = "" if slow is None else f", {_SLOW:.0%} of its predictions within {slow:.3g} ms"
    return f"version {version} refused {counts.refused:,} and failed at {counts.errors:,} of {counts.requests:,}{time}"


def _log(deployer: SwitchyardDeployer, model: str) -> Check:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from switchyard.predictionlog import connect

    what = f"{model}, prediction log"
    try:
        url = deployer.host.log_url(model)
        if not url:
            return Check(what, True, "none is kept", "")
        engine = connect(url)
        try:
            with engine.connect() as connection:
                connection.execute(text("select 1"))
            waiting = deployer.host.settle_log(model, engine, _JOURNAL_S)
        finally:
            engine.dispose()
    except (SQLAlchemyError, SwitchyardError) as error:
        reason: Any = getattr(error, "orig", None) or error
        return Check(
            what, False, f"does not answer: {first_line(reason)}", "start its database: services keep what they answered until it does"
        )
    if waiting is None:
        return Check(what, False, "answers; whether all answers are in it nobody can say", "look at the services above")
    if waiting:
        return Check(
            what, False, f"answers; {waiting:,} bytes of answers are not in it yet", "look again; if they grow, the services' logs say why"
        )
    return Check(what, True, "answers, and has every answer", "")


def _deploy(model: str, version: str | None) -> str:
    return f"python run.py --pipeline deployment --name {model}" + (f" --version {version}" if version else "")
