"""Examples: rows with the answers they must get, which prove that a server runs this bundle and runs it right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from switchyard.bundle.opening import read_scorer
from switchyard.bundle.scorer import Answer, Scorer
from switchyard.bundle.signature import Signature

TOLERANCE = 1e-6
"""Largest difference of a probability; of a regression, relative to the answer where that is above 1."""

UNSEEN = "never seen before"
"""What a made-up example has for every category."""


class ExampleMismatch(ValueError):
    """An example got another answer than the one it must get."""


def answer_of(answer: Answer, row: int, signature: Signature) -> dict[str, Any]:
    """The answer for one row as plain JSON: label and probabilities by class, prediction with its interval, or a recommendation."""
    if answer.recommendations is not None:
        return answer.recommendations[row].fields()
    if answer.labels is not None and answer.probabilities is not None:
        said = {
            "label": answer.labels[row],
            "probabilities": {name: float(value) for name, value in zip(signature.classes, answer.probabilities[row])},
        }
        return said if answer.distance is None else {**said, "distance": float(answer.distance[row])}
    values = {"prediction": answer.prediction, "lower": answer.lower, "upper": answer.upper}
    numbers = {key: float(value[row]) for key, value in values.items() if value is not None}
    if signature.quantiles is None or answer.quantiles is None:
        return numbers
    return {**numbers, "quantiles": dict(zip(signature.quantiles.names, answer.quantiles[row].tolist()))}


def make_examples(scorer: Scorer, rows: Sequence[Mapping[str, Any]], tolerance: float = TOLERANCE) -> str:
    """The text of examples.json for `rows`, each a mapping of column name to a JSON value."""
    answer = scorer.score({column.name: [row[column.name] for row in rows] for column in scorer.signature.columns})
    examples = [{"row": dict(row), "answer": answer_of(answer, index, scorer.signature)} for index, row in enumerate(rows)]
    return json.dumps({"tolerance": tolerance, "examples": examples}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_examples(folder: str | Path) -> list[dict[str, Any]]:
    """The examples of the bundle in `folder`: dicts with `row` and `answer`."""
    return json.loads((Path(folder) / "examples.json").read_text(encoding="utf-8"))["examples"]


def rows_of_a_table(examples: Sequence[Mapping[str, Any]], signature: Signature) -> list[Mapping[str, Any]]:
    """The rows of `examples` but for the two that training adds at their end: nothing known, and nothing seen before."""
    rows = [example["row"] for example in examples]
    if len(rows) <= 2:
        return rows
    categories = [column.name for column in signature.columns if column.kind in ("categorical", "text")]
    made_up = [dict.fromkeys(rows[0]), {**rows[0], **dict.fromkeys(categories, UNSEEN)}]
    return rows[:-2] if rows[-2:] == made_up else rows


def differences(expected: Mapping[str, Any], got: Mapping[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """What differs between two answers (of `answer_of`), in words; empty where they agree."""
    found = []
    for key, want in expected.items():
        have = got.get(key)
        if isinstance(want, Mapping):
            found += [f"{key}.{line}" for line in differences(want, have if isinstance(have, Mapping) else {}, tolerance)]
        elif isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
            found += [f"{key}{line}" for line in differences(_by_place(want), _by_place(have), tolerance)]
        elif isinstance(want, float) and isinstance(have, (int, float)):
            if not abs(want - have) <= tolerance * max(1.0, abs(want)):
                found.append(f"{key} is {have!r}, must be {want!r}")
        elif want != have:
            found.append(f"{key} is {have!r}, must be {want!r}")
    return found


def _by_place(values: Sequence[Any]) -> dict[str, Any]:
    return {f"[{place}]": value for place, value in enumerate(values)}


def check_examples(folder: str | Path, scorer: Scorer | None = None) -> int:
    """Score the examples of the bundle in `folder` and count them.

    Raises
    ------
    ExampleMismatch
        Names the first example whose answer differs, and how.
    """
    scorer = scorer or read_scorer(folder)
    kept = json.loads((Path(folder) / "examples.json").read_text(encoding="utf-8"))
    examples = kept["examples"]
    for number, example in enumerate(examples):
        answer = scorer.score({name: [value] for name, value in example["row"].items()})
        wrong = differences(example["answer"], answer_of(answer, 0, scorer.signature), kept["tolerance"])
        if wrong:
            raise ExampleMismatch(f"example {number} of {Path(folder) / 'examples.json'}: {'; '.join(wrong)}")
    return len(examples)
