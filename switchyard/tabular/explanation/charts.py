"""The charts of an explanation: single columns and rows, from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from switchyard.tabular.explanation.shifting import Dependence
from switchyard.tabular.explanation.surrogate import Surrogate
from switchyard.tabular.report.figures import chart
from switchyard.tabular.report.report import Chart
from switchyard.tabular.report.words import shown

_UP, _DOWN, _GREY = "#c0362c", "#2f5fb3", "#9aa3b5"
_MOST_ROWS, _MOST_STEPS, _MOST_CATEGORIES = 200, 10, 8
_SHADES = LinearSegmentedColormap.from_list("low_to_high", [_DOWN, "#b58fc4", _UP])


def beeswarm(columns: Sequence[tuple[str, np.ndarray, np.ndarray | None]], answer: str) -> Chart:
    """A cloud of Shapley values for each column.

    Parameters
    ----------
    columns : sequence of (name, Shapley values of shape (n_rows,), the column's values or None for categories)
        What matters most first.
    answer : str
        The output that the values are of.
    """
    figure = Figure(figsize=(7.5, 1 + 0.34 * len(columns)))
    axes = figure.subplots()
    for line, (_, values, coded) in enumerate(reversed(columns)):
        values = values[:_MOST_ROWS]
        # Few distinct colours: each is one path of the SVG, whatever the number of points.
        shade = _shade(coded[:_MOST_ROWS]) if coded is not None else np.full(len(values), -1)
        height = line + _spread(values)
        for level in np.unique(shade):
            at = shade == level
            axes.plot(values[at], height[at], ".", markersize=4, color=_GREY if level < 0 else _SHADES(level / 4))
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_yticks(range(len(columns)), [_short(name) for name, _, _ in reversed(columns)])
    axes.set_xlabel(f"SHAP value for {_short(answer)} (blue: low value, red: high, grey: category or missing)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    return chart(figure, f"SHAP values for {answer}, one line a column, one dot a row")


def effect(name: str, values: np.ndarray, coded: np.ndarray) -> Chart:
    """Shapley values of shape (n_rows,) against a numeric column's own values."""
    figure, axes = _small()
    axes.plot(coded[:_MOST_ROWS], values[:_MOST_ROWS], ".", markersize=4, color=_DOWN)
    axes.axhline(0, color=_GREY, linewidth=0.6)
    axes.set(xlabel=_short(name), ylabel="SHAP value")
    return _titled(figure, axes, name)


def effect_of_categories(name: str, values: np.ndarray, texts: np.ndarray) -> Chart:
    """Mean Shapley value of the most frequent categories in `texts`."""
    figure, axes = _small()
    names, counts = np.unique(texts.astype(str), return_counts=True)
    names = names[np.argsort(-counts, kind="stable")[:_MOST_CATEGORIES]][::-1]
    axes.barh([_short(text) for text in names], [values[texts == text].mean() for text in names], color=_DOWN)
    axes.axvline(0, color=_GREY, linewidth=0.6)
    axes.set_xlabel("mean SHAP value")
    return _titled(figure, axes, name)


# A run shows its pages twice, in the dashboard and in MLflow; the objects are read anew, what is in them is equal.
@lru_cache(maxsize=16)
def dependence(part: Dependence, outputs: tuple[str, ...], answer: str) -> Chart:
    """Partial dependence of each output, and of one output the single rows behind it; `answer` says what an output is."""
    figure, axes = _small()
    numbers = part.values is not None
    at = np.array(part.values) if numbers else np.arange(len(part.labels))
    for row in part.rows:
        # Between categories there is nothing.
        axes.plot(at, row, *([] if numbers else ["."]), color=_GREY, linewidth=0.4, markersize=3, alpha=0.6)
    for mean, name, dashes in zip(part.means, outputs, ("-", "--", ":")):
        axes.plot(at, mean, dashes if numbers else "o", color=_DOWN, linewidth=1.8, markersize=4, label=_short(name))
    axes.set(xlabel=_short(part.column), ylabel=f"{answer} {_short(outputs[0]) if len(outputs) == 1 else 'each class'}")
    if len(outputs) > 1:
        axes.legend(frameon=False, fontsize=7)
    if numbers and part.labels[0].count("-") < 2:
        ticks = 4
    else:
        places, ticks = (np.unique([0, len(at) // 2, len(at) - 1]) if numbers else np.arange(len(at))), 0
        axes.set_xticks(at[places], [_short(part.labels[place], 14) for place in places], rotation=30, ha="right")
    return _titled(figure, axes, part.column, f"Partial dependence of the {answer} {', '.join(outputs)} on {part.column}", ticks)


def waterfall(columns: Sequence[str], texts: Sequence[str], values: np.ndarray, base: float) -> Chart:
    """The steps from the mean answer to one row's.

    Parameters
    ----------
    columns, texts : sequences of str
        Names and the row's values.
    values : ndarray of shape (n_columns,)
        The row's Shapley values.
    base : float
        The mean answer.
    """
    order = np.argsort(-np.abs(values), kind="stable")
    order, rest = order[:_MOST_STEPS], order[_MOST_STEPS:]
    steps = [values[k] for k in order]
    labels = [f"{_short(columns[k])} = {_short(texts[k])}" for k in order]
    if len(rest):
        steps, labels = [*steps, values[rest].sum()], [*labels, f"{len(rest)} other columns"]
    # From the mean at the bottom to the answer at the top, the largest step last.
    steps, labels = steps[::-1], labels[::-1]
    ends = base + np.cumsum(steps)
    figure = Figure(figsize=(5.6, 0.9 + 0.3 * len(steps)))
    axes = figure.subplots()
    axes.barh(range(len(steps)), steps, left=ends - steps, color=[_UP if step > 0 else _DOWN for step in steps], height=0.65)
    axes.set_yticks(range(len(steps)), labels)
    axes.axvline(base, color=_GREY, linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"from the mean {shown(float(base))} to the answer {shown(float(ends[-1]))}")
    return _titled(figure, axes, "SHAP", "SHAP: the columns' steps from the mean to the answer", 5)


def weights(surrogate: Surrogate) -> Chart:
    """The weights of a local linear model."""
    texts, sizes = zip(*surrogate.weights[::-1]) if surrogate.weights else ((), ())
    figure = Figure(figsize=(4.6, 0.9 + 0.3 * len(texts)))
    axes = figure.subplots()
    axes.barh(range(len(texts)), sizes, color=[_UP if size > 0 else _DOWN for size in sizes], height=0.65)
    axes.set_yticks(range(len(texts)), [_short(text, 40) for text in texts])
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_xlabel(f"weight; R2 of the local fit {surrogate.fit:.2f}")
    return _titled(figure, axes, "LIME", "LIME: the weights of a linear model around the row", 5)


def _small() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(3.6, 2.7))
    return figure, figure.subplots()


def _titled(figure: Figure, axes: Axes, title: str, described: str = "", ticks: int = 4) -> Chart:
    axes.set_title(_short(title))
    if ticks:
        axes.xaxis.set_major_locator(MaxNLocator(ticks))
    axes.spines[["top", "right"]].set_visible(False)
    return chart(figure, described or f"SHAP values by {title}")


def _shade(values: np.ndarray) -> np.ndarray:
    # 0 to 4 by rank, -1 where missing; equal values share a shade.
    known = ~np.isnan(values)
    shade = np.full(len(values), -1)
    if known.any():
        ordered = np.sort(values[known])
        shade[known] = np.minimum(
            4, 5 * (np.searchsorted(ordered, values[known]) + np.searchsorted(ordered, values[known], "right")) // (2 * len(ordered))
        )
    return shade


def _spread(values: np.ndarray) -> np.ndarray:
    # Points that would cover each other move apart, alternately up and down.
    width = np.ptp(values) or 1.0
    bins = np.round(60 * (values - values.min()) / width).astype(int)
    offset = np.zeros(len(values))
    for found in np.unique(bins):
        at = np.flatnonzero(bins == found)
        place = (np.arange(len(at)) + 1) // 2 * np.where(np.arange(len(at)) % 2, 1, -1)
        offset[at] = place * min(0.06, 0.8 / max(1, len(at)))
    return offset


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
