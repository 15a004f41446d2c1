"""`RULES`: what each rule means to somebody who knows no statistics, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from switchyard.monitoring.decision import RuleResult

GUIDE = "docs/monitoring.md#at-night-when-it-alerts"


@dataclass(frozen=True)
class Words:
    """One rule for people; `todo` and `unless` may name the model as {model}."""

    happened: str
    measures: str
    """What its value is, beside its limit."""
    todo: str
    unless: str = ""
    """What to do instead where the rule asks for a new training; a rule that was kept from it, as by a broken feed, must not."""
    shown: str = "{:.3g}"
    """How value and limit are written."""
    by_columns: bool = False
    """Whether the columns that drifted are what it is about."""
    by_reason: bool = False
    """Whether the rule's own reason is plain, and names columns; it then stands for value and measure."""


_NEWER = "train on newer rows: python run.py --pipeline retraining --name {model}"
_BACK = "if a version was deployed just before, go back: python run.py --pipeline deployment --name {model} --rollback; else "
_WORSE = (_BACK + "see on the page whether a feed broke or labels are wrong, before anything is trained", _BACK + _NEWER)
_WHICH = "look at these columns, and ask whether the world changed or the feed"

RULES: dict[str, Words] = {
    "performance_floor": Words("the answers are worse than they may be", "is the model's score", *_WORSE),
    "performance_drop": Words("the answers are worse than they were when the model was made", "of the score is lost", *_WORSE, "{:.1%}"),
    "drift_share": Words(
        "what comes in is not what the model was trained on",
        "of what the model goes by has changed",
        _WHICH,
        _NEWER,
        "{:.1%}",
        by_columns=True,
    ),
    "repeated_drift": Words(
        "what comes in has not been what the model was trained on for several windows",
        "windows that had changed",
        _WHICH,
        _NEWER,
        "{:.0f}",
        by_columns=True,
    ),
    "data_quality": Words(
        "values come in that are wrong, missing or unknown",
        "columns are not as in training",
        "mend the source of the columns named above; training on such values makes it worse",
        shown="{:.0f}",
        by_reason=True,
    ),
    "unlike_rows": Words(
        "rows come in that are like none of the groups",
        "of the rows are unlike all groups",
        "look at them in the prediction log: has a new kind come, train again; has a feed broken, mend it",
        shown="{:.1%}",
    ),
    "refused_requests": Words(
        "clients send requests that are refused",
        "of the requests were refused",
        "ask who sends them, and compare with the columns and kinds that the endpoint lists under /openapi.json",
        shown="{:.1%}",
    ),
}


def sentence(rule: RuleResult, columns: Sequence[str] = ()) -> str:
    """What happened by `rule`, with its value and limit; a rule without words is told by its name.

    Parameters
    ----------
    rule : RuleResult
        One that is crossed.
    columns : sequence of str
        The columns that drifted, what matters most first; told where the rule is about them.
    """
    words = RULES.get(rule.name, Words(f"the rule {rule.name} was crossed", "its value", "see the page"))
    told = words.happened[:1].upper() + words.happened[1:]
    if rule.value is None:
        return f"{told}."
    allowed = "" if rule.threshold is None else f"; the limit is {words.shown.format(rule.threshold)}"
    found = rule.reason if words.by_reason else f"{words.shown.format(rule.value)} {words.measures}"
    most = f" Above all: {', '.join(columns)}." if words.by_columns and columns else ""
    return f"{told}: {found}{allowed} (rule {rule.name}).{most}"


def advice(rule: RuleResult, model: str) -> str:
    """What to do about `rule`, which is crossed; empty where there are no words for it."""
    words = RULES.get(rule.name)
    if words is None:
        return ""
    return (words.unless if words.unless and rule.verdict == "retrain" else words.todo).replace("{model}", model)
