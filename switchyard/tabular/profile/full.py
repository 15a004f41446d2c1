"""The long report: the whole page by fg-data-profiling, for reports/<name>/data_profile.html."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from switchyard.tabular.report.foreign import harmless, harmless_frame
from switchyard.tabular.report.words import clipped

FULL_CELLS = 40_000
FULL_NUMBERS = 5
"""Tables of more cells or numeric columns get the page's minimal mode: no correlations and repeated rows, which the profile
beside it has, and no interactions: a picture for each pair of numbers cost fifteen seconds and five megabytes at twenty columns."""
MOST_ROWS, MOST_COLUMNS = 10_000, 30
"""Of what the page describes; the profile beside it counts every row and column."""
_LONGEST = 200
"""Of a text: the page shows whole values, many times over."""
_TYPES = {"f": "numeric", "O": "categorical", "M": "datetime"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def full_profile(frame: pd.DataFrame, title: str = "Data profile", columns: Sequence[str] | None = None) -> str:
    """The whole page of fg-data-profiling about a table.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        In canonical types; more than `FULL_CELLS` cells or `FULL_NUMBERS` numbers are described in minimal
        mode, and of more rows or columns than `MOST_ROWS` and `MOST_COLUMNS` a sample, which the page says.
    title : str
        Heading of the page.
    columns : sequence of str, optional
        Those that the page is about; the first ones when absent.

    Returns
    -------
    str
        One self-contained HTML page, the same for the same frame, in which no name or value is markup; it needs scripts, so it
        is for a browser and not for the dashboard.
    """
    described = _sample(frame, columns)
    numbers = sum(described[name].dtype.kind == "f" for name in described.columns)
    minimal = described.size > FULL_CELLS or numbers > FULL_NUMBERS
    with _quiet():
        from data_profiling import ProfileReport

        report = ProfileReport(
            described,
            title=harmless(title),
            dataset={"description": _words(described, frame)},
            minimal=minimal,
            progress_bar=False,
            # One thread: the order of the work, and so of the page, does not depend on the machine.
            pool_size=1,
            html={"inline": True, "navbar_show": True},
            # Left to itself it takes categories for prose, and spends half its time on word clouds and letters.
            type_schema={name: _TYPES[described[name].dtype.kind] for name in described.columns},
            vars={"cat": {"length": False, "characters": False, "words": False}},
        )
        # The date of the analysis would make every page differ; the artifact beside it knows when it was made.
        analysis = report.description_set.analysis
        analysis.date_start = analysis.date_end = _EPOCH
        return report.to_html()


def _sample(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """At most `MOST_ROWS` rows in their order, drawn with a fixed seed, of at most `MOST_COLUMNS` columns."""
    chosen = frame[list(frame.columns if columns is None else columns)[:MOST_COLUMNS]]
    if len(chosen) > MOST_ROWS:
        chosen = chosen.iloc[np.sort(np.random.default_rng(0).choice(len(chosen), MOST_ROWS, replace=False))]
    words = [name for name in chosen.columns if chosen[name].dtype.kind == "O"]
    chosen = chosen.assign(**{name: chosen[name].map(lambda value: clipped(str(value), _LONGEST), na_action="ignore") for name in words})
    return harmless_frame(chosen.reset_index(drop=True))


def _words(described: pd.DataFrame, whole: pd.DataFrame) -> str:
    """What the page is about, where that is not the whole table."""
    said = []
    if len(described) < len(whole):
        said.append(f"{len(described):,} of {len(whole):,} rows, drawn with a fixed seed")
    if described.shape[1] < whole.shape[1]:
        said.append(f"{described.shape[1]} of {whole.shape[1]:,} columns, those that go most closely with the target")
    return f"This page is about {' and '.join(said)}; profile.html has the figures of all." if said else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No calls home, no progress bars (some ignore `progress_bar`), no logs and warnings about the library's own code."""
    import matplotlib

    logging.getLogger("data_profiling").setLevel(logging.WARNING)
    settings = {"SOURCE_DATE_EPOCH": "0"}
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
