"""Every process of a deployment is killed under load, one after the other: it is back soon, and no answered row is lost or doubled."""

import os
import signal
from collections import Counter
from functools import partial

import psutil
import pytest
from sqlalchemy import select

from switchyard.predictionlog import connect
from switchyard.predictionlog.database import predictions
from tests.deployment.conftest import Load
from tests.deployment.door import wait_until
from tests.deployment.test_process_host import TIMEOUT, observed, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_BACK_S = 20


def tree(number):
    """A process and those that it has begun, the oldest first."""
    try:
        process = psutil.Process(number)
        return [process.pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def places(host):
    """Who may be killed, each with how its process is found then."""
    yield "the supervisor", lambda: [observed(host)["supervisor"]]
    for name in observed(host)["processes"]:
        for place in range(len(tree(observed(host)["processes"][name]["pid"]))):
            yield f"{name}, {place}", partial(lambda name, place: tree(observed(host)["processes"][name]["pid"])[place:][:1], name, place)


def is_back(host, load, before):
    """Whether somebody was answered since, and the version is ready and kept alive again."""
    host.keep_alive("loans")
    return len(load.ids) > before + 20 and host.inspect("loans").stable.state == "ready"


def test_each_process_is_killed_under_load_and_no_answered_row_is_lost_or_doubled(host, releases):
    client = serve(host, releases["1"])
    killed = []
    with Load(client) as load:
        wait_until(lambda: len(load.ids) > 20, TIMEOUT, "the first answers")
        for name, find in list(places(host)):
            wait_until(find, _BACK_S, f"{name} before its death")
            os.kill(find()[0], signal.SIGKILL)
            killed.append(name)
            wait_until(partial(is_back, host, load, len(load.ids)), _BACK_S, f"an answer after the death of {name}")

    engine = connect(host.log_url("loans"))
    assert host.settle_log("loans", engine, TIMEOUT) == 0
    with engine.connect() as connection:
        logged = Counter(connection.scalars(select(predictions.c.prediction_id)))
    engine.dispose()
    assert len(killed) >= 6 and set(load.versions) == {"1"}
    assert set(load.ids) <= set(logged) and set(logged.values()) == {1} and len(set(load.ids)) == len(load.ids)
