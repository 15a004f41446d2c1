"""The notebook of the library's own training runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "model.ipynb"


def test_it_shows_leaderboard_evaluation_and_explanation_and_ends_with_the_bundle():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    pages = [page for page in shown if page.startswith("<!doctype html>")]

    assert [title in page for title, page in zip(("Leaderboard", "Evaluation", "Explanation"), pages, strict=True)] == [True] * 3
    assert "sha256:" in outputs[-1].data["text/plain"]
