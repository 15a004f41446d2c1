"""The predictor takes what it should and refuses the rest, whatever is sent."""

import json
import shutil
from dataclasses import replace

import jsonschema
import pytest

from switchyard.bundle import Bundle, Other, Signature, digest
from switchyard.bundle.keys import make_key, public_of
from switchyard.bundle.seal import Seal
from switchyard.predictionlog import VERIFICATION
from switchyard.serving import openapi
from switchyard.serving.errors import Refusal
from switchyard.serving.predictor import Predictor
from switchyard.serving.repeats import Repeats
from switchyard.serving.settings import Settings, SettingsError
from tests.switchyard.serving.cases import ROW, make_bundle


@pytest.fixture
def signed(bundles):
    """Settings of a service that checks who signed."""
    private = make_key()
    seal = Seal.make("loans", Bundle.read(bundles["binary"]).files, {}, private)
    return Settings(bundle=str(bundles["binary"]), name="loans", trusted_key=public_of(private), seal=seal.content.decode())


def test_a_service_takes_what_the_key_signed_that_its_deployment_trusts(signed):
    assert Predictor(signed).predict({"rows": [ROW]})["meta"]["tags"]["model"] == "loans"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seal": ""}, "the bundle is unsigned, and a signature is asked for"),
        ({"seal": "{}"}, "model.sig is no signature"),
        ({"trusted_key": public_of(make_key())}, "which is not the one that this deployment trusts"),
        ({"name": "cars"}, "model.sig is of the model 'loans'"),
    ],
)
def test_a_service_refuses_what_its_deployment_does_not_trust(signed, change, says):
    with pytest.raises(ValueError, match=says):
        Predictor(replace(signed, **change))


def test_a_service_refuses_another_bundle_with_the_digest_that_its_registry_gave_it(signed, bundles, tmp_path):
    other = make_bundle(tmp_path / "other", threshold=0.1)
    with pytest.raises(ValueError, match=r"model\.onnx is not what was signed"):
        Predictor(replace(signed, bundle=str(other), digest=digest(other)))


def schema_of(predictor, name):
    settings = Settings(bundle="x", entity_column="customer", time_column="applied")
    document = json.loads(openapi.document(predictor.signature, predictor.tags, predictor.example_rows, settings))
    return document, {"$ref": f"#/components/schemas/{name}", "components": document["components"]}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_documents_examples_are_what_it_says_and_what_is_answered(predictors, task):
    predictor = predictors[task]
    document, requests = schema_of(predictor, "PredictionRequest")
    answers = schema_of(predictor, "PredictionAnswer")[1]
    content = document["paths"]["/api/v1.0/predictions"]["post"]["requestBody"]["content"]["application/json"]

    assert set(content["examples"]) == {"rows", "ndarray", "jsonData"}
    for example in content["examples"].values():
        jsonschema.validate(example["value"], requests)
        jsonschema.validate(predictor.predict(example["value"]), answers)
    feedback = document["paths"]["/api/v1.0/feedback"]["post"]
    for example in feedback["requestBody"]["content"]["application/json"]["examples"].values():
        jsonschema.validate(example["value"], schema_of(predictor, "FeedbackRequest")[1])
    assert {"400", "401", "413", "429"} <= set(feedback["responses"])
    assert set(document["components"]["schemas"]["Row"]["properties"]) == {*ROW, "customer", "applied"}


def test_the_schema_and_the_predictor_agree(predictors):
    """What a schema can say of single values, it says rightly, both ways."""
    predictor = predictors["binary"]
    requests = schema_of(predictor, "PredictionRequest")[1]
    validator, disagreements = jsonschema.Draft202012Validator(requests), []
    values = [None, True, 0, 1, -2.5, "", "7", "-0.5", "x", "yes", "2020-01-01", "2020-01-01T10:00:00Z", "2020-13-01", [], {}]
    for name in ROW:
        for value in values:
            message = {"rows": [{**ROW, name: value}]}
            try:
                predictor.predict(message)
                taken = True
            except Refusal:
                taken = False
            if taken != validator.is_valid(message):
                disagreements.append((name, value, taken))
    assert disagreements == []


def test_settings_come_from_the_environment_and_parameters_win(tmp_path):
    environment = {"SWITCHYARD_BUNDLE": "b", "SWITCHYARD_LOG_EXCLUDE": "name, iban", "SWITCHYARD_MAX_ROWS": "7", "OTHER": "1"}
    settings = Settings.read(environment, {"version": 4, "log_exclude": '["a,b"]'})

    assert (settings.max_rows, settings.version, settings.log_exclude) == (7, "4", ("a,b",))
    assert Settings.read(settings.environment()) == settings
    for wrong, said in (
        ({}, "SWITCHYARD_BUNDLE"),
        ({**environment, "SWITCHYARD_MAX_ROWS": "many"}, "SWITCHYARD_MAX_ROWS is 'many'"),
        ({**environment, "SWITCHYARD_ROLE": "dark"}, "one of live, shadow"),
        ({**environment, "SWITCHYARD_LOG_URL": "oracle://x"}, "sqlite, postgresql"),
    ):
        with pytest.raises(SettingsError, match=said):
            Settings.read(wrong)
    with pytest.raises(SettingsError, match="no parameter 'versoin'"):
        Settings.read(environment, {"versoin": "4"})


def test_columns_that_training_left_out_are_logged_and_absent_ones_are_null(bundles, tmp_path):
    from switchyard.predictionlog.frames import scan
    from switchyard.predictionlog.journal import journals

    folder = shutil.copytree(bundles["binary"], tmp_path / "bundle")
    signature = Signature.read(folder)
    columns = tuple(replace(column, optional=column.name == "job") for column in signature.columns)
    others = (Other("Pool_QC", "dropped", "categorical"), Other("row", "id", "categorical"))
    (folder / "signature.json").write_text(replace(signature, columns=columns, others=others).to_json())
    predictor = Predictor(Settings(bundle=str(folder), log_url="sqlite:///x", journal=str(tmp_path)))
    row = {name: value for name, value in ROW.items() if name != "job"}

    with_null = predictor.predict({"rows": [{**ROW, "job": None, "Pool_QC": "Gd"}]})
    without = predictor.predict({"rows": [{**row, "Pool_QC": "Gd", "default": "yes", "shoe": 42}]})
    assert without["predictions"][0]["probabilities"] == with_null["predictions"][0]["probabilities"]
    assert without["meta"]["tags"] == {**with_null["meta"]["tags"], "unknown_columns": ["shoe"], "absent_columns": ["job"]}
    assert 'switchyard_input_missing_total{column="job"} 2' in predictor.metrics.text()
    with pytest.raises(Refusal, match="did you mean 'job'"):
        predictor.predict({"rows": [{**row, "Jobs": "pilot"}]})
    kept = [json.loads(payload)["inputs"] for payload in scan(journals(tmp_path)[0].read_bytes(), final=False).payloads]
    assert kept == [
        {name: [value] for name, value in {**ROW, "job": None, "Pool_QC": "Gd"}.items()},
        {name: [value] for name, value in {**row, "Pool_QC": "Gd"}.items()},
    ]


def logging_predictor(bundles, folder):
    return Predictor(Settings(bundle=str(bundles["binary"]), log_url="sqlite:///x", journal=str(folder), entity_column="customer"))


def records(folder):
    from switchyard.predictionlog.frames import scan
    from switchyard.predictionlog.journal import journals

    return [json.loads(payload) for payload in scan(journals(folder)[0].read_bytes(), final=False).payloads]


def test_every_answered_body_has_its_row_one_id_with_a_second_body_has_no_answer(bundles, tmp_path):
    predictor = logging_predictor(bundles, tmp_path)
    first = predictor.predict({"rows": [ROW]}, "order-1")
    assert predictor.predict({"rows": [dict(ROW)]}, "order-1") == first
    for other in ({"rows": [{**ROW, "age": 41}]}, {"rows": [{**ROW, "customer": "b"}]}, {"rows": [ROW, ROW]}):
        with pytest.raises(Refusal, match="'order-1' was used for another request") as refused:
            predictor.predict(other, "order-1")
        assert (refused.value.status, refused.value.reason) == (409, "ID_USED")
    # What was refused has used up nothing.
    with pytest.raises(Refusal):
        predictor.predict({"rows": [{**ROW, "age": "old"}]}, "order-2")
    predictor.predict({"rows": [ROW]}, "order-2")
    assert {json.dumps(record["inputs"]["age"]) for record in records(tmp_path)} == {"[40.0]"}


def test_ids_of_many_requests_are_told_apart():
    repeats = Repeats()
    assert all(repeats.take(f"id-{number}", b"a") for number in range(20_000))
    assert sum(repeats.take(f"id-{number}", b"b") for number in range(20_000)) < 2_000


def test_only_a_proof_of_the_bundle_has_the_id_of_one(bundles, tmp_path):
    predictor = logging_predictor(bundles, tmp_path)
    proof = f"{VERIFICATION}0"
    predictor.predict({"rows": [predictor.example_rows[0]["row"]]}, proof)
    for message, identity in (
        ({"rows": [{**ROW, "age": 41}]}, proof),
        ({"rows": [predictor.example_rows[0]["row"], ROW]}, proof),
        ({"rows": [{**ROW, "age": 42}], "meta": {"puid": "verify-mine"}}, None),
    ):
        with pytest.raises(Refusal, match="begin with verify- are the deployment's own"):
            predictor.predict(message, identity)


def test_who_chose_the_version_is_who_is_logged(bundles, tmp_path):
    predictor = logging_predictor(bundles, tmp_path)
    rows = [{**ROW, "customer": "c"}, {**ROW, "customer": None}]
    predictor.predict({"rows": rows}, entity_id="c")
    assert records(tmp_path)[0]["entities"] == ["c", "c"]
    for message in ({"rows": [*rows, {**ROW, "customer": "d"}]}, {"rows": [ROW], "meta": {"tags": {"entity_id": "d"}}}):
        with pytest.raises(Refusal, match="header x-entity-id.* says 'c' and the message 'd'"):
            predictor.predict(message, entity_id="c")


def test_a_row_far_outside_of_training_is_answered_with_a_mark(bundles, tmp_path):
    folder = shutil.copytree(bundles["binary"], tmp_path / "bundle")
    signature = Signature.read(folder)
    seen = {"age": (18.0, 90.0), "since": (1.5e9, 1.6e9)}
    columns = (replace(one, minimum=seen[one.name][0], maximum=seen[one.name][1]) if one.name in seen else one for one in signature.columns)
    (folder / "signature.json").write_text(replace(signature, columns=tuple(columns)).to_json())
    predictor = Predictor(Settings(bundle=str(folder)))

    def marks(*rows):
        tags = predictor.predict({"rows": list(rows)})["meta"]["tags"]
        return {name: value for name, value in tags.items() if name not in predictor.tags}

    usual = {**ROW, "age": 40, "since": "2019-01-01"}
    assert marks(usual) == marks({**usual, "age": 94, "since": "2021-01-01"}) == marks({**usual, "age": None}) == {}
    assert marks({**usual, "age": -5}) == {"unusual_columns": ["age"]}
    assert marks(usual, {**usual, "age": 1e9, "since": "1999-01-01"}) == {"unusual_columns": ["age", "since"]}
    nothing = dict.fromkeys(ROW)
    assert marks(nothing) == {"empty_rows": [0]} and marks(usual, nothing, {**nothing, "job": "x"}) == {"empty_rows": [1]}
    text = predictor.metrics.text()
    assert 'switchyard_input_unusual_total{column="age"} 2' in text
    assert 'switchyard_requests_marked_total{mark="unusual_columns"} 2' in text


def test_excluded_columns_and_times_in_the_journal(bundles, tmp_path):
    from switchyard.predictionlog.frames import scan
    from switchyard.predictionlog.journal import journals

    settings = Settings(
        bundle=str(bundles["binary"]), log_url="sqlite:///x", journal=str(tmp_path), log_exclude=("job",), time_column="applied"
    )
    Predictor(settings).predict({"rows": [{**ROW, "applied": "2024-05-01T12:00:00Z"}, {**ROW, "applied": None}]})

    (payload,) = scan(journals(tmp_path)[0].read_bytes(), final=False).payloads
    record = json.loads(payload)
    assert record["events"] == [1714564800.0, None]
    assert "job" not in record["inputs"] and record["inputs"]["applied"] == ["2024-05-01T12:00:00Z", None]
    with pytest.raises(Refusal, match="outside the years"):
        Predictor(settings).predict({"rows": [{**ROW, "applied": 1e15}]})


def test_a_refusal_names_its_principal_reasons_among_what_can_be_acted_on(bundles):
    def explained(refusal, actionable=()):
        predictor = Predictor(Settings(bundle=str(bundles["binary"]), refusal=refusal, actionable=actionable))
        (answer,) = predictor.explain({"rows": [{**ROW, "age": 90.0, "owner": True}]})["predictions"]
        return answer["label"], answer["explanation"]

    label, explanation = explained("yes")
    raising = [part["column"] for part in explanation["contributions"] if part["amount"] > 0]
    assert label == "yes" and explanation["principal_reasons"] == raising[:4] and raising[0] == "age"
    assert explained("yes", ("owner",))[1]["principal_reasons"] == ["owner"]
    assert "principal_reasons" not in explained("no")[1] and "principal_reasons" not in explained("")[1]
    with pytest.raises(SettingsError, match="serving.refusal is 'never', which is no class of the model; those are no, yes"):
        explained("never")
    with pytest.raises(SettingsError, match="serving.actionable names 'agee', which is no column"):
        explained("yes", ("agee",))


def test_reasons_of_a_refusal_to_the_negative_class_are_what_lowered_the_positive_one(bundles):
    predictor = Predictor(Settings(bundle=str(bundles["binary"]), refusal="no"))
    (answer,) = predictor.explain({"rows": [{**ROW, "age": -80.0}]})["predictions"]
    lowering = [part["column"] for part in answer["explanation"]["contributions"] if part["amount"] < 0]

    assert answer["label"] == "no" and answer["explanation"]["principal_reasons"] == lowering[:4] and lowering[0] == "age"
