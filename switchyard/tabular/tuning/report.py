"""How a `Study` looks in the dashboard."""

from __future__ import annotations

import json
from html import escape

import numpy as np

from switchyard.tabular.report import html
from switchyard.tabular.tasks import METRICS
from switchyard.tabular.tuning.study import Study, ranked

_SHOWN = 50
_LEVELS = {"complete": "good", "pruned": "note", "failed": "bad"}


def study_page(study: Study) -> str:
    """Scores over time and a table of trials as one static page."""
    best = study.best
    lead = f"{len(study.trials)} trials, {sum(trial.state == 'pruned' for trial in study.trials)} pruned"
    if study.timed:
        lead += f", {study.seconds:.1f} s"
    lead += f"; best {study.metric} {best.trial.score:.5f} ± {best.trial.std:.5f}" if best else "; no trial was completed"
    sections = []
    if study.reason:
        sections.append(("Why it ended", f"<p>{escape(study.reason)}</p>"))
    if best:
        sections.append(("Score over time", _curve(study)))
        settings = {**best.trial.choices, **best.trial.params}
        lines = [[key, json.dumps(value)] for key, value in settings.items()]
        sections.append(("Best parameters", html.table(["parameter", "value"], lines)))
    if study.trials:
        sections.append(("Trials, best first", _trials(study)))
    return html.page(f"Tuning {study.family}", sections, lead)


def _curve(study: Study) -> str:
    from matplotlib.figure import Figure

    shown = [trial for trial in study.trials if trial.state == "complete"]
    at = np.cumsum([trial.seconds for trial in study.trials]) if study.timed else np.arange(len(study.trials))
    x = np.array([at[trial.number] for trial in shown])
    y = np.array([trial.score for trial in shown])
    best = np.maximum.accumulate(y) if METRICS[study.metric].greater_is_better else np.minimum.accumulate(y)
    figure = Figure(figsize=(7, 2.8))
    axes = figure.add_subplot()
    axes.errorbar(x, y, yerr=[trial.std / max(len(trial.fold_scores), 1) ** 0.5 for trial in shown], fmt="o", ms=4, lw=1, color="#8a94a8")
    axes.step(x, best, where="post", color="#2457c5", label="best so far")
    axes.set_xlabel("seconds of trials" if study.timed else "trial")
    axes.set_ylabel(f"cross-validated {study.metric}")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return html.figure(figure)


def _trials(study: Study) -> str:
    complete = ranked(study.trials, study.metric)
    rest = [trial for trial in study.trials if trial.state != "complete"]
    rows = []
    for trial in (complete + rest)[:_SHOWN]:
        iterations = [value for value in trial.best_iterations if value is not None]
        rows.append(
            [
                trial.number,
                html.badge(trial.state, _LEVELS[trial.state]),
                trial.score,
                trial.std,
                len(trial.fold_scores),
                round(float(np.mean(iterations))) if iterations else "",
                round(trial.seconds, 1) if study.timed else "",
                json.dumps({**trial.choices, **trial.params}),
                trial.reason or ("ended by the clock" if trial.truncated else ""),
            ]
        )
    more = len(study.trials) - len(rows)
    after = f"<p>and {more} more in study.json</p>" if more > 0 else ""
    return html.table(["trial", "state", study.metric, "std", "folds", "iterations", "seconds", "parameters", "note"], rows) + after
