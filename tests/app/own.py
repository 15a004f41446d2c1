"""A folder that `switchyard init` made, Switchyard installed from its wheel, on a machine that can lose its power; driven by hand."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from tests.app.project import ROOT, Result

_WAIT_S = 30


@dataclass
class Own:
    """The folder, and the account whose ZenML store and service manager it uses.

    Parameters
    ----------
    root : Path
        Made by `init`, which takes the options `made`.
    account : Path
        Holds the ZenML store, the units, the environment with the wheel, and programs that stand for systemd's, of which a
        container has none for an account.
    wheel : Path
        Of the project: from `built`.
    made : tuple of str
    """

    root: Path
    account: Path
    wheel: Path
    made: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        tools = self.account / "bin"
        tools.mkdir(parents=True)
        for name in ("systemctl", "loginctl"):
            (tools / name).write_text("#!/bin/sh\n")
            (tools / name).chmod(0o755)
        self.python = installed(self.account / "venv", self.wheel)
        self._installed = self._files()
        made = self._call([str(self.python.with_name("switchyard")), "init", str(self.root), *self.made], self.account)
        assert made.code == 0, made.output

    @property
    def store(self) -> Path:
        """ZenML's folder."""
        return self.account / "zenml"

    @property
    def environment(self) -> dict[str, str]:
        """Of what is typed in a terminal."""
        without = {key: value for key, value in os.environ.items() if not key.startswith(("ZENML_", "MLFLOW_", "SWITCHYARD_", "PYTHON"))}
        own = {"ZENML_CONFIG_PATH": str(self.store), "XDG_CONFIG_HOME": str(self.account / "config"), "COLUMNS": "1000"}
        return {**without, **own, "PATH": f"{self.account / 'bin'}:{os.environ['PATH']}"}

    def run(self, *arguments: str) -> Result:
        """`python run.py ARGUMENTS` in the folder, which must end well."""
        done = self._call([str(self.python), "run.py", *arguments], self.root)
        assert done.code == 0, done.output
        return done

    def units(self) -> list[str]:
        """Names of the installed services."""
        return sorted(path.stem for path in (self.account / "config" / "systemd" / "user").glob("*.service"))

    def start_unit(self, name: str) -> Result:
        """What ExecStart of an installed unit does, with its environment and no other, as the service manager runs it."""
        lines = (self.account / "config" / "systemd" / "user" / f"{name}.service").read_text().splitlines()
        said = [line.partition("=")[::2] for line in lines if "=" in line]
        words = {key: _words(value) for key, value in said if key in ("ExecStart", "WorkingDirectory")}
        variables = dict(word.partition("=")[::2] for key, value in said if key == "Environment" for word in _words(value))
        done = self._call(words["ExecStart"], Path(words["WorkingDirectory"][0]), {"HOME": os.environ["HOME"], **variables})
        assert done.code == 0, done.output
        return done

    def change(self, config: str, **sections: object) -> None:
        """Write sections of a config anew; a mapping is laid over what is there."""
        path = self.root / config
        kept = yaml.safe_load(path.read_text())
        for key, value in sections.items():
            kept[key] = {**kept.get(key, {}), **value} if isinstance(value, dict) else value
        path.write_text(yaml.safe_dump(kept, sort_keys=False))

    def lose_power(self) -> int:
        """Kill everything that runs for this account, at once and without a word; how many processes that were."""
        killed, deadline = set(), time.monotonic() + _WAIT_S
        while living := list(self._processes()):
            assert time.monotonic() < deadline, f"these do not end: {living}"
            for process in living:
                with contextlib.suppress(psutil.Error):
                    process.kill()
                killed.add(process.pid)
            psutil.wait_procs(living, timeout=1)
        return len(killed)

    def disk(self) -> int:
        """Bytes of all files of folder and store; what several names lead to counts once."""
        files = [path.stat() for root in (self.root, self.store) for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        return sum({(file.st_dev, file.st_ino): file.st_size for file in files}.values())

    def strays(self) -> set[str]:
        """Files that were written into the package instead of the folder."""
        return self._files() - self._installed

    def _files(self) -> set[str]:
        home = next((self.account / "venv").glob("lib/python*/site-packages/switchyard_home"))
        return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() and path.suffix != ".pyc"}

    def _processes(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("ZENML_CONFIG_PATH") == str(self.store):
                    yield process

    def _call(self, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Result:
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=folder, env=environment or self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.told.append(f"{time.monotonic() - began:.1f} s: {shlex.join(command)}\n{done.stdout}")
        return Result(done.returncode, done.stdout, None)


def built(folder: Path) -> Path:
    """The wheel of the project, made in `folder` from what git knows of it, as pip makes it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source"))
    (wheel,) = folder.glob("switchyard-*.whl")
    return wheel


def installed(folder: Path, wheel: Path) -> Path:
    """Python of a new environment in which pip installed the wheel, beside the libraries of this environment."""
    venv.create(folder, with_pip=False)
    python, packages = folder / "bin" / "python", next(folder.glob("lib/python*/site-packages"))
    _pip("--python", str(python), "install", "--no-deps", str(wheel))
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "zz-libraries.pth").write_text("\n".join([*sorted(libraries), ""]))
    (folder / "bin" / "zenml").symlink_to(Path(sys.executable).with_name("zenml"))
    for name in (".venv-serving", ".venv-envoy"):
        (packages / "switchyard_home" / name).symlink_to((ROOT / name).resolve())
    return python


def _pip(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def _words(text: str) -> list[str]:
    """Words of a unit file's line, quoting and its own signs undone."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(text)]
