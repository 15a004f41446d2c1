"""What a stack's YAML asks of a run, without anything run."""

import pytest
import yaml
from zenml.config import DockerSettings
from zenml.integrations.kubernetes.flavors.kubernetes_orchestrator_flavor import KubernetesOrchestratorSettings
from zenml.orchestrators.local_docker.local_docker_orchestrator import LocalDockerOrchestratorSettings

from app.commands import NAMES
from stacks.settings import parallel_families, run_settings
from switchyard.tabular.errors import InputError

SECTION = {
    "parallel": 3,
    "all": {
        "docker": {"parent_image": "{image}", "env": ["{commit}"]},
        "orchestrator": {"account": "steps", "pod": {"cpu": 1, "memory": "1Gi"}},
    },
    "pipelines": {"deployment": {"orchestrator": {"account": "deployer"}}},
    "steps": {
        "*": {"retry": {"max_retries": 2}},
        "tune_*": {"orchestrator": {"pod": {"memory": "4Gi"}, "tolerations": [{"key": "gpu"}]}},
        "tune_xgboost": {"orchestrator": {"tolerations": []}},
    },
}


def write(folder, section):
    (folder / "there.yaml").write_text(yaml.safe_dump({"name": "there", "components": {}, "settings": section}))


def settings(folder, pipeline="training", steps=("load_table", "tune_lightgbm", "tune_xgboost"), image="registry/image:1"):
    return run_settings("there", pipeline, steps, {"image": lambda: image, "commit": lambda: "abc"}, folder)


def test_later_and_closer_settings_win_and_the_rest_is_kept(tmp_path):
    write(tmp_path, SECTION)
    chosen = settings(tmp_path)
    assert chosen.settings["docker"] == {"parent_image": "registry/image:1", "env": ["abc"]}
    assert chosen.retry is None
    assert chosen.steps["load_table"]["settings"]["orchestrator"] == {"account": "steps", "pod": {"cpu": 1, "memory": "1Gi"}}
    tuning = chosen.steps["tune_lightgbm"]
    assert tuning["retry"] == {"max_retries": 2}
    assert tuning["settings"]["orchestrator"] == {"account": "steps", "pod": {"cpu": 1, "memory": "4Gi"}, "tolerations": [{"key": "gpu"}]}
    assert chosen.steps["tune_xgboost"]["settings"]["orchestrator"]["tolerations"] == []
    assert parallel_families("there", tmp_path) == 3


def test_a_pipeline_has_its_own_and_so_have_its_steps(tmp_path):
    write(tmp_path, SECTION)
    chosen = settings(tmp_path, "deployment", ["deploy_version"])
    assert chosen.settings["orchestrator"]["account"] == "deployer"
    assert chosen.steps["deploy_version"]["settings"]["orchestrator"]["account"] == "deployer"


def test_no_image_is_built_where_none_is_mentioned(tmp_path):
    write(tmp_path, {"steps": {"*": {"retry": {"max_retries": 1}}}})

    def build():
        raise AssertionError("built")

    assert run_settings("there", "training", ["load_table"], {"image": build}, tmp_path).options() == {
        "steps": {"load_table": {"settings": {}, "retry": {"max_retries": 1}}}
    }
    assert run_settings("nowhere", "training", ["load_table"], {"image": build}, tmp_path).options() == {}


@pytest.mark.parametrize("section", [{"step": {}}, {"steps": {"*": 3}}, {"parallel": 0}, ["all"]])
def test_a_wrong_section_is_named(tmp_path, section):
    write(tmp_path, section)
    with pytest.raises(InputError, match=r"there.yaml: settings"):
        settings(tmp_path)


KINDS = {"docker": DockerSettings, "orchestrator": KubernetesOrchestratorSettings}


@pytest.mark.parametrize(
    "section, key",
    [
        ({"all": {"docker": {"parent_imag": "x"}}}, "every run: docker.parent_imag is unknown; did you mean 'parent_image'"),
        ({"all": {"orchestrater": {}}}, "every run: orchestrater is unknown; did you mean 'orchestrator'"),
        ({"pipelines": {"training": {"orchestrator": {"synchronus": False}}}}, "every run: orchestrator.synchronus"),
        (
            {"steps": {"load_*": {"orchestrator": {"pod_settings": {"tolerationz": []}}}}},
            "step load_table: orchestrator.pod_settings.tolerationz",
        ),
    ],
)
def test_a_key_that_zenml_would_drop_is_named(tmp_path, section, key):
    write(tmp_path, section)
    with pytest.raises(InputError, match=f"there.yaml: settings of {key}"):
        settings(tmp_path).check("there", KINDS)


@pytest.mark.parametrize(
    "stack, orchestrator", [("kubernetes", KubernetesOrchestratorSettings), ("docker", LocalDockerOrchestratorSettings), ("local", None)]
)
def test_the_stacks_have_no_key_that_zenml_would_drop(stack, orchestrator):
    values = {"image": lambda: "registry/image:1", "commit": lambda: "abc"}
    for pipeline in NAMES:
        wanted = run_settings(stack, pipeline, ["load_table", "tune_lightgbm", "build_ensemble"], values)
        wanted.check(stack, {"docker": DockerSettings, "orchestrator": orchestrator})


def test_a_stack_file_that_says_a_thing_twice_is_refused(tmp_path):
    (tmp_path / "there.yaml").write_text("name: there\nsettings:\n  parallel: 2\n  parallel: 3\n")
    with pytest.raises(InputError, match=r"stack file .*there\.yaml, line 4: key 'parallel' stands in line 3 already"):
        parallel_families("there", tmp_path)
