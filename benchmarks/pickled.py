"""What `benchmarks.serving` compares with: a pickled pipeline in the stock wrapper. Runs in an environment of its own."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = "BENCHMARK_FOLDER"
"""Variable that names the folder with the trained model's forms."""


class Pickled:
    """The component that one writes after reading Seldon's documentation. Runs in the stock wrapper."""

    def __init__(self) -> None:
        self.preprocessor, self.estimator, self.kinds = pickle.loads((Path(os.environ[FOLDER]) / "pipeline.pkl").read_bytes())

    def predict(self, X: Any, names: Any, meta: Any = None) -> Any:
        """Class probabilities of the rows `X`."""
        frame = pd.DataFrame(X, columns=names)
        for name, kind in self.kinds.items():
            if kind in ("numeric", "boolean"):
                frame[name] = frame[name].astype("float64")
            elif kind == "datetime":
                frame[name] = (pd.to_datetime(frame[name]) - pd.Timestamp(0)).dt.total_seconds()
            else:
                frame[name] = frame[name].fillna("__missing__").astype(str)
        return self.estimator.predict_proba(self.preprocessor.transform(frame[list(self.kinds)]))
