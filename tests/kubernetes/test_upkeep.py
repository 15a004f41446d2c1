"""The commands of docs/kubernetes.md that keep an installation: backup, loss of everything, restore; new passwords."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.app.project import ROOT, wait_until
from tests.kubernetes.running import predictions

pytestmark = [pytest.mark.cluster, pytest.mark.full, pytest.mark.timeout(1800)]


def documented(section, number=0):
    """Lines of a section's code block."""
    text = (ROOT / "docs/kubernetes.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [line.strip() for line in blocks[number].splitlines()]


def run(installation, lines, folder):
    """As somebody types them who has put the store's keys into the environment."""
    store = installation.secret("object-store")
    for line in lines:
        typed = line.replace("-n switchyard", f"-n {installation.namespace}")
        if typed.startswith("python run.py stack up"):
            result = installation.up()
            assert result.code == 0, result.output
            continue
        done = subprocess.run(typed, shell=True, cwd=folder, env={**os.environ, **store}, capture_output=True, text=True)
        assert done.returncode == 0, (typed, done.stdout, done.stderr)


@pytest.mark.skipif(shutil.which("aws") is None, reason="no aws here")
def test_what_was_backed_up_is_there_again_in_a_new_installation(installation, tmp_path):
    project = installation.project
    if not project.versions("parity"):
        assert installation.train("parity").code == 0
    before = project.versions("parity")
    answers = predictions(project, "parity", before[0]["version"])

    run(installation, documented("Backup and restore", 0), tmp_path)
    down = project.run("stack", "down", "kubernetes", "--namespace", installation.namespace, "--yes")
    assert down.code == 0, down.output
    up = installation.up()
    assert up.code == 0, up.output
    assert project.versions("parity") == []
    run(installation, documented("Backup and restore", 1), tmp_path)

    assert project.versions("parity") == before
    assert predictions(project, "parity", before[0]["version"]) == answers
    runs = "from zenml.client import Client; print(Client().list_pipeline_runs(pipeline='training').total)"
    assert int(project.python(runs).splitlines()[-1]) > 0
    # Nothing has changed, so that all of it comes from the restored store.
    again = project.train("parity", "--seed", "0")
    assert again.code == 0 and "explain_model" in again.cached, again.output


def test_changed_passwords_and_keys_reach_all_that_use_them(installation, tmp_path):
    project = installation.project
    if not project.versions("parity"):
        assert installation.train("parity").code == 0
    printed = installation.deploy("parity").output.rstrip().splitlines()[-1]
    before = installation.secret_values()
    key = installation.secret("zenml-client")["ZENML_STORE_API_KEY"]

    run(installation, documented("Change a password or key"), tmp_path)

    now = installation.secret_values()
    changed = {name for name, value in now.items() if value != before[name]}
    kept = {name for name in now if name.startswith("zenml-server/") or name == "database-server/root-password"}
    assert changed == set(now) - kept
    keys = "from zenml.client import Client; print([key.name for key in Client().list_api_keys('switchyard').items])"
    assert project.python(keys).splitlines()[-1].count("installation-") == 1
    assert refuses(installation, key) and not refuses(installation, installation.secret("zenml-client")["ZENML_STORE_API_KEY"])

    answer = json.loads(subprocess.run(printed, shell=True, capture_output=True, text=True, check=True).stdout)
    query = f"select count(*) from predictions where prediction_id = '{answer['meta']['puid']}'"
    ask = f'MYSQL_PWD="$PASSWORD" mariadb -N -h 127.0.0.1 -u switchyard predictions -e "{query}"'
    wait_until(lambda: installation.kubectl("exec", "deploy/database", "--", "sh", "-c", ask).strip() == "1", 30, "the answer in the log")
    again = project.train("parity", "--seed", "0")
    assert again.code == 0, again.output


def refuses(installation, key):
    """Whether ZenML lets nobody in by `key`."""
    url = installation.items("configmaps", "--field-selector=metadata.name=addresses")[0]["data"]["ZENML_STORE_URL"]
    request = urllib.request.Request(f"{url}/api/v1/current-user", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return False
    except urllib.error.HTTPError as error:
        assert error.code == 401
        return True
