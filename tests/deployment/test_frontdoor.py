"""The front door, as a client meets it: a real Envoy before two upstreams."""

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import pytest

from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.config import FIRST_WORD_S
from switchyard.serving.frontdoor.routes import DESCRIPTION, PAGE
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.statistics import read_statistics
from switchyard.serving.frontdoor.tokens import SCOPES, Token, TokenError, first_token, holding, read_tokens
from tests.deployment.door import TOKEN, Stub, running, wait_until

pytestmark = pytest.mark.skipif(
    environment.find_envoy() is None, reason="no Envoy here: python -m switchyard.serving.frontdoor.environment"
)
REFUSAL = {"status", "error"}


@pytest.fixture
def stubs():
    made = [Stub("v1"), Stub("v2")]
    yield made
    for stub in made:
        stub.stop()


@pytest.fixture
def door(stubs, tmp_path):
    with running(tmp_path, stubs, max_bytes=10_000) as envoy:
        yield envoy


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


def test_only_tokens_of_the_file_come_in_and_none_goes_further(door, stubs):
    for token in (None, "another-token-that-is-long", TOKEN + "x", ""):
        status, answer, headers = door.request(token=token)
        assert status == 401 and set(answer) == REFUSAL and answer["status"]["code"] == 401
        assert headers["www-authenticate"] == "Bearer"
    assert stubs[0].requests == []
    assert door.request()[0] == 200
    seen = stubs[0].requests[-1][1]
    assert "authorization" not in seen and seen["x-client"] == "tests"
    assert door.request(token=None, Authorization=f"Basic {TOKEN}")[0] == 401
    # Health needs none: who probes it has none. Neither does the page, which a browser opens before it has one.
    assert {door.request(path, token=None, method="GET")[0] for path in ("/health", *PAGE)} == {200}
    assert {door.request(path, token=None, method="GET")[0] for path in ("/docs/", "/docs/seldon.json", *DESCRIPTION)} == {401}


def test_a_token_is_replaced_without_a_connection_lost(door):
    door.shift(Traffic.all_to("v1"), (Token("new", "the-second-token-of-all"),))

    assert door.request()[0] == 401
    assert door.request(token="the-second-token-of-all")[0] == 200


def test_two_tokens_of_one_client_hold_at_a_time(door):
    door.shift(Traffic.all_to("v1"), (Token("tests", TOKEN), Token("tests", "the-second-token-of-all")))

    assert {door.request(token=token)[0] for token in (TOKEN, "the-second-token-of-all")} == {200}


def test_a_token_is_for_what_its_scopes_say(door, stubs):
    of = {scope: Token(scope, f"a-token-to-{scope}-with", frozenset([scope])) for scope in SCOPES}
    door.shift(Traffic.all_to("v1"), (*of.values(), Token("usual", "a-token-that-says-nothing")))
    paths = {"/predict": "predict", "/api/v1.0/feedback": "feedback", "/explain": "explain", "/metrics": "metrics"}
    for path, needed in paths.items():
        for scope, token in of.items():
            status, answer, _ = door.request(path, token=token.value)
            assert (status, answer.get("status", {}).get("reason")) == ((200, None) if scope == needed else (403, "FORBIDDEN"))
        assert door.request(path, token="a-token-that-says-nothing")[0] == (403 if needed == "metrics" else 200)
        assert door.request(path, token=None)[0] == 401
    assert door.request("/seldon.json", token=of["feedback"].value)[0] == 200


def test_without_anybody_for_a_path_nobody_comes_in(door):
    door.shift(Traffic.all_to("v1"), (Token("tests", TOKEN, frozenset(["feedback"])),))
    assert (door.request()[0], door.request("/feedback")[0]) == (403, 200)
    door.shift(Traffic.all_to("v1"), ())
    assert (door.request()[0], door.request("/feedback")[0]) == (401, 401)


def test_a_token_file_says_what_is_wrong_with_it(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(
        "# whose\n\nalice 0123456789abcdef\nfedcba9876543210\nalice 1123456789abcdef scopes=metrics,predict until=2026-12-31T18:00Z\n"
    )
    ends = datetime(2026, 12, 31, 18, tzinfo=UTC).timestamp()
    assert read_tokens(path) == (
        Token("alice", "0123456789abcdef"),
        Token("client-4", "fedcba9876543210"),
        Token("alice", "1123456789abcdef", frozenset(["metrics", "predict"]), ends),
    )
    long = "0123456789abcdef"
    for text in ("short", f"a b {long}", f"alice {long}\nbob {long}", "alice 0123456789abcdéf", f"{long} scopes=all", f"{long} until=soon"):
        path.write_text(text)
        with pytest.raises(TokenError, match="line") as error:
            read_tokens(path)
        assert "0123456789" not in str(error.value)


def test_the_first_token_is_one_that_is_good_now_and_lets_its_client_predict():
    past, ahead = time.time() - 1, time.time() + 60
    tokens = (Token("a", "1" * 16, until=past), Token("b", "2" * 16, frozenset(["metrics"])), Token("c", "3" * 16, until=ahead))
    assert first_token(tokens) == "3" * 16 and holding(tokens) == tokens[1:]
    assert first_token(tokens[:2]) is None


RAW = {
    "HTTP/1.0": (b"POST /predict HTTP/1.0\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 2\r\n\r\n{}", 200, None),
    "HTTP/1.0 without a token": (b"POST /predict HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", 401, "UNAUTHORIZED"),
    "HTTP/0.9": (b"GET /predict\r\n\r\n", 401, "UNAUTHORIZED"),
    "no HTTP": (b"\x16\x03\x01 hello\r\n\r\n", 400, "BAD_REQUEST"),
    "large headers": (b"GET /health HTTP/1.1\r\nHost: x\r\nx-large: " + b"a" * 70_000 + b"\r\n\r\n", 431, "TOO_LARGE"),
    "many headers": (
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"".join(b"x-%d: 1\r\n" % number for number in range(150)) + b"\r\n",
        431,
        "TOO_LARGE",
    ),
    "transfer encoding": (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "BAD_REQUEST"),
    "two lengths": (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "BAD_REQUEST"),
    "length and chunks": (
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "BAD_REQUEST",
    ),
    "no host": (b"POST /predict HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
    "a method that is none": (b"PR=DICT /predict HTTP/1.1\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST"),
    "a hidden slash": (b"GET /predict%2f..%2fmetrics HTTP/1.1\r\nHost: x\r\n\r\n", 400, "BAD_REQUEST"),
    "an underscore": (b"GET /health HTTP/1.1\r\nHost: x\r\nx_entity_id: 1\r\n\r\n", 400, "BAD_REQUEST"),
    "CONNECT": (b"CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n", 401, "UNAUTHORIZED"),
    "an upgrade": (b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 403, "FORBIDDEN"),
}


@pytest.mark.parametrize("sent", RAW.values(), ids=RAW)
def test_whatever_is_sent_the_refusal_is_json_with_a_reason(door, sent):
    request, code, reason = sent
    with socket.create_connection(("127.0.0.1", door.door.port), timeout=15) as client:
        client.sendall(request.replace(b"TOKEN", TOKEN.encode()))
        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = json.loads(answer.read())
    assert answer.status == code, body
    assert reason is None or (body["status"]["reason"], set(body)) == (reason, REFUSAL)


def raw(number):
    """A request for predictions with a few bytes of it changed, doubled, gone or put elsewhere: the same for the same number."""
    random = Random(number)
    body = b'{"rows": [{"a": 1}]}'
    head = f"POST /predict HTTP/1.1\r\nHost: model\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    sent = bytearray(head.encode() + body)
    for _ in range(random.randint(1, 4)):
        place, width = random.randrange(len(sent)), random.randint(1, 12)
        piece = sent[place : place + width]
        odd = random.choice(
            [b"\r\n", b"\0", b"\r", b"\n", b" ", b":", b"\t", b"\xff", b"%00", b"../", b"chunked", b"Transfer-Encoding: chunked\r\n"]
        )
        sent[place : place + width] = random.choice([b"", piece + piece, odd, piece + odd, bytes(random.randrange(256) for _ in piece)])
    return bytes(sent)


def test_two_hundred_and_fifty_raw_requests_leave_the_door_as_it_was(door):
    def ask(number):
        with socket.create_connection(("127.0.0.1", door.door.port), timeout=30) as client:
            client.sendall(raw(number))
            answer = http.client.HTTPResponse(client)
            try:
                answer.begin()
                return answer.status, json.loads(answer.read())
            except (http.client.RemoteDisconnected, ConnectionResetError):
                # It never became a request.
                return 0, None

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(250)))
    refused = [(status, answer) for status, answer in answers if status not in (0, 200)]
    assert len(refused) > 100 and {status for status, _ in refused} <= {400, 401, 404, 408, 413, 431, 501}
    assert all(set(answer) == REFUSAL and answer["status"]["reason"] != "PROXY" for _, answer in refused)
    assert door.process.poll() is None and door.request()[0] == 200


def test_connections_that_say_nothing_are_closed_and_others_come_in(stubs, tmp_path):
    def comes_in():
        with contextlib.suppress(OSError, http.client.HTTPException):
            return envoy.request()[0] == 200

    with running(tmp_path, stubs, max_connections=10) as envoy, contextlib.ExitStack() as held:
        kept = http.client.HTTPConnection("127.0.0.1", envoy.door.port, timeout=10)
        kept.request("GET", "/health")
        kept.getresponse().read()
        silent = [held.enter_context(socket.create_connection(("127.0.0.1", envoy.door.port), timeout=10)) for _ in range(10)]
        wait_until(comes_in, FIRST_WORD_S + 5, "a request's way in")
        assert {one.recv(1) for one in silent} == {b""}
        # One that has asked is kept.
        kept.request("GET", "/health")
        assert kept.getresponse().status == 200
        kept.close()


def test_who_is_logged_is_who_has_the_token(door, stubs):
    door.request(x_client="somebody-else")
    door.request(path="/health", token=None, x_client="somebody-else")
    wait_until(lambda: len(door.log.read_text().splitlines()) == 2, what="the log")
    assert [json.loads(line)["client"] for line in door.log.read_text().splitlines()] == ["tests", None]
    assert [headers.get("x-client") for _, headers, _ in stubs[0].requests] == ["tests", None]


def test_bodies_have_a_limit(door, stubs):
    assert door.request(body=b"x" * 10_000)[0] == 200
    status, answer, _ = door.request(body=b"x" * 10_001)
    assert status == 413 and answer["status"]["reason"] == "TOO_LARGE"
    chunks = iter([b"x" * 6_000] * 3)
    status, answer, _ = door.request(body=chunks)
    assert status == 413
    assert len(stubs[0].requests) == 1


def test_requests_have_a_rate(stubs, tmp_path):
    with running(tmp_path, stubs, requests_per_second=5) as door:
        answers = [door.request() for _ in range(15)]
        refused = [headers for status, answer, headers in answers if status == 429 and answer["status"]["reason"] == "TOO_MANY"]
        assert len(refused) >= 5 and refused[0]["retry-after"] == "1"
        assert [status for status, _, _ in answers[:5]] == [200] * 5
        # Health is asked by machines that would take a refusal for a death.
        assert all(door.request("/health", method="GET", token=None)[0] == 200 for _ in range(10))
        time.sleep(1.1)
        assert door.request()[0] == 200


@pytest.mark.parametrize(("everybody", "each"), [(5_000, 5), (500, 40)], ids=["by the second", "by its twentieth"])
def test_each_client_has_a_rate_and_none_takes_anothers(stubs, tmp_path, everybody, each):
    with running(tmp_path, stubs, requests_per_second=everybody, requests_per_second_of_client=each) as door:
        other = "the-second-token-of-all"
        door.shift(Traffic.all_to("v1"), (Token("greedy", TOKEN), Token("modest", other)))
        answers = [door.request() for _ in range(3 * each)]
        refused = [headers for status, answer, headers in answers if status == 429 and answer["status"]["reason"] == "TOO_MANY"]
        assert refused and refused[0]["retry-after"] == "1" and [status for status, _, _ in answers[:each]] == [200] * each
        assert {door.request(token=other)[0] for _ in range(each)} == {200}
        assert all(door.request("/health", method="GET", token=None)[0] == 200 for _ in range(10))
        time.sleep(1.1)
        assert door.request()[0] == 200


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
