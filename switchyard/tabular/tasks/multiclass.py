"""Three classes or more."""

from __future__ import annotations

from switchyard.tabular.tasks.base import TaskKind

PARTS = (TaskKind("multiclass", True, "log_loss"),)
