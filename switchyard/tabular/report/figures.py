"""`chart`: a matplotlib figure as a part of a report."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from switchyard.tabular.report.report import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def chart(figure: Figure, title: str) -> Chart:
    """Inline SVG, the same bytes for the same figure.

    Make figures with `matplotlib.figure.Figure(figsize=...)`, never pyplot: nothing global, nothing to close.

    Parameters
    ----------
    figure : Figure
        Its texts are escaped by matplotlib.
    title : str
        What it shows, for where no picture can be.
    """
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "switchyard", "svg.fonttype": "none", "font.size": 9}):
        figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = out.getvalue()
    return Chart(text[text.index("<svg") :], title)
