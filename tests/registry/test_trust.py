"""Whoever can write the registry cannot make a version that is deployed: a deployment believes keys that are not in it."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import mlflow
import pytest
import yaml
from click.testing import CliRunner
from zenml.exceptions import EntityExistsError

import run
from app.settings import settings_from
from registry import production, trust
from registry import reference as referencing
from registry import versions as registry
from registry.tracking import TrainingRecord
from stacks import keyring
from steps.registry import registration
from switchyard.bundle import Bundle
from switchyard.bundle.keys import make_key, public_of
from switchyard.bundle.seal import NAME, Seal
from switchyard.tabular.config.production import Trust
from switchyard.tabular.errors import InputError
from tests.switchyard.serving.cases import make_bundle


class Store:
    """ZenML's secret store, in memory."""

    def __init__(self):
        self.secrets = {}

    def get_secret(self, name, allow_partial_name_match=True):
        return SimpleNamespace(secret_values=dict(self.secrets[name]))

    def create_secret(self, name, values):
        if name in self.secrets:
            raise EntityExistsError(name)
        assert all(values.values())
        self.secrets[name] = dict(values)

    def update_secret(self, name, add_or_update_values):
        self.secrets[name] |= add_or_update_values


@pytest.fixture(autouse=True)
def store(monkeypatch):
    made = Store()
    monkeypatch.setattr(keyring, "Client", lambda: made)
    return made


@pytest.fixture(autouse=True)
def version(monkeypatch, tmp_path):
    """Folder of the MLflow run of `loans` version 1, which is unsigned."""
    for module in (registry, production, trust):
        monkeypatch.setattr(module, "connect_mlflow", lambda: mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db"))
    before = mlflow.get_tracking_uri()
    registry.connect_mlflow()
    client = mlflow.MlflowClient()
    run = client.create_run(client.create_experiment("loans", (tmp_path / "artifacts").as_uri()))
    client.log_artifacts(run.info.run_id, str(make_bundle(tmp_path / "loans")), "bundle")
    client.log_metric(run.info.run_id, "roc_auc", 0.75)
    client.create_registered_model("loans")
    tags = {registry.DIGEST_TAG: Bundle.read(tmp_path / "loans").digest, "code_commit": "abc"}
    client.create_model_version("loans", f"runs:/{run.info.run_id}/bundle", run.info.run_id, tags=tags)
    yield Path(unquote(urlsplit(run.info.artifact_uri).path))
    mlflow.set_tracking_uri(before)


def opened():
    return production.find_version("loans", "1")


def sign(folder, private, name="loans"):
    files = Bundle.read(folder / "bundle").files
    (folder / NAME).write_bytes(Seal.make(name, files, {}, private).content)


def test_a_version_that_was_signed_is_deployed_and_says_by_whom(version):
    trust.seal_version("loans", "1", "anna")

    trust.require_trusted(opened(), Trust(require="signed"))
    assert trust.signer_of(opened(), Trust()) == ("anna", "")
    claims = opened().seal.claims
    assert claims["code_commit"] == "abc" and claims["metrics"] == {"roc_auc": 0.75} and claims["who"] == "anna"


def test_who_can_write_the_registry_makes_no_version_that_is_deployed(version, tmp_path):
    trust.seal_version("loans", "1", "anna")
    shutil.rmtree(version / "bundle")
    make_bundle(version / "bundle", threshold=0.1)
    digest = Bundle.read(version / "bundle").digest
    mlflow.MlflowClient().set_model_version_tag("loans", "1", registry.DIGEST_TAG, digest)

    with pytest.raises(registry.ChangedVersion, match="model.onnx is not what was signed"):
        opened()
    (version / NAME).unlink()
    with pytest.raises(trust.UntrustedVersion, match="version 1 of 'loans' is unsigned, and trust.require is known: .*keys sign loans:1"):
        trust.require_trusted(opened(), Trust())
    sign(version, make_key())
    with pytest.raises(trust.UntrustedVersion, match="is none that this deployment trusts"):
        trust.require_trusted(opened(), Trust())


def test_a_service_is_told_the_signature_and_the_one_key_that_it_must_be_by(version):
    assert trust.proof_for_serving(opened(), Trust()) == {}
    trust.seal_version("loans", "1", "anna")
    signer = trust.read_keyring().signing
    told = {"trusted_key": signer.public, "seal": opened().seal.content.decode()}

    assert trust.proof_for_serving(opened(), Trust()) == told
    keyring.write_keyring(trust.read_keyring().with_key(public_of(make_key()), "ben"))
    assert trust.proof_for_serving(opened(), Trust()) == told == trust.proof_for_serving(opened(), Trust(keys=(signer.id,)))
    assert trust.proof_for_serving(opened(), Trust(keys=(public_of(make_key()),))) == {}


def test_what_was_changed_on_its_way_to_where_it_is_deployed_is_not_deployed(version, tmp_path):
    trust.seal_version("loans", "1", "anna")
    other = Bundle.read(make_bundle(tmp_path / "other", threshold=0.1))
    swapped = replace(opened(), bundle=other, digest=other.digest)
    forged = replace(opened(), seal=Seal(opened().seal.content.replace(b'"sig": "ME', b'"sig": "MA')))
    for require in ("signed", "known", "nothing"):
        with pytest.raises(trust.UntrustedVersion, match="is not what was signed: .*model.onnx is not what was signed"):
            trust.require_trusted(swapped, Trust(require=require))
        with pytest.raises(trust.UntrustedVersion, match="is not what was signed: model.sig was not made by the key"):
            trust.require_trusted(forged, Trust(require=require))
    assert "is not what was signed" in trust.signer_of(forged, Trust())[1]


def test_what_a_training_registers_is_signed_with_its_bill_of_materials(monkeypatch, version):
    logged = []
    user = SimpleNamespace(user=SimpleNamespace(name="anna"))
    monkeypatch.setattr(registration, "get_step_context", lambda: SimpleNamespace(pipeline_run=user))
    monkeypatch.setattr(registration, "log_training", lambda record: (logged.append(record), ("run", "uri"))[1])
    monkeypatch.setattr(registration, "register_version", lambda *_: "2")
    monkeypatch.delenv("SWITCHYARD_USER", raising=False)
    bundle = Bundle.read(version / "bundle")
    record = TrainingRecord(
        "training",
        "one",
        {},
        {"roc_auc": 0.8, "gain": math.nan},
        {"data_source": "builtin:loans"},
        (),
        {"reference/rows.parquet": b"rows"},
        dict(bundle.files),
        bundle.digest,
    )
    for verdict in ("challenger", "rejected"):
        registration.register("loans", record, SimpleNamespace(verdict=verdict))
    assert logged[0].tags[referencing.REFERENCE_TAG] == referencing.digest_reference({"rows.parquet": b"rows"})

    registered, rejected = (record.files for record in logged)
    bill = json.loads(registered[registration.BILL])
    claims = Seal(registered[NAME]).claims
    assert bill["metadata"]["component"]["version"] == bundle.digest and claims["who"] == "anna"
    assert claims["metrics"] == {"roc_auc": 0.8}
    assert claims["sbom"] == f"sha256:{hashlib.sha256(registered[registration.BILL]).hexdigest()}"
    assert NAME not in rejected and registration.BILL in rejected


def test_a_signed_version_of_one_model_is_none_of_another(version):
    ring = keyring.ensure_signing("anna", list)
    sign(version, ring.private, name="wine")
    with pytest.raises(registry.ChangedVersion, match="is of the model 'wine'"):
        opened()


def test_what_was_registered_before_the_first_key_is_deployed_with_a_line(caplog):
    with caplog.at_level(logging.INFO):
        trust.require_trusted(opened(), Trust())
        keyring.ensure_signing("anna", trust.registered_digests)
        trust.require_trusted(opened(), Trust())
    assert caplog.text.count("version 1 of 'loans' is unsigned; it is known by its digest alone") == 2
    with pytest.raises(trust.UntrustedVersion, match="trust.require is signed"):
        trust.require_trusted(opened(), Trust(require="signed"))


def test_a_config_may_name_whom_it_believes(version):
    mine, other = make_key(), make_key()
    sign(version, mine)
    identity = opened().seal.key
    for keys in ((identity,), (public_of(mine),), (public_of(other), identity)):
        trust.require_trusted(opened(), Trust(keys=keys, require="signed"))
    with pytest.raises(trust.UntrustedVersion):
        trust.require_trusted(opened(), Trust(keys=(public_of(other),)))
    with pytest.raises(ValueError, match="no public key and no certificate"):
        Trust(keys=("key.pem",))


def test_a_key_that_is_rotated_out_is_believed_and_one_that_is_revoked_is_not(version):
    trust.seal_version("loans", "1", "anna")
    ring = keyring.read_keyring()
    new = make_key()
    keyring.write_keyring(ring.with_key(public_of(new), "anna", new))
    trust.require_trusted(opened(), Trust())

    ring = keyring.read_keyring()
    keyring.write_keyring(ring.without(ring.keys[0], "lost with a laptop"))
    with pytest.raises(trust.UntrustedVersion, match=r"key .* of anna, which was revoked on .* \(lost with a laptop\)"):
        trust.require_trusted(opened(), Trust())
    with pytest.raises(trust.UntrustedVersion, match="revoked"):
        trust.require_trusted(opened(), Trust(keys=(opened().seal.key,)))
    with pytest.raises(InputError, match="was revoked on"):
        keyring.read_keyring().with_key(ring.keys[0].public, "anna")
    trust.seal_version("loans", "1", "anna")
    trust.require_trusted(opened(), Trust(require="signed"))


def test_two_first_trainings_have_one_key(store, monkeypatch):
    first = keyring.ensure_signing("anna", list)
    seen = [keyring.Keyring(), None]
    monkeypatch.setattr(keyring, "read_keyring", lambda read=keyring.read_keyring: seen.pop(0) or read())
    assert keyring.ensure_signing("ben", list) == first


def test_the_first_registration_makes_a_key_and_a_revoked_one_is_followed_by_another():
    ring = keyring.ensure_signing("anna", list)
    keyring.write_keyring(ring.without(ring.signing, ""))
    again = keyring.ensure_signing("anna", list)

    assert len(again.keys) == 2 and again.signing.id == again.keys[1].id and again == keyring.read_keyring()
    assert again.trusted() == (again.keys[1].public,)
    with pytest.raises(InputError, match="no key's id begins with 'zz'"):
        again.named("zz")


def test_a_version_keeps_its_signature_on_its_way_to_where_it_is_deployed(version, tmp_path):
    trust.seal_version("loans", "1", "anna")
    kept = tmp_path / "kept"
    kept.mkdir()
    opened().write(kept)
    assert registry.Registered.read(kept) == opened() != replace(opened(), seal=None)


def test_the_config_that_the_registry_keeps_has_no_say_in_trust(monkeypatch, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "loans.yaml").write_text("name: loans\ndata: {source: builtin:loans, target: default}\n")
    kept = {"name": "bank", "data": {"source": "builtin:loans", "target": "default"}, "trust": {"require": "nothing"}}
    monkeypatch.setattr(registry, "configs", lambda name: iter([("3", kept)]))
    monkeypatch.setattr("app.settings.ensure_stack", lambda root: "local")
    assert settings_from(tmp_path, None, name="bank")[0].trust == Trust()


@pytest.fixture
def cli(monkeypatch):
    """run.py on this registry: exit code and what it printed."""
    monkeypatch.setattr("app.repository.ensure_stack", lambda root: "local")

    def call(*arguments):
        done = CliRunner().invoke(run.cli, list(arguments))
        if done.exception and not isinstance(done.exception, SystemExit):
            return 1, f"{done.output}{done.exception}"
        return done.exit_code, done.output

    return call


def test_keys_are_listed_made_anew_trusted_and_taken_back_by_commands(cli, tmp_path):
    assert cli("keys") == (0, "no key yet: the first training makes one\n")
    code, public = cli("keys", "public")
    assert code == 0 and public.startswith("-----BEGIN PUBLIC KEY-----")
    first = keyring.read_keyring().signing.id
    code, listed = cli("keys", "rotate")
    assert code == 0 and f"{first}  trusted" in listed and "signs" in listed
    own = make_key()
    (tmp_path / "own.pem").write_text(own)
    (tmp_path / "other.pem").write_text(public_of(make_key()))
    assert cli("keys", "use", str(tmp_path / "own.pem"))[0] == 0 and keyring.read_keyring().private.strip() == own.strip()
    assert "ben, since" in cli("keys", "trust", str(tmp_path / "other.pem"), "--owner", "ben")[1]
    assert cli("keys", "revoke", first[:10], "--why", "lost") == (0, f"{first[:12]} of {keyring.read_keyring().keys[0].owner} is revoked\n")
    assert f"{first}  revoked" in cli("keys")[1]
    assert "can't be trusted: it is no public key" in cli("keys", "trust", str(tmp_path / "own.pem"), "--owner", "ben")[1]
    assert "can't sign: it is no private key" in cli("keys", "use", str(tmp_path / "other.pem"))[1]


def test_verify_says_who_signed_and_what_was_changed(cli, version):
    code, said = cli("verify", "loans:1")
    assert code == 0 and "signed    by nobody" in said
    assert cli("keys", "sign", "loans:1")[0] == 0
    code, said = cli("verify", "loans:1")
    assert code == 0 and "trusted" in said and "code commit abc" in said and "scores    roc_auc 0.75" in said
    assert "model.onnx, signature.json are what was signed" in said
    (version / "bundle" / "model.onnx").write_bytes(b"other")
    code, said = cli("verify", "loans:1")
    assert code == 1 and "model.onnx is not what was signed" in said


def test_a_config_in_the_repository_says_what_verify_asks_for(cli, version, tmp_path, monkeypatch):
    from app.commands.verify import trust_of

    (tmp_path / "configs").mkdir()
    settings = {"name": "loans", "data": {"source": "builtin:loans", "target": "default"}, "trust": {"require": "signed"}}
    (tmp_path / "configs" / "loans.yaml").write_text(yaml.safe_dump(settings))
    assert trust_of(tmp_path, "loans").require == "signed" and trust_of(tmp_path, "wine") == Trust()
