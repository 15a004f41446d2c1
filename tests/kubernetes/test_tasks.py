"""Clustering and recommendation on a cluster: trained by pods, deployed, and answering."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.kubernetes.running import says_no_traceback

pytestmark = [pytest.mark.cluster, pytest.mark.full, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", ["shoppers", "shop"])
def test_a_task_is_trained_and_served_there(installation, name):
    installation.use("kubernetes")
    trained = installation.train(name, "--trials", "1")
    assert trained.code == 0 and says_no_traceback(trained.output), trained.output
    assert trained.summary["model"]["version"] == "1"

    deployed = installation.deploy(name)
    printed = deployed.output.rstrip().splitlines()[-1]
    answer = json.loads(subprocess.run(printed, shell=True, capture_output=True, text=True, check=True).stdout)

    assert answer["meta"]["tags"]["version"] == "1", answer
