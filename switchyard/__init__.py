"""Switchyard, the library: tabular machine learning, its bundle format, serving and monitoring, without ZenML and MLflow."""

import os
from importlib import import_module
from typing import Any

__version__ = "0.1.0"
"""Of the library, the images and run.py; CHANGELOG.md says what is in it."""

NO_CALLS_HOME = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "YDATA_PROFILING_NO_ANALYTICS": "true",
    "ZENML_ANALYTICS_OPT_IN": "false",
}
"""Environment by which the libraries beneath send nothing to their makers: not who uses them, nor, as ONNX Runtime from 1.29 on, the
names and hashes of models. Whoever sets one of these otherwise is asked first."""
for _name, _value in NO_CALLS_HOME.items():
    os.environ.setdefault(_name, _value)

# Loaded when asked for: every module of the package imports this one, also where there is no pandas (serving), and what a step
# depends on is read from imports (steps/caching.py). Hence no import of these and no whole module name.
_OFFERED = {
    "Client": "client",
    "Clustered": "tabular.clustering.fitting",
    "Fitted": "tabular.fitting",
    "Monitor": "monitoring.by_hand",
    "SwitchyardClassifier": "tabular.estimators",
    "SwitchyardRegressor": "tabular.estimators",
    "cluster": "tabular.clustering.fitting",
    "fit": "tabular.fitting",
    "recommend": "tabular.recommendation.fitting",
}

__all__ = ["Client", "Clustered", "Fitted", "Monitor", "SwitchyardClassifier", "SwitchyardRegressor", "cluster", "fit", "recommend"]


def __getattr__(name: str) -> Any:
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_OFFERED[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_OFFERED})
