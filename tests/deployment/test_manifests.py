"""What the cluster's host asks for, without a cluster."""

import json
from dataclasses import replace

import pytest

from deployment.host import Release
from deployment.kubernetes import frontdoor, manifests
from deployment.kubernetes.doors import added_up
from deployment.kubernetes.names import DIGEST, INSTANCE, VERSION, Names
from deployment.kubernetes.options import KubernetesOptions
from deployment.kubernetes.state import Slot, State
from stacks.cluster.objects import RESTRICTED
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.frontdoor.wish import FILE, TOKENS, Wish

NAMES = Names.of("loans")
OPTIONS = KubernetesOptions(serving_image="registry/serving:1", frontdoor_image="registry/frontdoor:1")
RELEASE = Release("loans", "3", "sha256:" + "ab" * 32, {}, settings={"max_rows": 7, "log_exclude": ["job"]}, uri="s3://bucket/bundle")


def slot(name, role="live", options=OPTIONS, **changes):
    release = replace(RELEASE, role=role, version=name.removeprefix("v"))
    return Slot(name, release.version, release.digest, role, manifests.predictor(release, name, NAMES, options), **changes)


def state_of(*slots, traffic=Traffic()):
    return State("loans", frontdoor.door(OPTIONS), slots, traffic)


def predictors(state):
    return state.seldon_deployment(NAMES)["spec"]["predictors"]


def pod_specs():
    yield manifests.predictor(RELEASE, "v3", NAMES, OPTIONS)["componentSpecs"][0]["spec"]
    yield frontdoor.objects(NAMES, OPTIONS)[0]["spec"]["template"]["spec"]


def test_a_predictor_is_one_seldon_runs_without_an_executor_and_says_what_it_is():
    made = manifests.predictor(RELEASE, "v3", NAMES, OPTIONS)
    component = made["componentSpecs"][0]
    container = component["spec"]["containers"][0]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}

    assert made["annotations"]["seldon.io/no-engine"] == "true" and made["graph"]["name"] == container["name"]
    assert (component["replicas"], container["resources"]["requests"], container["resources"]["limits"]) == (
        3,
        {"memory": "512Mi", "cpu": "500m", "ephemeral-storage": "1Gi"},
        {"memory": "1Gi", "cpu": "1000m"},
    )
    assert made["annotations"][DIGEST] == RELEASE.digest and made["labels"][VERSION] == "3" and made["labels"][INSTANCE] == "v3"
    assert all(len(value) <= 63 for value in made["labels"].values())
    assert environment["SWITCHYARD_MAX_ROWS"] == "7" and environment["SWITCHYARD_LOG_EXCLUDE"] == '["job"]'
    assert environment["SWITCHYARD_DIGEST"] == RELEASE.digest
    probes = [container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert probes == ["/health/status", "/health/status", "/health/ping"]


def test_secrets_are_named_and_never_written_down():
    spec = manifests.predictor(RELEASE, "v3", NAMES, OPTIONS)["componentSpecs"][0]["spec"]
    log = next(entry for entry in spec["containers"][0]["env"] if entry["name"] == "SWITCHYARD_LOG_URL")

    assert log == {"name": "SWITCHYARD_LOG_URL", "valueFrom": {"secretKeyRef": {"name": "databases", "key": "predictions-url"}}}
    assert spec["initContainers"][0]["envFrom"] == [{"secretRef": {"name": "object-store"}}]
    without = manifests.predictor(RELEASE, "v3", NAMES, replace(OPTIONS, log_secret=""))["componentSpecs"][0]["spec"]
    assert not any("LOG_URL" in entry["name"] for entry in without["containers"][0]["env"])


@pytest.mark.parametrize("spec", pod_specs())
def test_pods_have_no_more_rights_than_restricted_ones(spec):
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        assert container["securityContext"] == RESTRICTED
        assert container["resources"]["limits"]["memory"]
    assert all(not volume.get("hostPath") for volume in spec["volumes"])
    assert spec["affinity"]["podAntiAffinity"]


@pytest.mark.parametrize("spec", pod_specs())
def test_no_pod_can_fill_its_nodes_disk(spec):
    assert all(volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"] if "emptyDir" in volume)
    assert all(container["resources"]["requests"]["ephemeral-storage"] for container in spec["containers"])


def test_a_journal_stops_growing_before_its_volume_is_full_and_its_pod_evicted():
    spec = manifests.predictor(RELEASE, "v3", NAMES, OPTIONS)["componentSpecs"][0]["spec"]
    environment = {entry["name"]: entry.get("value") for entry in spec["containers"][0]["env"]}
    limits = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"]}
    assert limits["journal"] == "1Gi" and int(environment["SWITCHYARD_JOURNAL_BYTES"]) <= 1024**3 / 2
    assert spec["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "1Gi"


def test_an_autoscaler_takes_the_place_of_replicas():
    made = manifests.predictor(RELEASE, "v3", NAMES, replace(OPTIONS, replicas=1, max_replicas=2))
    component = made["componentSpecs"][0]

    assert "replicas" not in component and component["hpaSpec"]["minReplicas"] == 1 and component["hpaSpec"]["maxReplicas"] == 2
    assert manifests.replicas_of(made) == 1
    assert manifests.idle(made)["componentSpecs"][0]["replicas"] == 0 and "hpaSpec" not in manifests.idle(made)["componentSpecs"][0]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((), [100, 0]),
        ((("v2", 1000), ("v1", 9000)), [90, 10]),
        ((("v2", 3333), ("v1", 6667)), [67, 33]),
        ((("v2", 1), ("v1", 9999)), [100, 0]),
        ((("v2", 10000),), [0, 100]),
    ],
)
def test_traffic_agrees_with_the_front_door_and_adds_up(weights, shares):
    state = state_of(slot("v1"), slot("v2"), slot("v3", "shadow"), traffic=Traffic(weights))

    assert [entry["traffic"] for entry in predictors(state)] == [*shares, 0]
    assert [entry.get("shadow", False) for entry in predictors(state)] == [False, False, True]


def test_changing_the_traffic_changes_nothing_else():
    before = predictors(state_of(slot("v1"), slot("v2")))
    after = predictors(state_of(slot("v1"), slot("v2"), traffic=Traffic.all_to("v2")))

    assert [{**entry, "traffic": 0} for entry in before] == [{**entry, "traffic": 0} for entry in after]


def test_no_predictor_moves_up_when_one_before_it_goes():
    both = state_of(slot("v1"), slot("v2"))
    left = both.without("v1")

    assert [entry["name"] for entry in predictors(left)] == ["v1", "v2"] and [one.name for one in left.instances] == ["v2"]
    assert predictors(left)[0]["componentSpecs"][0]["replicas"] == 0
    assert predictors(left)[1]["componentSpecs"] == predictors(both)[1]["componentSpecs"]
    third = left.with_instance(slot("v3"))
    assert [entry["name"] for entry in predictors(third)] == ["v3", "v2"]
    # What did not come up leaves the place as it was.
    assert third.without("v3", left.slots) == left
    assert third.without("v3").without("v2").seldon_deployment(NAMES) is None
    assert both.without("v2").slots == both.slots[:1]


def test_the_state_comes_back_from_its_secret_and_the_front_door_sees_its_part_alone():
    state = state_of(slot("v1"), slot("v2", status="stopped"), traffic=Traffic.all_to("v1")).counted()
    secret = state.to_secret(NAMES, "default a-token-that-is-long\n", "17")
    mounted = frontdoor.objects(NAMES, OPTIONS)[0]["spec"]["template"]["spec"]["volumes"][0]["secret"]

    assert State.from_secret(secret) == (state, "default a-token-that-is-long\n")
    assert secret["metadata"]["resourceVersion"] == "17"
    assert {item["key"] for item in mounted["items"]} == {FILE, TOKENS} and mounted["secretName"] == secret["metadata"]["name"]
    wish = state.wish(NAMES)
    assert Wish.from_json(wish.to_json()) == wish
    # What a front door of before knows nothing of would keep it from its routes.
    assert not {"certificate", "key", "requests_per_second_of_client"} & set(json.loads(wish.to_json())["door"])
    limited = replace(wish, door=replace(wish.door, requests_per_second_of_client=50))
    assert Wish.from_json(limited.to_json()) == limited
    assert [(one.name, one.host) for one in wish.upstreams] == [("v1", "loans-v1-pods")]
    assert wish.door.authentication and wish.door.host == "0.0.0.0"


def test_names_are_such_as_the_cluster_takes_and_never_shared():
    models = ["loans", "Loans", "my_model", "my-model", "7days", "x" * 63, "x" * 62 + "y"]
    scopes = [Names.of(model).scope for model in models]

    assert len(set(scopes)) == len(models) and scopes[0] == "loans"
    assert all(scope[0].isalpha() and len(scope) <= 40 and scope == scope.lower() for scope in scopes)


def test_an_ingress_offers_the_model_by_name():
    options = replace(OPTIONS, ingress_host="{model}.example.com", ingress_tls_secret="certificate", ingress_class="nginx")
    ingress = frontdoor.objects(NAMES, options)[-1]

    assert ingress["spec"]["rules"][0]["host"] == "loans.example.com" and ingress["spec"]["tls"][0]["hosts"] == ["loans.example.com"]


def test_counts_of_several_pods_are_one_page():
    page = (
        '# TYPE rq counter\nrq{v="1"} 2\nrq{v="2"} 1\n# TYPE t histogram\nt_bucket{v="1",le="0.5"} 1\nt_sum{v="1"} 0.25\nt_count{v="1"} 1\n'
    )

    assert added_up([page, page]).splitlines() == [
        "# TYPE rq counter",
        'rq{v="1"} 4',
        'rq{v="2"} 2',
        "# TYPE t histogram",
        't_bucket{v="1",le="0.5"} 2',
        't_sum{v="1"} 0.5',
        't_count{v="1"} 2',
    ]
    assert added_up([]) == ""
