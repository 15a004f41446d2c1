"""The bundle: what training hands to serving, and the code that both use to score with it.

A bundle is a folder of three files: `model.onnx` (raw columns in, prediction out), `signature.json`
(what the columns and the answer mean) and `examples.json` (rows with the answers they must get).
This package needs numpy and onnxruntime and nothing else, so that the Seldon container can hold it.
"""

from switchyard.bundle.bundle import Bundle, ChangedBundle
from switchyard.bundle.contract import Contract, Match
from switchyard.bundle.digest import digest
from switchyard.bundle.encoding import BadInput
from switchyard.bundle.quantiles import Quantiles
from switchyard.bundle.reading import ColumnReading
from switchyard.bundle.scorer import Answer, Scorer
from switchyard.bundle.sets import Sets
from switchyard.bundle.signature import Column, Interval, Other, Signature

__all__ = [
    "Answer",
    "BadInput",
    "Bundle",
    "ChangedBundle",
    "Column",
    "ColumnReading",
    "Contract",
    "Interval",
    "Match",
    "Other",
    "Quantiles",
    "Scorer",
    "Sets",
    "Signature",
    "digest",
]
