"""`RULES`: what each rule means to somebody who knows no statistics, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "docs/monitoring.md#at-night-when-it-alerts"


@dataclass(frozen=True)
class Words:
    """One rule for people; `todo` may name the model as {model}."""

    happened: str
    measures: str
    """What its value is, beside its limit."""
    todo: str
    shown: str = "{:.3g}"
    """How value and limit are written."""


_NEWER = "train on newer rows: python run.py --pipeline retraining --name {model}"

RULES: dict[str, Words] = {
    "performance_floor": Words(
        "the answers are worse than they may be",
        "is the model's score",
        "if a version was deployed just before, go back: python run.py --pipeline deployment --name {model} --rollback; else " + _NEWER,
    ),
    "performance_drop": Words(
        "the answers are worse than they were when the model was made",
        "lost of the score",
        "if a version was deployed just before, go back: python run.py --pipeline deployment --name {model} --rollback; else " + _NEWER,
        "{:.1%}",
    ),
    "drift_share": Words(
        "what comes in is not what the model was trained on",
        "of what the model goes by has changed",
        "look at which columns, and ask whether the world changed or the feed",
        "{:.1%}",
    ),
    "repeated_drift": Words(
        "what comes in has not been what the model was trained on for several windows",
        "windows that had changed",
        _NEWER,
        "{:.0f}",
    ),
    "data_quality": Words(
        "values come in that are wrong, missing or unknown",
        "columns are not as in training",
        "mend the source of the columns named above; training on such values makes it worse",
        "{:.0f}",
    ),
    "unlike_rows": Words(
        "rows come in that are like none of the groups",
        "of the rows are unlike all groups",
        "look at them in the prediction log: has a new kind come, train again; has a feed broken, mend it",
        "{:.1%}",
    ),
    "refused_requests": Words(
        "clients send requests that are refused",
        "of the requests were refused",
        "ask who sends them, and compare with the columns and kinds that the endpoint lists under /openapi.json",
        "{:.1%}",
    ),
}


def sentence(name: str, value: float | None, limit: float | None) -> str:
    """What happened by the rule `name`, with its value and limit; a rule without words is told by its name."""
    words = RULES.get(name, Words(f"the rule {name} was crossed", "its value", "see the page"))
    told = words.happened[:1].upper() + words.happened[1:]
    if value is None:
        return f"{told}."
    allowed = "" if limit is None else f"; the limit is {words.shown.format(limit)}"
    return f"{told}: {words.shown.format(value)} {words.measures}{allowed} (rule {name})."
