"""The notebook runs from top to bottom and shows what the pipeline's steps would."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.profile import profile_table
from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import split_table

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "eda.ipynb"


@pytest.fixture(scope="module")
def pages() -> list[str]:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # Run beside the notebook, as Jupyter does.
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    shown = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    return [page for page in shown if page.startswith("<!doctype html>")]


def test_the_notebook_shows_the_pipelines_own_pages(pages):
    asked = problem_from(read_settings(ROOT / "configs" / "loans.yaml"), "test")
    table, problem, _ = resolve(read_source(asked.data, base=ROOT), asked)
    assert len(pages) == 3
    assert pages[0] == profile_table(table, problem).html()
    assert pages[1] == check_quality(split_table(table, problem), problem).html()
    assert "Validation of the holdout" in pages[2]
