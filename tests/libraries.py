"""Loads, where it is imported, the libraries beneath the project as `app.main` would, and forgets the project's own modules again.

Only the process that `tests.forked` forks from imports this.
"""

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
for _name in (
    "app.main",
    *("zenml.client", "zenml.pipelines", "zenml.steps", "zenml.cli.cli", "zenml.zen_stores.sql_zen_store"),
    *("zenml.zen_stores.secrets_stores.sql_secrets_store", "mlflow", "mlflow.store.tracking.sqlalchemy_store", "git"),
    *("pandas", "pyarrow.parquet", "sklearn", "scipy.stats", "statsmodels.api", "matplotlib.pyplot"),
    *("lightgbm", "xgboost", "torch", "optuna", "evidently", "great_expectations", "shap", "onnx", "onnxruntime"),
    *("data_profiling", "skops.io"),
):
    import_module(_name)
for _name, _module in list(sys.modules.items()):
    _place = Path(getattr(_module, "__file__", None) or "/")
    if _place.is_relative_to(ROOT) and "site-packages" not in _place.parts and not _name.startswith("tests"):
        del sys.modules[_name]
