"""What `benchmarks.serving` compares with: FastAPI around the same scorer. Runs in an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fastapi

from switchyard.bundle import Scorer


def app() -> fastapi.FastAPI:
    """The application: no log, no ids, no metrics."""
    scorer, application = Scorer(Path(os.environ["BENCHMARK_FOLDER"]) / "bundle"), fastapi.FastAPI()

    async def predict(message: dict[str, Any]) -> dict[str, Any]:
        answer = scorer.score({name: [value] for name, value in message["rows"][0].items()})
        return {"label": answer.labels[0], "probabilities": answer.probabilities[0].tolist()}

    application.post("/predict")(predict)
    return application
