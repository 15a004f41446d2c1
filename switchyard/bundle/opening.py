"""`scorer_of`: the scorer of a bundle, of the class that its task has."""

from __future__ import annotations

from pathlib import Path

from switchyard.bundle.recommending import RequestScorer
from switchyard.bundle.scorer import Scorer
from switchyard.bundle.signature import RECOMMENDATION, Signature


def scorer_of(model: bytes, signature: Signature, threads: int = 1) -> Scorer:
    """A scorer from the content of model.onnx."""
    kind = RequestScorer if signature.task == RECOMMENDATION else Scorer
    return kind.of(model, signature, threads)


def read_scorer(folder: str | Path, threads: int = 1) -> Scorer:
    """The scorer of the bundle in `folder`."""
    return scorer_of((Path(folder) / "model.onnx").read_bytes(), Signature.read(folder), threads)
