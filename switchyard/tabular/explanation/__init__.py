"""Why the served model answers what it answers: SHAP and LIME on the raw columns, through the bundle itself."""

from switchyard.tabular.explanation.explain import explain, explain_function
from switchyard.tabular.explanation.explanation import Explanation

__all__ = ["Explanation", "explain", "explain_function"]
