"""Two classes, one of them positive."""

from __future__ import annotations

from switchyard.tabular.tasks.base import TaskKind

PARTS = (TaskKind("binary", True, "roc_auc"),)
