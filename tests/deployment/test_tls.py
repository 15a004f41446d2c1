"""HTTPS at the one address of all models, before real services: who is let in, how a certificate is renewed, what is refused."""

import contextlib
import http.client
import json
import os
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployment.process.certificates import read_pair
from deployment.process.common import layout_of
from deployment.process.host import ProcessHost
from deployment.process.options import ProcessOptions
from switchyard.client import Client
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import InputError
from tests.deployment.door import free_port, wait_until
from tests.switchyard.serving.cases import ROW

TIMEOUT = 30


def make_pair(folder: Path, name: str, until: timedelta = timedelta(days=90)) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by its own key, and the key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=200))
        .not_valid_after(now + until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


@pytest.fixture
def place(installed, tmp_path):
    """A process host that speaks TLS, and the paths of its certificate and key."""
    pair = make_pair(tmp_path, "first")
    made = ProcessHost(
        tmp_path / "serving", ProcessOptions(workers=1, port=free_port(), tls_certificate=str(pair[0]), tls_key=str(pair[1]))
    )
    yield made, pair
    made.remove("loans", TIMEOUT)


def ask(url: str, token: str, trusted: Path) -> tuple[int, dict]:
    """A prediction over HTTPS by one that believes `trusted`."""
    address, context = urlsplit(url), ssl.create_default_context(cafile=str(trusted))
    with contextlib.closing(http.client.HTTPSConnection(address.hostname, address.port, timeout=10, context=context)) as connection:
        connection.request("POST", address.path + "/predict", json.dumps({"rows": [ROW]}), {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_models_answer_in_https_and_a_renewed_certificate_is_taken_up(place, releases, tmp_path):
    host, (certificate, key) = place
    host.shift("loans", Traffic.all_to(host.start(releases["1"], TIMEOUT).name), TIMEOUT)
    url, token = host.inspect("loans").url, host.token("loans")

    assert url.startswith("https://127.0.0.1:") and ask(url, token, certificate)[0] == 200
    with Client(url, token, ca_file=certificate) as client:
        assert client.predict([ROW])[0]["prediction_id"]
    plain = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=10)
    with pytest.raises((OSError, http.client.HTTPException)), contextlib.closing(plain):
        plain.request("GET", "/loans/health")
        plain.getresponse()

    renewed = make_pair(tmp_path, "second")
    # In two steps, as tools do it: between them the files do not belong together.
    os.replace(renewed[0], certificate)
    with pytest.raises(ssl.SSLError):
        ask(url, token, certificate)
    os.replace(renewed[1], key)
    wait_until(lambda: _answers(url, token, certificate), what="the renewed certificate")
    secret = layout_of(host._folder).envoy / "certificate.json"
    assert secret.stat().st_mode & 0o077 == 0


def test_behind_tls_a_models_own_door_is_for_this_machine_only(place):
    host, (certificate, key) = place
    options = replace(host._options, host="0.0.0.0", tls_certificate=str(certificate), tls_key=str(key))
    made = ProcessHost(host._folder, options)
    assert made._door(made._new_door(made._layout("loans"))).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder, cert, key: (cert, folder / "none.key"), "tls_key: .*none.key can't be read"),
        (lambda folder, cert, key: (cert, make_pair(folder, "other")[1]), "do not belong together"),
        (lambda folder, cert, key: (key, key), "no certificate and key in PEM"),
        (lambda folder, cert, key: make_pair(folder, "old", timedelta(days=-1)), "has ended on"),
        (lambda folder, cert, key: (cert, ""), "needs both"),
    ],
    ids=["no key", "another's key", "no certificate", "ended", "half"],
)
def test_what_is_no_pair_is_named_before_anything_is_started(tmp_path, spoil, said):
    certificate, key = map(str, spoil(tmp_path, *make_pair(tmp_path, "mine")))
    with pytest.raises(InputError, match=said):
        read_pair(certificate, key)


def test_who_connects_and_says_nothing_is_left(place, releases):
    host, _ = place
    host.shift("loans", Traffic.all_to(host.start(releases["1"], TIMEOUT).name), TIMEOUT)
    port = urlsplit(host.inspect("loans").url).port
    with socket.create_connection(("127.0.0.1", port), timeout=15) as silent:
        assert silent.recv(1) == b""


def _answers(url, token, trusted):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(url, token, trusted)[0] == 200
    return False
