"""Units of a service manager: what they say, how they are installed and taken away.

There is no service manager for an account in a container: `systemctl` and `loginctl` are stand-ins here that write down what they
are told; what systemd itself makes of the files, `systemd-analyze` says where it is installed.
"""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import run
from app import units
from app.schedules import schedules_of
from app.units import Job, calendar_of, files_of, install, remove, units_of
from switchyard.tabular.errors import InputError, SwitchyardError

ROOT = Path(__file__).resolve().parents[2]
SERVE = Job("churn", ROOT, ("start", "churn"))
WATCH = Job("churn", ROOT, ("monitoring", "--name", "churn"), "*/20 8-9 * * 1-5")


@pytest.fixture
def manager(tmp_path, monkeypatch) -> Path:
    """What the service manager was told, a line a call; the units of this account are below `tmp_path`."""
    told = tmp_path / "told"
    told.touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("systemctl", "loginctl"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {told}\n')
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(units.sys, "platform", "linux")
    return told


@pytest.mark.parametrize(
    ("cron", "lines"),
    [
        ("0 * * * *", ["*-*-* *:00:00 UTC"]),
        ("*/20 8-9 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 08,09:00,20,40:00 UTC"]),
        ("0 0 * * 7", ["Sun *-*-* 00:00:00 UTC"]),
        ("5 4 1,15 2 *", ["*-02-01,15 04:05:00 UTC"]),
        ("30 2 1 * 0", ["*-*-01 02:30:00 UTC", "Sun *-*-* 02:30:00 UTC"]),
    ],
)
def test_a_cron_expression_is_said_to_systemd(cron, lines):
    assert calendar_of(cron) == lines
    if shutil.which("systemd-analyze"):
        assert subprocess.run(["systemd-analyze", "calendar", *lines], capture_output=True).returncode == 0


def test_what_systemd_has_no_word_for_is_refused():
    with pytest.raises(InputError, match="has no counterpart"):
        calendar_of("0 0 l * *")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path, monkeypatch):
    odd = Job("churn", tmp_path, ("monitoring", "--config", 'configs/100% "sure" $x.yaml'), "0 * * * *")
    (tmp_path / "run.py").touch()
    for job in (SERVE, odd):
        for name, content in files_of(job, {"PATH": "/usr/bin", "WHAT": "5 % of $x"}):
            (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    command = ["systemd-analyze", "verify", "--user", "--man=no", *map(str, tmp_path.glob("switchyard-*"))]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_holds_no_secret(monkeypatch):
    monkeypatch.setenv("ZENML_STORE_API_KEY", "hush")
    monkeypatch.setenv("ZENML_STORE_URL", "https://zenml.example")
    (_, content), *_ = files_of(SERVE, units.kept_environment())

    assert b"https://zenml.example" in content and b"hush" not in content


def test_units_are_installed_named_by_status_and_taken_away_without_stopping_the_model(manager, monkeypatch):
    monkeypatch.setattr("stacks.active.is_local", lambda: True)
    assert install([SERVE, WATCH]) == []
    assert [(unit.name, unit.cron) for unit in units_of("churn")] == [
        ("switchyard-churn", ""),
        ("switchyard-churn-monitoring", WATCH.cron),
    ]
    service = (units._folder() / "switchyard-churn-monitoring.service").read_text()
    assert 'Environment="SWITCHYARD_SCHEDULE=switchyard-churn-monitoring"' in service, "a run that fails is told"
    assert "KillMode=process" in service, "a supervisor that it starts again outlives it"
    assert "Persistent=true" in (units._folder() / "switchyard-churn-monitoring.timer").read_text()
    assert ["unit switchyard-churn-monitoring: '*/20 8-9 * * 1-5', next" in line for line in schedules_of("churn")] == [True]

    assert remove("churn") == ["switchyard-churn", "switchyard-churn-monitoring"]
    assert units_of() == [] and not list(units._folder().iterdir())
    told = manager.read_text().splitlines()
    assert "systemctl --user enable --now switchyard-churn.service" in told
    assert "systemctl --user disable switchyard-churn.service" in told
    assert "systemctl --user disable --now switchyard-churn-monitoring.timer" in told


def test_a_service_manager_that_refuses_is_quoted(manager, tmp_path):
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho Failed to connect to bus >&2\nexit 1\n")
    with pytest.raises(SwitchyardError, match="Failed to connect to bus"):
        install([SERVE])
    (tmp_path / "bin" / "systemctl").unlink()


def test_launchd_gets_the_times_of_either_day(monkeypatch):
    monkeypatch.setattr(units.sys, "platform", "darwin")
    job = Job("churn", ROOT, ("monitoring", "--name", "churn"), "0,30 2 1 * 0")
    ((name, content),) = files_of(job, {})
    agent = plistlib.loads(content)

    assert name == "switchyard-churn-monitoring.plist"
    assert agent["StartCalendarInterval"] == [
        {"Minute": 0, "Hour": 2, "Day": 1},
        {"Minute": 30, "Hour": 2, "Day": 1},
        {"Minute": 0, "Hour": 2, "Weekday": 0},
        {"Minute": 30, "Hour": 2, "Weekday": 0},
    ]
    with pytest.raises(InputError, match="more than a launchd agent should hold"):
        files_of(Job("churn", ROOT, ("monitoring",), "* 1-23 2-30 * *"), {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--schedule", "0 * * *"], "no cron expression"),
        (["--schedule", "0 * * * *", "--", "monitorin"], "did you mean 'monitoring'"),
        (["--schedule", "0 * * * *", "--", "monitoring", "--schedule", "x"], "no --schedule of its own"),
        (["--", "monitoring"], "runs by --schedule CRON"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_before_anything_is_written(manager, arguments, said):
    refused = CliRunner().invoke(run.cli, ["service", "install", "churn", *arguments])

    assert said in str(refused.exception) and units_of() == []
