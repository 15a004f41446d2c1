"""Whether somebody looks at what a model answers: its last monitoring, beside the predictions that came since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.health.check import Check
from deployment.flavor import SwitchyardDeployer

_UNSEEN = timedelta(days=1)
"""How long predictions may wait for a look, as stacks/prometheus/alerts.yml has it."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_ROLES = ("live", "batch")


def look_at_monitoring(deployer: SwitchyardDeployer, model: str) -> Check | None:
    """The last window of `model`; None where no log is kept, or it does not answer, which is another check's to tell."""
    from sqlalchemy.exc import SQLAlchemyError

    from switchyard.monitoring.ledger import Ledger
    from switchyard.predictionlog import connect, count_versions, create_tables
    from switchyard.tabular.errors import SwitchyardError

    try:
        url = deployer.host.log_url(model)
        if not url:
            return None
        engine = connect(url)
        try:
            create_tables(engine)
            last = Ledger(engine).last(model)
            seen, waited = last.until if last else _BEGINNING, datetime.now(UTC) - _UNSEEN
            counts = [count_versions(engine, seen, waited, model, role).values() for role in _ROLES] if seen < waited else []
        finally:
            engine.dispose()
    except (SQLAlchemyError, SwitchyardError):
        return None
    unseen = sum(sum(rows) for rows in counts)
    found = f"last window until {last.until:%Y-%m-%d %H:%M} UTC: {last.action}" if last else "no window yet"
    if unseen:
        found += f"; {unseen:,} predictions since then have waited for more than a day"
    mend = f"python run.py --pipeline monitoring --name {model}, or with --schedule; python run.py status {model} names its schedules"
    return Check(f"{model}, monitoring", not unseen, found, mend)
