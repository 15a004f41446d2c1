"""An amount."""

from __future__ import annotations

from switchyard.tabular.tasks.base import TaskKind

PARTS = (TaskKind("regression", False, "rmse"),)
