"""What docs/operations.md tells somebody on call to type, by symptom."""

from __future__ import annotations

import re
import shlex

from tests.app.project import ROOT


def row(symptom: str) -> str:
    """The line of the table of symptoms that is about `symptom`."""
    lines = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    (found,) = [line for line in lines if line.startswith("| ") and symptom in line.split("|")[1]]
    return found


def typed(symptom: str, words: str = "") -> list[list[str]]:
    """The arguments of run.py in its row, those that hold `words`."""
    return [shlex.split(found)[1:] for found in re.findall(r"`(run\.py [^`]+)`", row(symptom)) if words in found]
