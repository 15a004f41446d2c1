"""`Curve`: a chart of lines, points or bars as numbers, thinned to what an eye can see, so that it can be drawn again anywhere."""

from __future__ import annotations

from functools import lru_cache
from itertools import cycle
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Chart

POINTS = 200
"""Most points a line keeps."""
_COLORS = ("#2f5fb3", "#c0562c", "#1f8a4c", "#7a4fa3", "#b7791f", "#2a8c99", "#a03a6b", "#5a6478")
_DASHES = ("-", "--", "-.", ":")
"""One after the other, so that lines can be told apart in a grey print too."""


def bars_between(low: float, high: float, bars: int) -> tuple[float, float]:
    """The ends of a histogram of so many bars from `low` to `high`, set apart where floats lie too close there for so many edges."""
    least = 2 * bars * float(np.spacing(max(abs(low), abs(high))))
    return (low, high) if high - low > least else (low - least, high + least)


class Line(BaseModel):
    """One line, or cloud of points, of a chart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


class Mark(BaseModel):
    """A value on the x axis worth a line of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    x: float


class Curve(BaseModel):
    """A chart as numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    points: bool = False
    """Draw the lines as clouds of points."""
    diagonal: bool = False
    """Draw y = x as the line to compare with."""
    bars: bool = False
    """Draw the lines as histograms: of each but the last x, which ends the last bar, y is the height from there to the next."""
    marks: tuple[Mark, ...] = ()

    def draw(self) -> Chart:
        """The curve as a part of a report."""
        return _drawn(self)


# A run shows its pages twice, in the dashboard and in MLflow; the objects are read anew, the curves in them are equal.
@lru_cache(maxsize=64)
def _drawn(curve: Curve) -> Chart:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(4.3, 3.4))
    axes = figure.subplots()
    for number, (line, color) in enumerate(zip(curve.lines, cycle(_COLORS))):
        style: dict[str, Any] = {"color": color, "label": line.label, "linewidth": 1.4}
        dashes = _DASHES[number % len(_DASHES)]
        if curve.points:
            axes.plot(line.x, line.y, linestyle="none", marker=".", markersize=3, **style)
        elif curve.bars:
            axes.stairs(line.y[:-1], line.x, linestyle=dashes, **style)
        else:
            axes.plot(line.x, line.y, linestyle=dashes, marker="o" if len(line.x) <= 12 else None, markersize=3.5, **style)
    if curve.diagonal:
        ends = [min(min(line.x) for line in curve.lines), max(max(line.x) for line in curve.lines)]
        axes.plot(ends, ends, color="#9aa3b5", linewidth=0.8, linestyle="--")
    for mark in curve.marks:
        axes.axvline(mark.x, color="#1d2433", linewidth=1, linestyle=":", label=mark.label)
    axes.set(title=curve.title, xlabel=curve.x, ylabel=curve.y)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.spines[["top", "right"]].set_visible(False)
    if len(curve.lines) + len(curve.marks) > 1:
        axes.legend(frameon=False, fontsize=7)
    said = "".join(f"; {mark.label} at {mark.x:.4g}" for mark in curve.marks)
    return chart(figure, f"{curve.title}: {curve.y} by {curve.x}{said}")


def line_of(label: str, x: np.ndarray, y: np.ndarray) -> Line:
    """A line of at most `POINTS` points, spread evenly over their order."""
    if len(x) > POINTS:
        keep = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
        x, y = x[keep], y[keep]
    return Line(label=label, x=tuple(np.round(x, 6).tolist()), y=tuple(np.round(y, 6).tolist()))
