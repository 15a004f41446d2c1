"""Tabular machine learning: a plain library, usable from a notebook, that never imports zenml."""

import os

# OpenMP threads that wait spin by default. With one more busy process than cores, two threads then took 13 times as
# long as one for the same boosting; asleep they take 1.5 times. libgomp reads this when it is loaded, so before any of it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
