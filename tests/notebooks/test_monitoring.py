"""The notebook of monitoring runs from top to bottom, and what it shows is what was planted."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "monitoring.ipynb"


def test_it_sees_the_column_that_was_changed_and_no_other_in_rows_like_those_of_training():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]

    same, drift, performance, decision = pages
    assert "Decision: nothing" in same
    assert "income" in drift and "Performance" in performance
    assert "Decision: nothing" not in decision
