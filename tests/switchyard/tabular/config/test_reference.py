"""The keys of a config as people and editors get them."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from switchyard.tabular.config.reference import FORMS, json_schema, keys

ROOT = Path(__file__).resolve().parents[4]


def test_every_key_says_what_it_does():
    assert [key.path for key in keys() if not key.description] == []


def test_a_key_has_its_section_its_default_and_its_limits():
    found = {key.path: key for key in keys()}
    assert (found["tuning.folds"].type, found["tuning.folds"].default) == ("whole number >= 2 and <= 20", "5")
    assert found["data.source"].default == ""
    assert {"data.columns.NAME.kind", "monitoring.channels[].url", "experiment.guardrails.business.value"} <= found.keys()
    assert len(found) == len(keys())


def test_lines_fit_a_terminal():
    assert max(map(len, FORMS["keys"]().splitlines())) <= 80


@pytest.mark.parametrize(("form", "file"), [("json", "configs/schema.json"), ("markdown", "docs/configuration.md")])
def test_what_is_kept_is_what_the_classes_say(form, file):
    assert (ROOT / file).read_text(encoding="utf-8") == FORMS[form](), "run make reference"


@pytest.mark.parametrize("config", ["configs/loans.yaml", "demo/loans-demo.yaml"])
def test_a_config_of_ours_fits_the_schema(config):
    jsonschema.validate(yaml.safe_load((ROOT / config).read_text(encoding="utf-8")), json_schema())


def test_the_schema_takes_plugins_as_people_write_them_and_refuses_a_slip():
    settings = {"name": "m", "plugins": ["plugins/own.py"], "data": {"source": "a.csv", "target": "y"}}
    jsonschema.validate(settings, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**settings, "tunning": {}}, json_schema())


def test_names_of_parts_are_offered():
    families = json_schema()["$defs"]["Tuning"]["properties"]["families"]
    assert {"lightgbm", "neural_network"} <= set(families["items"]["examples"])
