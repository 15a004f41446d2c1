"""Prometheus itself, on the real metrics: each query of the Grafana dashboard and of the alerts finds what it asks for."""

import json
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from app import textfile
from deployment.process.host import ProcessHost
from deployment.process.means import free_port
from deployment.process.options import ProcessOptions
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "stacks" / "prometheus"
PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus here: apt-get install prometheus")

RUNS = [
    {"pipeline": "training", "duration_s": 61.5, "steps": 17, "cached_steps": 2, "scores": {"holdout": {"roc_auc": 0.9}}},
    {
        "pipeline": "monitoring", "duration_s": 20.0, "steps": 8, "cached_steps": 0, "decision": "retrain",
        "model": {"version": "1"}, "window": {"rows": 1200, "labelled": 300},
        "rules": [
            {"name": "drift_share", "value": 0.3, "threshold": 0.1},
            {"name": "performance_floor", "value": None, "threshold": 0.8},
        ],
        "scores": {"metric": "roc_auc", "basis": "measured", "value": 0.81}, "drift": {"share": 0.25, "weighted_share": 0.3},
        "retraining": {"stage": "trying", "version": "2"},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def prometheus(installed, releases, tmp_path_factory):
    """One with two deployed versions, some requests and two pipeline runs to look at; yields what asks it."""
    tmp_path = tmp_path_factory.mktemp("prometheus")
    host = ProcessHost(tmp_path / "serving", ProcessOptions(workers=1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(textfile.FOLDER_VARIABLE, str(tmp_path / "metrics"))
        for summary in RUNS:
            textfile.publish(summary, "loans", 0)
    for version in ("1", "2"):
        host.start(releases[version], 60)
    names = [instance.name for instance in host.inspect("loans").instances]
    host.shift("loans", Traffic.split(names[1], names[0], 0.5), 30)
    exporter, port, processes = free_port(), free_port(), []
    config = yaml.safe_load((HERE / "prometheus.yml").read_text().replace("@EXPORTER@", str(exporter)))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][1]["http_sd_configs"][0]["refresh_interval"] = "1s"
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(HERE / "alerts.yml", tmp_path)
    (tmp_path / "exporter.token").write_text("a-token-for-prometheus")
    commands = (
        [
            sys.executable,
            "-m",
            "deployment.exporter",
            str(exporter),
            str(tmp_path / "metrics"),
            str(tmp_path / "serving"),
            str(tmp_path / "exporter.token"),
        ],
        [
            PROMETHEUS,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
    )
    try:
        for command in commands:
            with (tmp_path / "log").open("ab") as log:
                processes.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))

        def query(expression):
            url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]

        client, deadline = Client(host.inspect("loans")), time.monotonic() + 90
        while True:
            for number in range(20):
                client.ask(x_entity_id=f"e{number}")
            client.ask(row={})
            try:
                found = query("count(up == 1)")
                if found and found[0]["value"][1] == "4" and len(query("rate(envoy_cluster_upstream_rq_time_count[1m]) > 0")) == 2:
                    break
            except OSError:
                pass
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()[-2000:]
            time.sleep(1)
        time.sleep(2)
        yield query
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        host.remove("loans", 30)


def expressions():
    dashboard = json.loads((HERE / "grafana" / "switchyard.json").read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


def test_each_panel_of_the_dashboard_shows_something(prometheus):
    empty = [title for title, expression in expressions() if not prometheus(expression.replace("$__rate_interval", "1m"))]

    assert empty == []


def test_what_is_shown_is_what_is_there(prometheus):
    versions = {(found["metric"]["version"], found["metric"]["role"]) for found in prometheus("switchyard_model_info")}
    assert versions == {("1", "live"), ("2", "live")}
    answered = {
        found["metric"]["version"]: float(found["value"][1])
        for found in prometheus('switchyard_requests_total{path="predictions",code="200"}')
    }
    assert min(answered.values()) > 0
    assert [found["value"][1] for found in prometheus('switchyard_monitored_value{rule="drift_share"}')] == ["0.3"]
    assert [found["metric"]["stage"] for found in prometheus("switchyard_retraining_stage")] == ["trying"]
    assert prometheus('switchyard_requests_total{code="400"} > 0')


def test_alerts_are_sound_and_silent_where_all_is_well(prometheus):
    done = subprocess.run(["promtool", "check", "rules", str(HERE / "alerts.yml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load((HERE / "alerts.yml").read_text())["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules if prometheus(rule["expr"])] == []
