"""How long the steps of a pipeline took the last time, by model: kept on this machine, to say how long they may take now."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from app.outcome import StepSummary
from switchyard.files import write_whole

logger = logging.getLogger(__name__)


def durations(pipeline: str, model: str, stack: str) -> dict[str, float]:
    """Step -> seconds of its last run that was not taken from the cache; empty where none is known."""
    try:
        found = json.loads(_path(pipeline, model, stack).read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def keep_durations(pipeline: str, model: str, stack: str, stages: Iterable[StepSummary]) -> None:
    """Remember the steps of `stages` that ran; those that were cached stay as they were."""
    path = _path(pipeline, model, stack)
    found = {**durations(pipeline, model, stack), **{stage.name: stage.duration_s for stage in stages if not stage.cached}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(found, indent=1) + "\n")
    except OSError as error:
        logger.warning("how long the steps took can't be kept: %s", error.strerror)


def in_words(seconds: float) -> str:
    """Seconds as a person says them: "about 40 s", "about 3 min"."""
    if seconds < 90:
        return f"about {max(1, round(seconds)):.0f} s"
    return f"about {seconds / 60:.0f} min"


def _path(pipeline: str, model: str, stack: str) -> Path:
    from zenml.config.global_config import GlobalConfiguration

    return Path(GlobalConfiguration().local_stores_path) / "switchyard" / "durations" / f"{stack}-{pipeline}-{model}.json"
