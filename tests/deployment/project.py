"""A copy of the project with the serving rooms and environments, driven through the commands of `app.commands`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.app.project import ROOT, Project, Result
from tests.forked import run_python

ENVIRONMENTS = (".venv-serving", ".venv-envoy")
_DEPLOY = """
import json, sys, pathlib
import time
from app.cli import load
from app.perform import perform
from switchyard.tabular.errors import SwitchyardError
root, results = pathlib.Path.cwd(), []
for options in json.loads(sys.argv[1]):
    summary = root / "deployed.json"
    summary.unlink(missing_ok=True)
    name = options.pop("pipeline", "deployment")
    command, error = load(name), ""
    values = {option.name: None for option in command.changes} | command.defaults() | {"dry_run": False, "summary": summary}
    try:
        given = values | {**options, "config": root / "configs" / options["config"]}
        code = perform(root, time.monotonic(), name, command, given).exit_code
    except SwitchyardError as raised:
        code, error = raised.exit_code, str(raised)
    results.append([code, error, json.loads(summary.read_text()) if summary.is_file() else None])
print(json.dumps(results))
"""


class ServingProject(Project):
    """Trains, deploys, and ends what it started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ENVIRONMENTS:
            if not (self.root / name).exists() and (ROOT / name).exists():
                (self.root / name).symlink_to(ROOT / name)

    def deploy(self, name: str, *orders: dict[str, Any]) -> list[Result]:
        """Run the deployment pipeline, or the one that an order names, once for each of `orders`, in a process of its own.

        A result's output is its error.
        """
        script = self.root / "deploy_all.py"
        script.write_text(_DEPLOY)
        output = self.call(str(script), json.dumps([{"config": f"{name}.yaml", **order} for order in orders]))
        assert output.rstrip().endswith("]"), output
        return [Result(code, error, summary) for code, error, summary in json.loads(output.splitlines()[-1])]

    def call(self, *arguments: str) -> str:
        """What the project's Python prints, errors included."""
        return run_python(arguments, self.root, self.environment).output

    def zenml(self, *arguments: str) -> str:
        """What ZenML's command line prints."""
        return self.call(str(Path(sys.executable).with_name("zenml")), *arguments)

    def end(self, name: str) -> None:
        """Stop everything of the model `name`."""
        serving = next(self.store.glob("**/switchyard/serving"), None)
        if serving is not None:
            from deployment.process.host import ProcessHost

            ProcessHost(serving).remove(name, 40)
