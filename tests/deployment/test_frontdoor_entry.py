"""Who and what comes in at the front door: tokens, whatever is sent, limits."""

import contextlib
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import pytest

from switchyard.serving.frontdoor import environment
from switchyard.serving.frontdoor.config import FIRST_WORD_S
from switchyard.serving.frontdoor.routes import DESCRIPTION, PAGE
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.frontdoor.tokens import SCOPES, Token, TokenError, first_token, holding, read_tokens
from tests.deployment.door import TOKEN, running, wait_until

pytestmark = pytest.mark.skipif(
    environment.find_envoy() is None, reason="no Envoy here: python -m switchyard.serving.frontdoor.environment"
)


REFUSAL = {"status", "error"}


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
