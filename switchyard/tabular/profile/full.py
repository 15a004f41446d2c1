"""The long report: the whole page by fg-data-profiling, for reports/<name>/data_profile.html."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd

FULL_CELLS = 40_000
"""Tables of more cells get the page's minimal mode: no correlations, interactions and repeated rows."""
_TYPES = {"f": "numeric", "O": "categorical", "M": "datetime"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def full_profile(frame: pd.DataFrame, title: str = "Data profile") -> str:
    """The whole page of fg-data-profiling about a table.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        In canonical types; more than `FULL_CELLS` cells are described in minimal mode.
    title : str
        Heading of the page.

    Returns
    -------
    str
        One self-contained HTML page, the same for the same frame; it needs scripts, so it is for a browser and not for the dashboard.
    """
    minimal = frame.size > FULL_CELLS
    with _quiet():
        from data_profiling import ProfileReport

        report = ProfileReport(
            frame.reset_index(drop=True),
            title=title,
            minimal=minimal,
            progress_bar=False,
            # One thread: the order of the work, and so of the page, does not depend on the machine.
            pool_size=1,
            html={"inline": True, "navbar_show": True},
            # Left to itself it takes categories for prose, and spends half its time on word clouds and letters.
            type_schema={name: _TYPES[frame[name].dtype.kind] for name in frame.columns},
            vars={"cat": {"length": False, "characters": False, "words": False}},
        )
        # The date of the analysis would make every page differ; the artifact beside it knows when it was made.
        analysis = report.description_set.analysis
        analysis.date_start = analysis.date_end = _EPOCH
        return report.to_html()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No calls home, no progress bars (some ignore `progress_bar`), no logs and warnings about the library's own code."""
    import matplotlib

    logging.getLogger("data_profiling").setLevel(logging.WARNING)
    settings = {"YDATA_PROFILING_NO_ANALYTICS": "true", "SOURCE_DATE_EPOCH": "0"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
            matplotlib.rc_context({"svg.hashsalt": "switchyard"}),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
