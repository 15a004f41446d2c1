"""The front door, as a client meets it: a real Envoy before two upstreams."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.statistics import read_statistics
from tests.deployment.door import TOKEN, Stub, running, wait_until

pytestmark = pytest.mark.skipif(
    environment.find_envoy() is None, reason="no Envoy here: python -m switchyard.serving.frontdoor.environment"
)


def test_paths_lead_where_seldon_has_them(door, stubs):
    for path, at_upstream in {
        "/predict": "/predict",
        "/api/v1.0/predictions": "/api/v1.0/predictions",
        "/explain": "/explain",
        "/feedback": "/api/v1.0/feedback",
        "/health": "/health/status",
        "/health?deep=1": "/health/status?deep=1",
        "/seldon.json": "/seldon.json",
        "/docs": "/docs",
        "/seldon/models/loans/docs/page.js": "/docs/page.js",
        "/seldon/models/loans/api/v1.0/predictions": "/api/v1.0/predictions",
        "/seldon/any-namespace/loans/feedback": "/api/v1.0/feedback",
        "/seldon/models/loans/health/status": "/health/status",
    }.items():
        status, answer, _ = door.request(path)
        assert (status, answer) == (200, {"from": "v1"}), path
        assert stubs[0].requests[-1][0] == at_upstream
    elsewhere = ("/seldon/models/other/api/v1.0/predictions", "/seldon/loans/predict")
    for path in ("/", "/predict/more", "/api/v1.0/predictions/../../metrics", *elsewhere):
        status, answer, _ = door.request(path)
        assert (status, answer["status"]["reason"]) == (404, "NOT_FOUND"), path


def test_a_request_id_is_kept_or_given(door, stubs):
    identity = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    for wanted in (identity, "order-17"):
        assert door.request(x_request_id=wanted)[2]["x-request-id"] == wanted
        assert stubs[0].requests[-1][1]["x-request-id"] == wanted
    given = door.request()[2]["x-request-id"]
    assert len(given) == 36 and stubs[0].requests[-1][1]["x-request-id"] == given


def test_predictions_are_sent_again_once_and_feedback_never(door, stubs):
    assert door.request(x_break="once", x_request_id="a")[0] == 200
    assert [headers["x-request-id"] for _, headers, _ in stubs[0].requests] == ["a", "a"]
    assert stubs[0].requests[0][2] == stubs[0].requests[1][2] == b"{}"

    status, answer, _ = door.request(x_break="always")
    assert (status, answer["status"]["reason"], len(stubs[0].requests)) == (503, "UNAVAILABLE", 4)

    # A client can't ask for what it does not get.
    status, _, _ = door.request("/api/v1.0/feedback", x_break="once", x_envoy_retry_on="reset,5xx", x_envoy_max_retries="5")
    assert (status, len(stubs[0].requests)) == (503, 5)


def test_all_that_a_dying_service_leaves_unanswered_is_sent_again(door):
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda number: door.request(x_break="once", x_request_id=f"n{number}")[0], range(16)))
    assert answers == [200] * 16


def test_a_late_answer_is_a_timeout_in_json(stubs, tmp_path):
    with running(tmp_path, stubs, timeout_s=0.3) as door:
        status, answer, _ = door.request(x_sleep="1")
        assert (status, answer["status"]["reason"]) == (504, "TIMEOUT")


def assigned(door, entities):
    return {entity: door.request(x_entity_id=entity)[1]["from"] for entity in entities}


def test_a_split_is_kept_by_entity_and_raising_it_moves_nobody_back(door):
    entities = [f"customer-{number}" for number in range(400)]
    door.shift(Traffic.split("v2", "v1", 0.1))
    first = assigned(door, entities)
    assert assigned(door, entities) == first
    before = {entity for entity, version in first.items() if version == "v2"}
    assert 20 <= len(before) <= 64

    for share in (0.3, 0.7):
        door.shift(Traffic.split("v2", "v1", share))
        now = {entity for entity, version in assigned(door, entities).items() if version == "v2"}
        assert before <= now and abs(len(now) / len(entities) - share) < 0.08
        before = now


def test_without_an_entity_a_request_is_split_by_its_id(door):
    door.shift(Traffic.split("v2", "v1", 0.5))
    versions = [door.request()[1]["from"] for _ in range(100)]
    assert 25 < versions.count("v2") < 75
    assert len({door.request(x_request_id="same")[1]["from"] for _ in range(10)}) == 1


def test_a_shadow_gets_predictions_and_nobody_its_answers(door, stubs):
    door.shift(Traffic.all_to("v1", shadow="v2"))
    for number in range(20):
        status, answer, _ = door.request(body=json.dumps({"n": number}).encode(), x_request_id=f"r{number}", x_break="")
        assert (status, answer) == (200, {"from": "v1"})
    wait_until(lambda: len(stubs[1].requests) == 20, what="the mirroring")
    key = lambda request: request[1]["x-request-id"]  # noqa: E731
    assert [body for _, _, body in sorted(stubs[1].requests, key=key)] == [body for _, _, body in sorted(stubs[0].requests, key=key)]
    door.request("/feedback")
    assert len(stubs[1].requests) == 20
    stubs[1].stop()
    assert door.request()[0] == 200


def test_statistics_are_by_version_and_the_log_has_no_payload(door, stubs):
    door.shift(Traffic.split("v2", "v1", 0.5))
    for number in range(20):
        door.request("/predict?secret=query", body=b'{"secret": "payload"}', x_entity_id=f"secret{number}")
    numbers = {}
    for line in door.statistics().splitlines():
        if line.startswith("envoy_cluster_upstream_rq_total{"):
            numbers[line.split('envoy_cluster_name="')[1].split('"')[0]] = int(line.rsplit(" ", 1)[1])
    assert numbers == {stub.name: len(stub.requests) for stub in stubs} and sum(numbers.values()) == 20

    wait_until(lambda: door.log.is_file() and len(door.log.read_text().splitlines()) == 20, 15, "the access log")
    text = door.log.read_text()
    entry = json.loads(text.splitlines()[0])
    assert entry["path"] == "/predict" and entry["status"] == 200 and entry["version"] in ("v1", "v2") and entry["client"] == "tests"
    assert "secret" not in text and TOKEN not in text


def test_statistics_tell_errors_and_times_of_predictions_from_the_rest(door, stubs):
    door.shift(Traffic.split("v2", "v1", 0.5))
    for number in range(20):
        door.request("/predict", x_entity_id=f"e{number}")
    for _ in range(7):
        door.request("/health", method="GET")
    door.request("/feedback", x_break="always")
    # Envoy brings times up to date every five seconds.
    wait_until(lambda: read_statistics(door.statistics())["v2"].latency.get(float("inf")), 20, "the times")
    found = read_statistics(door.statistics())
    assert found["v1"].requests + found["v2"].requests == 28
    assert (found["v1"].errors, found["v2"].errors, found["other"].errors) == (1, 0, 1)
    assert found["other"].requests == 8 and found["v2"].latency[float("inf")] == found["v2"].requests
    assert read_statistics(2 * (door.statistics() + "\n"))["other"].requests == 16


def test_versions_come_and_go_without_a_failed_request(door, stubs):
    third = Stub("v3")
    upstreams = [stub.upstream for stub in (*stubs, third)]
    files.write_clusters(door.folder, upstreams)
    wait_until(lambda: files.has_clusters(door.door.admin_port, upstreams), what="the new version")
    for name in ("v3", "v1", "v3"):
        door.shift(Traffic.all_to(name))
        assert {door.request()[1]["from"] for _ in range(5)} == {name}
    files.write_clusters(door.folder, upstreams[1:])
    wait_until(lambda: files.has_clusters(door.door.admin_port, upstreams[1:]), what="the old version's going")
    assert files.active_requests(door.door.admin_port, "v1") == 0 and door.request()[0] == 200
    third.stop()


def test_with_nothing_deployed_it_says_so(door):
    door.shift(Traffic())
    status, answer, _ = door.request()
    assert (status, answer["status"]["reason"]) == (503, "UNAVAILABLE")


def test_files_with_tokens_are_their_owners_alone(door):
    assert {path.stat().st_mode & 0o077 for path in door.folder.iterdir()} == {0}


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="loopback"):
        Door(port=1, admin_port=2, host="0.0.0.0", authentication=False)
    with pytest.raises(ValueError, match="add up"):
        Traffic((("v1", 10), ("v2", 10)))
    assert Traffic.split("v2", "v1", 0.25).names == {"v1", "v2"}
    assert Upstream("v1", "127.0.0.1", 1).name == "v1"


def test_refused_requests_are_told_from_failed_ones():
    line = 'envoy_cluster_upstream_rq_xx{{envoy_response_code_class="{}",envoy_cluster_name="v2"}} {}\n'
    found = read_statistics(
        line.format(2, 3) + line.format(4, 173) + line.format(5, 1) + 'envoy_cluster_upstream_rq_completed{envoy_cluster_name="v2"} 177'
    )
    assert (found["v2"].requests, found["v2"].refused, found["v2"].errors) == (177, 173, 1)
