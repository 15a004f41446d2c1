"""The explanation as a static page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from switchyard.tabular.evaluation.resampling import shown
from switchyard.tabular.explanation.surrogate import Surrogate
from switchyard.tabular.report import html

if TYPE_CHECKING:
    from switchyard.tabular.explanation.explanation import ChosenRow, Explanation

_UP, _DOWN, _GREY = "#c0362c", "#2f5fb3", "#9aa3b5"
_MOST_COLUMNS, _MOST_ROWS, _MOST_CLASSES, _MOST_CLASS_COLUMNS, _MOST_STEPS = 15, 200, 3, 8, 10
_SHADES = LinearSegmentedColormap.from_list("low_to_high", [_DOWN, "#b58fc4", _UP])


def explanation_page(explanation: Explanation) -> str:
    """The whole page."""
    summary = explanation.summary
    lead = (
        f"SHAP values of {len(explanation.values)} holdout rows against {summary.background_rows} training rows, in the columns the bundle "
        f"takes; they add up to {summary.explained} less its mean. Importances from two halves of the background agree with a rank "
        f"correlation of {summary.agreement:.3f}. Columns that carry the same information share their weight."
    )
    outputs = np.argsort(-explanation.outputs.mean(axis=0), kind="stable")[:_MOST_CLASSES]
    sections = [("Importance", _importance_table(explanation))]
    if summary.class_importance:
        sections.append(("Importance by class", _class_table(explanation)))
    sections.append(("SHAP summary", html.row(_beeswarm(explanation, int(output)) for output in outputs)))
    sections.append(("Value and effect", html.row(_effects(explanation))))
    sections += [
        (f"Row {explanation.holdout_positions[row.position]} of the holdout: {row.why}", _row(explanation, row)) for row in summary.chosen
    ]
    return html.page("Explanation", sections, lead)


def _importance_table(explanation: Explanation) -> str:
    level = f"{explanation.summary.confidence:.0%} interval"
    rows = [
        (
            part.rank,
            part.column,
            shown(part.mean_abs),
            f"{shown(part.low)} to {shown(part.high)}",
            f"{part.rank_low} to {part.rank_high}",
            part.direction,
        )
        for part in explanation.summary.importance
    ]
    return html.table(("rank", "column", "mean |SHAP|", level, "rank in that interval", "the answer"), rows)


def _class_table(explanation: Explanation) -> str:
    classes = explanation.summary.class_importance
    # The most frequent answers first, as far as a page is wide.
    order = np.argsort(-explanation.outputs.mean(axis=0), kind="stable")[:_MOST_CLASS_COLUMNS]
    by_class = {label: classes[label] for label in (explanation.summary.outputs[k] for k in order)}
    names = [part.column for part in explanation.summary.importance[:_MOST_COLUMNS]]
    return html.table(("column", *by_class), [(name, *(by_class[label][name] for label in by_class)) for name in names])


def _beeswarm(explanation: Explanation, output: int) -> str:
    names = [part.column for part in explanation.summary.importance[:_MOST_COLUMNS]][::-1]
    figure = Figure(figsize=(7.5, 1 + 0.34 * len(names)))
    axes = figure.subplots()
    numeric = _numeric_columns(explanation)
    for line, name in enumerate(names):
        column = explanation.columns.index(name)
        values = explanation.values[:_MOST_ROWS, column, output]
        # Few distinct colours: each is one path of the SVG, whatever the number of points.
        shade = _shade(explanation.coded[name].to_numpy()[:_MOST_ROWS]) if name in numeric else np.full(len(values), -1)
        height = line + _spread(values)
        for level in np.unique(shade):
            at = shade == level
            axes.plot(values[at], height[at], ".", markersize=4, color=_GREY if level < 0 else _SHADES(level / 4))
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_xlabel(f"SHAP value for {_short(explanation.summary.outputs[output])} (blue: low value, red: high, grey: category or missing)")
    axes.spines[["top", "right", "left"]].set_visible(False)
    return html.figure(figure)


def _numeric_columns(explanation: Explanation) -> frozenset[str]:
    return frozenset(name for name, category in zip(explanation.columns, explanation.summary.categorical) if not category)


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


def _effects(explanation: Explanation) -> list[str]:
    if len(explanation.summary.outputs) > 1:
        return []
    numeric, drawn = _numeric_columns(explanation), []
    for part in explanation.summary.importance[:4]:
        column = explanation.columns.index(part.column)
        values, coded = explanation.values[:, column, 0], explanation.coded[part.column].to_numpy()
        figure = Figure(figsize=(3.6, 2.7))
        axes = figure.subplots()
        if part.column in numeric:
            axes.plot(coded[:_MOST_ROWS], values[:_MOST_ROWS], ".", markersize=4, color=_DOWN)
        else:
            texts = np.array([row[column] for row in explanation.summary.shown], dtype=object)
            names, counts = np.unique(texts.astype(str), return_counts=True)
            names = names[np.argsort(-counts, kind="stable")[:8]][::-1]
            axes.barh([_short(name) for name in names], [values[texts == name].mean() for name in names], color=_DOWN)
        axes.axhline(0, color=_GREY, linewidth=0.6) if part.column in numeric else axes.axvline(0, color=_GREY, linewidth=0.6)
        axes.set_title(_short(part.column))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.spines[["top", "right"]].set_visible(False)
        drawn.append(html.figure(figure))
    return drawn


def _row(explanation: Explanation, row: ChosenRow) -> str:
    parts = [_waterfall(explanation, row)]
    if row.surrogate is not None:
        parts.append(_surrogate(row.surrogate))
    answer = explanation.outputs[row.position, row.output]
    named = explanation.summary.outputs[row.output]
    return f"<p>{html.escape(named)}: answered {shown(answer)}; true: {html.escape(row.truth)}.</p>" + html.row(parts)


def _waterfall(explanation: Explanation, row: ChosenRow) -> str:
    values = explanation.values[row.position, :, row.output]
    order = np.argsort(-np.abs(values), kind="stable")
    order, rest = order[:_MOST_STEPS], order[_MOST_STEPS:]
    steps = [values[k] for k in order]
    labels = [f"{_short(explanation.columns[k])} = {_short(explanation.summary.shown[row.position][k])}" for k in order]
    if len(rest):
        steps, labels = [*steps, values[rest].sum()], [*labels, f"{len(rest)} other columns"]
    base = explanation.summary.base[row.output]
    # From the mean at the bottom to the answer at the top, the largest step last.
    steps, labels = steps[::-1], labels[::-1]
    ends = base + np.cumsum(steps)
    figure = Figure(figsize=(5.6, 0.9 + 0.3 * len(steps)))
    axes = figure.subplots()
    axes.barh(range(len(steps)), steps, left=ends - steps, color=[_UP if step > 0 else _DOWN for step in steps], height=0.65)
    axes.set_yticks(range(len(steps)), labels)
    axes.axvline(base, color=_GREY, linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"from the mean {shown(base)} to the answer {shown(ends[-1])}")
    axes.set_title("SHAP")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.spines[["top", "right"]].set_visible(False)
    return html.figure(figure)


def _surrogate(surrogate: Surrogate) -> str:
    texts, weights = zip(*surrogate.weights[::-1]) if surrogate.weights else ((), ())
    figure = Figure(figsize=(4.6, 0.9 + 0.3 * len(texts)))
    axes = figure.subplots()
    axes.barh(range(len(texts)), weights, color=[_UP if weight > 0 else _DOWN for weight in weights], height=0.65)
    axes.set_yticks(range(len(texts)), [_short(text, 40) for text in texts])
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.set_xlabel(f"weight; R2 of the local fit {surrogate.fit:.2f}")
    axes.set_title("LIME")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.spines[["top", "right"]].set_visible(False)
    return html.figure(figure)


def _short(text: str, most: int = 28) -> str:
    # A bare dollar would start a formula in matplotlib.
    return (text if len(text) <= most else text[: most - 3] + "...").replace("$", r"\$")
