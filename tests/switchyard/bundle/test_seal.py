"""A bundle's signature: whose it is, of what, and that nothing of it can be changed; in the form that Model Signing reads."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from switchyard.bundle import Bundle, ChangedBundle
from switchyard.bundle.keys import BadKey, key_id, make_key, public_from, public_of
from switchyard.bundle.seal import BadSeal, Seal
from tests.switchyard.serving.cases import make_bundle

TOOL = os.environ.get("MODEL_SIGNING", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("made") / "loans")


@pytest.fixture(scope="module")
def files(folder):
    return dict(Bundle.read(folder).files)


@pytest.fixture(scope="module")
def key():
    return make_key()


@pytest.fixture(scope="module")
def seal(files, key):
    return Seal.make("loans", files, {"code_commit": "abc", "metrics": {"roc_auc": 0.8}, "evaluated_digest": "sha256:1"}, key)


def test_a_signature_says_who_signed_what_and_where_it_came_from(seal, files, key):
    seal.check_content("loans", files, "sha256:1")

    assert seal.key == key_id(public_of(key)) and seal.model == "loans"
    assert seal.claims == {"code_commit": "abc", "metrics": {"roc_auc": 0.8}, "evaluated_digest": "sha256:1"}
    assert seal.check_key([public_of(make_key()), public_of(key)])


def test_a_key_may_be_trusted_by_its_id_alone(seal):
    assert seal.check_key([], [seal.key])
    assert not seal.check_key([public_of(make_key())], ["0" * 64])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model.onnx": b"other"}, "model.onnx is not what was signed"),
        ({"evil.py": b"import os"}, "evil.py was not signed"),
        ({"examples.json": None}, "examples.json was signed and is missing"),
    ],
)
def test_each_changed_file_is_named(seal, files, change, says):
    changed = {name: content for name, content in {**files, **change}.items() if content is not None}
    with pytest.raises(ChangedBundle, match=says):
        seal.check_content("loans", changed)


def test_a_signature_is_of_one_model_and_of_one_evaluated_twin(seal, files):
    with pytest.raises(ChangedBundle, match="of the model 'loans'"):
        seal.check_content("wine", files)
    with pytest.raises(ChangedBundle, match="another evaluated model, sha256:1"):
        seal.check_content("loans", files, "sha256:2")


def altered(seal, change):
    """The signature with its statement changed, signed as before."""
    whole = json.loads(seal.content)
    statement = json.loads(base64.b64decode(whole["dsseEnvelope"]["payload"]))
    change(whole, statement)
    whole["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    return Seal(json.dumps(whole).encode())


def test_a_statement_that_was_changed_was_signed_by_nobody(seal, key):
    better = altered(seal, lambda _, statement: statement["predicate"]["switchyard"]["metrics"].update(roc_auc=0.99))
    assert better.claims["metrics"] == {"roc_auc": 0.99}
    with pytest.raises(BadSeal, match="was not made by the key"):
        better.check_key([public_of(key)])
    with pytest.raises(BadSeal, match="was not made by the key"):
        better.check_key([], [seal.key])


def test_who_brings_a_key_of_their_own_is_not_taken_for_another(seal, files, key):
    forged = Seal.make("loans", files, {}, make_key())
    named = altered(forged, lambda whole, _: whole["verificationMaterial"]["publicKey"].update(hint=seal.key))
    assert not named.check_key([], [seal.key])
    with pytest.raises(BadSeal, match="was not made by the key"):
        named.check_key([public_of(key)])


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"mediaType": "other", "dsseEnvelope": {"payloadType": ""}}', b"\xff", b'"text"'],
)
def test_what_is_no_signature_is_said_to_be_none(content, files):
    with pytest.raises(BadSeal):
        Seal(content).check_content("loans", files)
        Seal(content).check_key([])


def test_a_statement_that_contradicts_itself_is_refused(seal, files):
    other = altered(seal, lambda _, statement: statement["predicate"]["resources"][0].update(digest="00" * 32))
    with pytest.raises(BadSeal, match="contradicts itself"):
        other.check_content("loans", files)


def test_a_certificate_is_taken_for_its_key(key):
    private = serialization.load_pem_private_key(key.encode(), None)
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "trainer")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 1, now, now + timedelta(days=1))
    certificate = builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    assert public_from(certificate) == public_of(key) == public_from(public_of(key))


def test_keys_that_model_signing_does_not_take_are_refused():
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for other in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(BadKey, match="no curve of"):
            public_of(other.private_bytes(*plain).decode())
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(*plain[:2], serialization.BestAvailableEncryption(b"word"))
    with pytest.raises(BadKey, match="wants a password"):
        public_of(locked.decode())
    with pytest.raises(BadKey, match="no public key and no certificate"):
        public_from("no key")


def test_larger_curves_sign_too(files):
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        private = ec.generate_private_key(curve).private_bytes(*form).decode()
        assert Seal.make("loans", files, {}, private).check_key([public_of(private)])


@pytest.mark.skipif(not TOOL, reason="MODEL_SIGNING names no model_signing program")
def test_model_signing_reads_our_signatures_and_we_read_its(seal, files, folder, key, tmp_path):
    for name, content in (("model.sig", seal.content), ("public.pem", public_of(key).encode()), ("private.pem", key.encode())):
        (tmp_path / name).write_bytes(content)

    def call(action, signature, *flag):
        command = [TOOL, action, "key", str(folder), "--signature", str(tmp_path / signature), flag[0], str(tmp_path / flag[1])]
        return subprocess.run(command, capture_output=True, text=True)

    verified = call("verify", "model.sig", "--public_key", "public.pem")
    assert verified.returncode == 0 and "Verification succeeded" in verified.stdout, verified.stdout + verified.stderr
    assert call("sign", "theirs.sig", "--private_key", "private.pem").returncode == 0
    theirs = Seal((tmp_path / "theirs.sig").read_bytes())
    theirs.check_content(folder.name, files)
    assert theirs.check_key([public_of(key)])
