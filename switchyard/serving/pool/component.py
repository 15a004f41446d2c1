"""`Pool`: the Seldon component that serves many models. `seldon-core-microservice switchyard.serving.pool.component.Pool` runs it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from switchyard.permissions import keep_private
from switchyard.serving import wrapper, writer
from switchyard.serving.metrics import plain
from switchyard.serving.pool.application import PoolEndpoint
from switchyard.serving.pool.residents import EVICTIONS, LOADS, REFUSALS, Residents
from switchyard.serving.settings import PoolSettings

_FAMILIES = {
    LOADS: ("pool_loads_total", "Models loaded, by any process of the pool."),
    EVICTIONS: ("pool_evictions_total", "Models that left for others."),
    REFUSALS: ("pool_refusals_total", "Times that a model was found not fit to serve."),
}


class Pool:
    """Serves the members of one folder.

    Raises
    ------
    SystemExit
        The settings are not fit; the message says why.
    """

    def __init__(self, **parameters: Any) -> None:
        keep_private()
        try:
            settings = PoolSettings.read(os.environ, parameters)
            residents = Residents(settings)
        except (OSError, ValueError) as error:
            raise SystemExit(f"refusing to serve: {error}") from error
        # The wrapper lets warnings through, and nothing below.
        logging.getLogger("switchyard").setLevel(logging.INFO)
        wrapper.prepare(settings, lambda: text(residents))
        self.model_error_handler = wrapper.before_the_stock(lambda _stock: PoolEndpoint(residents))
        if settings.log_url:
            self.custom_service = lambda: writer.run(settings, lambda: _retention(residents), residents.shared.drain)


def text(residents: Residents) -> str:
    """The pool's own metrics in Prometheus' text format; each model has its own at its door."""
    sums = residents.counts.sums()
    lines = [line for index, (name, what) in _FAMILIES.items() for line in plain(name, "counter", what, sums[index])]
    return "\n".join([*lines, *residents.shared.drain.lines(), ""])


def _retention(residents: Residents) -> Mapping[str, float]:
    """Days by model, of those that have a limit; of two versions with different ones the shorter holds, as where each prunes."""
    found: dict[str, float] = {}
    for member in residents.members.all():
        try:
            settings = residents.members.read(member)
        except (OSError, ValueError):
            continue
        if settings.retention_days:
            found[settings.name] = min(settings.retention_days, found.get(settings.name, settings.retention_days))
    return found
