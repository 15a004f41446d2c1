"""The documented proxy for those with an identity provider, as a real Envoy: whose token is good is let in, as the front door's client."""

import contextlib
import http.server
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from switchyard.serving.frontdoor.environment import find_envoy
from tests.deployment.door import free_port, wait_until

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "envoy_jwt.yaml"
ISSUER, AUDIENCE = "https://login.example.com/", "switchyard"


class Behind(http.server.BaseHTTPRequestHandler):
    """In the front door's place: answers with the authorization that it saw."""

    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers.get("Authorization", "").encode())

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture(scope="module")
def keys():
    """The provider's key, and one of somebody else."""
    return rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def proxy(installed, keys, tmp_path_factory):
    """The address of the proxy of the example, with its places and addresses put in."""
    folder = tmp_path_factory.mktemp("jwt")
    behind = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(keys[0].public_key()))
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "one", "alg": "RS256"}]}))
    client = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
        "name": "client",
        "generic_secret": {"secret": {"inline_string": "Bearer the-front-doors-token"}},
    }
    (folder / "client.yaml").write_text(yaml.safe_dump({"resources": [client]}))
    port = free_port()
    text = EXAMPLE.read_text().replace("/etc/envoy", str(folder)).replace("8443", str(port)).replace("8400", str(behind.server_port))
    (folder / "envoy.yaml").write_text(text)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([find_envoy(), "-c", folder / "envoy.yaml", "--use-dynamic-base-id"], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: ask(url, None) == (401, "Jwt is missing"), what=f"the proxy: {folder / 'log'}")
        yield url
    finally:
        process.terminate()
        process.wait()
        behind.shutdown()


def ask(url, token, path="/loans/predict"):
    """Status and body of a request with the provider's `token`."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url + path, b"{}", headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


def made(key, **claims):
    """A token of the provider, changed by `claims`."""
    content = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 300, **claims}
    return jwt.encode(content, key, algorithm="RS256", headers={"kid": "one"})


def test_a_good_token_comes_in_as_the_front_doors_client(proxy, keys):
    assert ask(proxy, made(keys[0])) == (200, "Bearer the-front-doors-token")
    assert ask(proxy, made(keys[0]), "/other/predict")[0] == 404


@pytest.mark.parametrize(
    ("claims", "said"),
    [({"exp": 1_000_000_000}, "expired"), ({"aud": "another"}, "not allowed"), ({"iss": "https://else.example.com/"}, "not configured")],
    ids=["ended", "another's audience", "another issuer"],
)
def test_a_token_that_is_not_for_here_is_refused(proxy, keys, claims, said):
    status, why = ask(proxy, made(keys[0], **claims))
    assert status in (401, 403) and said in why


def test_a_token_that_the_provider_did_not_sign_is_refused(proxy, keys):
    assert ask(proxy, made(keys[1]))[0] == 401
    with contextlib.suppress(ValueError):
        assert ask(proxy, jwt.encode({"iss": ISSUER, "aud": AUDIENCE}, None, algorithm="none"))[0] == 401
