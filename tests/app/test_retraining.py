"""The command line of the loop."""

from pathlib import Path

import pytest
from rich.console import Console

from app.command import Request
from app.commands.monitoring import COMMAND
from app.scheduling import without
from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def test_a_scheduled_command_is_the_same_without_its_schedule():
    given = ["--pipeline", "monitoring", "--schedule", "0 * * * *", "--act", "--config", "configs/loans.yaml"]
    kept = ["--pipeline", "monitoring", "--act", "--config", "configs/loans.yaml"]

    assert without(given, "--schedule") == without([*kept, "--schedule=0 * * * *"], "--schedule") == kept
    # The file is mounted elsewhere on a cluster, however it was named.
    assert without(kept, "--config") == without(["--pipeline", "monitoring", "--act", "--config=./configs/loans.yaml"], "--config")


def test_a_model_is_not_trained_again_by_the_config_of_another(tmp_path):
    path = ROOT / "configs" / "loans.yaml"
    other = problem_from({**read_settings(path), "name": "other"}, "test")

    with pytest.raises(InputError, match="trains 'other' again by its config"):
        COMMAND(Request(other, str(path), ROOT, "local", Console()), act=True)
