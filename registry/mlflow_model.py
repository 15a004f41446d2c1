"""The bundle as an MLflow model: MLflow runs this file when it loads one (models from code), so nothing is pickled."""

from __future__ import annotations

import warnings
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import set_model

from switchyard.bundle.opening import read_scorer


class BundleModel(mlflow.pyfunc.PythonModel):
    """Raw columns in; label and probabilities, prediction and interval, or lists of items, out."""

    def load_context(self, context: Any) -> None:
        """Open the bundle that was logged with the model."""
        self.scorer = read_scorer(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Score a DataFrame of the model's columns; those that training left out are left aside, unknown ones with a warning."""
        match = self.scorer.contract.match(list(model_input.columns))
        if match.unknown:
            warnings.warn(f"left out, since the model does not know them: {', '.join(map(repr, match.unknown))}", stacklevel=2)
        if match.absent:
            warnings.warn(f"taken as missing, since they did not come: {', '.join(map(repr, match.absent))}", stacklevel=2)
        answer = self.scorer.score({name: model_input[name].to_numpy() for name in model_input.columns})
        signature = self.scorer.signature
        if answer.recommendations is not None:
            return pd.DataFrame([one.fields() for one in answer.recommendations])
        if signature.classes:
            probabilities = {f"probability_{label}": answer.probabilities[:, code] for code, label in enumerate(signature.classes)}
            far = {} if answer.distance is None else {"distance": answer.distance, "unlike": answer.unlike}
            if signature.sets is None:
                return pd.DataFrame({"label": answer.labels, **probabilities, **far})
            sets = {f"set_{label}": answer.members[:, code] for code, label in enumerate(signature.classes)}
            decisions = signature.sets.decisions(answer.members)
            decided = {} if decisions is None else {"decision": decisions}
            return pd.DataFrame({"label": answer.labels, **probabilities, **sets, **decided, **far})
        columns = {"prediction": answer.prediction, "lower": answer.lower, "upper": answer.upper}
        if signature.quantiles is not None:
            columns |= {f"quantile_{name}": answer.quantiles[:, at] for at, name in enumerate(signature.quantiles.names)}
        return pd.DataFrame({name: values for name, values in columns.items() if values is not None})


set_model(BundleModel())
