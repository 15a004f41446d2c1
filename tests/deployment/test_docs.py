"""The commands of docs/api.md, as they stand there, against a running service."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client
from tests.switchyard.serving.cases import ROW

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_api_page_work(host, releases, tmp_path):
    host.start(releases["1"], 30)
    host.shift("loans", Traffic.all_to("v1"), 30)
    deployment = host.inspect("loans")
    (tmp_path / "example_request.json").write_text(json.dumps({"rows": [ROW]}))
    variables = {**os.environ, "URL": deployment.url, "TOKEN": Client(deployment).token}

    def output(*command):
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True).stdout

    openapi, prediction, feedback = blocks("api.md", "bash")
    assert set(json.loads(output("bash", "-ec", openapi))["paths"]) >= {"/api/v1.0/predictions", "/api/v1.0/feedback"}
    assert json.loads(output("bash", "-ec", prediction))["meta"]["tags"]["version"] == "1"
    assert '"accepted":1' in output("bash", "-ec", feedback)
    programs = blocks("api.md", "python")
    variables["PYTHONPATH"] = str(DOCS.parent)
    assert [output(sys.executable, "-c", program).strip() for program in programs] == ["order-16", "order-17"]


def test_settings_named_in_operations_are_those_of_the_component():
    from deployment.flavor import SwitchyardDeployerConfig
    from switchyard.tabular.config.production import Serving

    # One section for each host.
    sections = (DOCS / "operations.md").read_text().split("## Settings")[1:]
    text = "".join(section.split("##")[0] for section in sections)
    assert set(SwitchyardDeployerConfig.model_fields) - {"kind"} <= set(re.findall(r"`(\w+)`", text))
    assert {f"serving.{name}" for name in Serving.model_fields} <= set(re.findall(r"`([\w.]+)`", text))
