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
        Its texts are escaped by matplotlib; dollars in them are dollars.
    title : str
        What it shows, for where no picture can be.
    """
    import matplotlib
    from matplotlib.text import Text

    # Those that are there already; the setting below is for the labels that drawing makes.
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "switchyard", "svg.fonttype": "none", "font.size": 9, "text.parse_math": False}):
        figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    drawn = out.getvalue()
    return Chart(drawn[drawn.index("<svg") :], title)
