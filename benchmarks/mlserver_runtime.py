"""What `benchmarks.serving` compares with: MLServer around the same scorer, by its own custom runtime. Runs in its environment."""

from __future__ import annotations

import os
from pathlib import Path

from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput

from switchyard.bundle import Scorer


class Loans(MLModel):
    """Columns in as inputs of the V2 protocol, probabilities out; no log and no ids."""

    async def load(self) -> bool:
        self.scorer = Scorer(Path(os.environ["BENCHMARK_FOLDER"]) / "bundle")
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        answer = self.scorer.score({part.name: list(part.data) for part in payload.inputs})
        values = answer.probabilities.reshape(-1).tolist()
        output = ResponseOutput(name="probabilities", shape=list(answer.probabilities.shape), datatype="FP64", data=values)
        return InferenceResponse(model_name=self.name, outputs=[output])
