"""What docs/operations.md tells somebody to type exists: each command of run.py, and each of its options."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from app.cli import as_command, load
from app.command import Command
from app.commands import NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
TEXT = PAGE.read_text(encoding="utf-8")
TYPED = sorted({found.strip() for found in re.findall(r"(?:`|python )run\.py ((?:[a-z]|--pipeline )[^`|#\n;)]*)", TEXT)})
SYMPTOMS = ("slow", "disk", "400s", "alerts come in floods", "monitoring did not run", "promoted by mistake", "labels come late")


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_and_its_options_exist(typed):
    words = re.sub(r'"[^"]*"', "X", typed).split()
    if "--" in words:
        # A command that another runs.
        at = words.index("--")
        words, inner = words[:at], words[at + 1 :]
        test_a_command_and_its_options_exist(" ".join(inner))
    name, *rest = as_command(words)
    assert name in NAMES
    found = load(name)
    if isinstance(found, click.Group) and rest:
        found = found.commands[rest[0]]
    options = [*found.changes, *found.own] if isinstance(found, Command) else found.params
    known = {"--dry-run", "--summary", "--help", *(name for option in options for name in (*option.opts, *option.secondary_opts))}
    assert {word.split("=")[0] for word in rest if word.startswith("--")} <= known


def test_each_symptom_of_a_night_has_its_row():
    rows = [line.split("|")[1] for line in TEXT.splitlines() if line.startswith("| ")]

    assert all(any(symptom in row for row in rows) for symptom in SYMPTOMS)
    assert len(TYPED) > 25
