"""Units of the service manager of this machine: what brings a model back after a restart, and what runs a command on a clock.

systemd's user units on Linux, launchd's agents on macOS. A model's unit runs `run.py start` and `run.py stop`; a schedule's runs
its command by a timer that catches a missed run up once and never runs it twice at a time. Both keep what made them (model, cron)
where `units_of` reads it.
"""

from __future__ import annotations

import configparser
import os
import plistlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from app.schedule_alerts import VARIABLE
from switchyard.tabular.errors import InputError, SwitchyardError

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_SECTION = "X-Switchyard"
_KEPT = ("ZENML_", "MLFLOW_", "SWITCHYARD_", "AWS_PROFILE", "KUBECONFIG", "PATH")
_SECRET = ("KEY", "TOKEN", "PASSWORD", "SECRET", "PASSWD")
_MOST_TIMES = 500
"""Entries that one launchd agent gets."""


@dataclass(frozen=True)
class Job:
    """What a unit does.

    Parameters
    ----------
    model : str
    root : Path
        Folder whose run.py is run.
    arguments : tuple of str
        Of run.py.
    cron : str
        When, in UTC; empty: at the start of the machine.
    """

    model: str
    root: Path
    arguments: tuple[str, ...]
    cron: str = ""

    @property
    def name(self) -> str:
        """The unit's name without its ending: one for what serves a model, one for each command on a clock."""
        return f"switchyard-{self.model}" + (f"-{self.arguments[0]}" if self.cron else "")

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self.root / "run.py"), *self.arguments]


@dataclass(frozen=True)
class Unit:
    """A unit that is installed."""

    name: str
    model: str
    cron: str
    files: tuple[Path, ...]


def install(jobs: Sequence[Job]) -> list[str]:
    """Write the units of `jobs` and have the service manager start them; what it said that a person should know.

    Raises
    ------
    InputError
        A schedule can't be said to this service manager.
    SwitchyardError
        There is no service manager for this account, or it refuses.
    """
    environment = kept_environment()
    files = [file for job in jobs for file in files_of(job, environment)]
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / name).write_bytes(content)
    if sys.platform == "darwin":
        for name, _ in files:
            _tell("launchctl", "bootstrap", f"gui/{os.getuid()}", str(folder / name))
        return []
    _tell("systemctl", "--user", "daemon-reload")
    for job in jobs:
        _tell("systemctl", "--user", "enable", "--now", f"{job.name}.timer" if job.cron else f"{job.name}.service")
    return _lingering()


def remove(model: str) -> list[str]:
    """Stop and delete the units of `model`; their names. What serves goes on till the machine's next start."""
    found = units_of(model)
    for unit in found:
        if sys.platform == "darwin":
            _tell("launchctl", "bootout", f"gui/{os.getuid()}/{unit.name}")
        else:
            # A unit that is stopped stops the model, which nobody asked for.
            now = ("--now",) if unit.cron else ()
            _tell("systemctl", "--user", "disable", *now, f"{unit.name}.timer" if unit.cron else f"{unit.name}.service")
        for file in unit.files:
            file.unlink(missing_ok=True)
    if found and sys.platform != "darwin":
        _tell("systemctl", "--user", "daemon-reload")
    return [unit.name for unit in found]


def units_of(model: str | None = None) -> list[Unit]:
    """The installed units, of one model or of all."""
    found = _agents() if sys.platform == "darwin" else _systemd_units()
    return sorted((unit for unit in found if model in (None, unit.model)), key=lambda unit: unit.name)


def files_of(job: Job, environment: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Name and content of each file of a job's unit."""
    if sys.platform == "darwin":
        return [(f"{job.name}.plist", plistlib.dumps(_agent(job, environment)))]
    service = _service(job, environment)
    if not job.cron:
        return [(f"{job.name}.service", service.encode())]
    return [(f"{job.name}.service", service.encode()), (f"{job.name}.timer", _timer(job).encode())]


def kept_environment() -> dict[str, str]:
    """Variables of this process that a unit needs to mean the same stack; none that holds a secret."""
    found = {key: value for key, value in os.environ.items() if key.startswith(_KEPT)}
    return {key: value for key, value in sorted(found.items()) if not any(word in key.upper() for word in _SECRET)}


def calendar_of(cron: str) -> list[str]:
    """A cron expression, in UTC, as systemd's OnCalendar has it.

    Cron takes either when both the day of the month and that of the week are given, systemd takes both: hence two lines then.

    Raises
    ------
    InputError
        The expression says what systemd has no word for.
    """
    minutes, hours, days, months, weekdays = _fields(cron)

    def said(values: Sequence[int] | None) -> str:
        return "*" if values is None else ",".join(f"{value:02d}" for value in values)

    clock = f"{said(hours)}:{said(minutes)}:00 UTC"
    week = "" if weekdays is None else ",".join(_DAYS[day % 7] for day in weekdays) + " "
    if week and days is not None:
        return [f"*-{said(months)}-{said(days)} {clock}", f"{week}*-{said(months)}-* {clock}"]
    return [f"{week}*-{said(months)}-{said(days)} {clock}"]


def _fields(cron: str) -> list[list[int] | None]:
    """Minutes, hours, days, months and weekdays; None where any will do."""
    from croniter import croniter

    found: list[list[int] | None] = []
    for values in croniter(cron).expanded[:5]:
        if values == ["*"]:
            found.append(None)
        elif all(isinstance(value, int) for value in values):
            found.append(sorted(values))
        else:
            raise InputError(f"--schedule {cron!r}: write numbers, ranges and steps; {values} has no counterpart here")
    return found


def _service(job: Job, environment: Mapping[str, str]) -> str:
    environment = {**environment, **_told(job)}
    what = f"runs {job.arguments[0]} of {job.model}" if job.cron else f"serves {job.model}"
    lines = ["[Unit]", f"Description=Switchyard {what}", "After=network-online.target", "", "[Service]", "Type=oneshot"]
    lines += [f"WorkingDirectory={job.root}", *(f"Environment={_quoted(f'{key}={value}')}" for key, value in environment.items())]
    lines += [f"ExecStart={' '.join(map(_quoted, job.command))}"]
    if job.cron:
        # What it leaves running (a supervisor, a version that is tried) is no part of a run that ends.
        lines += ["KillMode=process"]
    else:
        stop = [*job.command[:2], "stop", job.model]
        lines += ["RemainAfterExit=yes", f"ExecStop={' '.join(map(_quoted, stop))}", "TimeoutStartSec=600"]
        lines += ["", "[Install]", "WantedBy=default.target"]
    return "\n".join([*lines, "", f"[{_SECTION}]", f"Model={job.model}", f"Cron={job.cron}", ""])


def _timer(job: Job) -> str:
    calendar = "\n".join(f"OnCalendar={line}" for line in calendar_of(job.cron))
    return (
        f"[Unit]\nDescription=Switchyard runs {job.arguments[0]} of {job.model} by {job.cron} (UTC)\n\n"
        f"[Timer]\n{calendar}\nPersistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
    )


def _told(job: Job) -> dict[str, str]:
    """What has a scheduled command tell the channels of monitoring when it fails."""
    return {VARIABLE: job.name} if job.cron else {}


def _quoted(text: str) -> str:
    """A word of a unit file: systemd's own % and $ are taken as they stand."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _agent(job: Job, environment: Mapping[str, str]) -> dict[str, Any]:
    agent: dict[str, Any] = {
        "Label": job.name,
        "ProgramArguments": job.command,
        "WorkingDirectory": str(job.root),
        "EnvironmentVariables": {**environment, **_told(job)},
        # What `start` leaves running is no part of the agent that ends.
        "AbandonProcessGroup": True,
        _SECTION: {"Model": job.model, "Cron": job.cron},
    }
    if not job.cron:
        return {**agent, "RunAtLoad": True}
    minutes, hours, days, months, weekdays = _fields(job.cron)
    names = ("Minute", "Hour", "Day", "Month", "Weekday")
    either = [(minutes, hours, days, months, None), (minutes, hours, None, months, weekdays)]
    wanted = either if days is not None and weekdays is not None else [(minutes, hours, days, months, weekdays)]
    times = [
        {name: value for name, value in zip(names, chosen) if value is not None}
        for fields in wanted
        for chosen in product(*(values or [None] for values in fields))
    ]
    if len(times) > _MOST_TIMES:
        raise InputError(f"--schedule {job.cron!r} stands for {len(times)} times, more than a launchd agent should hold ({_MOST_TIMES})")
    return {**agent, "StartCalendarInterval": times}


def _folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _systemd_units() -> Iterator[Unit]:
    for path in sorted(_folder().glob("switchyard-*.service")):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(path, encoding="utf-8")
        if parser.has_section(_SECTION):
            told = parser[_SECTION]
            files = (path, path.with_suffix(".timer")) if told["Cron"] else (path,)
            yield Unit(path.stem, told["Model"], told["Cron"], files)


def _agents() -> Iterator[Unit]:
    for path in sorted(_folder().glob("switchyard-*.plist")):
        told = plistlib.loads(path.read_bytes()).get(_SECTION)
        if told:
            yield Unit(path.stem, told["Model"], told["Cron"], (path,))


def _lingering() -> list[str]:
    """Ask that units run without a login; what to do where that is not allowed."""
    account = str(os.getuid())
    asked = subprocess.run(["loginctl", "enable-linger", account], capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return []
    return [f"they start at this account's login; to start with the machine: sudo loginctl enable-linger {account}"]


def _tell(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    except FileNotFoundError:
        raise SwitchyardError(f"this machine has no {command[0]}; the units are written to {_folder()}, start them as it does") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise SwitchyardError(f"{' '.join(command)}: {said[-1] if said else f'ended with {done.returncode}'}; the units are in {_folder()}")
