"""The cluster's host against a cluster in memory: what it does when it can't see, and beside others."""

import logging
from dataclasses import replace

import pytest

from deployment.host import DeploymentError
from deployment.kubernetes.doors import FrontDoors
from deployment.kubernetes.host import KubernetesHost
from deployment.kubernetes.lost import lost_models
from deployment.kubernetes.manifests import SECRETS
from deployment.kubernetes.renewing import renew_models
from deployment.kubernetes.rights import RULES, let_deploy_all, let_read_all
from deployment.kubernetes.store import Store
from stacks.cluster.errors import Forbidden
from switchyard.serving.frontdoor.pod import STATUS_PORT
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.cluster import FIRST_METRICS_PORT, OPTIONS, SOON, names, quick_cluster, release, serving_host


@pytest.fixture
def cluster(monkeypatch):
    return quick_cluster(monkeypatch)


@pytest.fixture
def host(cluster):
    return serving_host(cluster)


def test_pods_are_asked_by_the_ports_that_are_open_to_the_api_server_and_no_other(host, cluster):
    asked = set()
    cluster.ask = lambda pod, port, path, ask=cluster.ask: asked.add(port) or ask(pod, port, path)
    host.start(release("2"), SOON)
    host.settle_log("loans", None, SOON)
    host.delete("loans", "v2", SOON)

    assert asked == {STATUS_PORT, FIRST_METRICS_PORT, FIRST_METRICS_PORT + 1}


def test_the_deployers_role_covers_what_its_host_reads_and_writes(host, cluster):
    host.start(release("2"), SOON)
    host.delete("loans", "v2", SOON)
    host.remove("loans", SOON)
    allowed = {resource for rule in RULES for resource in rule["resources"]}
    plural = {"Ingress": "ingresses"}

    assert {plural.get(kind, f"{kind.lower()}s") for kind in cluster.asked} <= allowed
    assert not any("*" in rule["verbs"] + rule["resources"] for rule in RULES)


def test_who_looks_at_models_reads_the_secret_of_each_and_no_other(cluster):
    host = KubernetesHost(cluster, replace(OPTIONS, readers=("observer", "monitoring")))
    host.start(release("1"), SOON)
    host.start(release("2"), SOON)
    (role,), (binding,) = ([one for (of, _), one in cluster.objects.items() if of == kind] for kind in ("Role", "RoleBinding"))

    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["loans-frontdoor"], "verbs": ["get"]}]
    assert {(one["kind"], one["name"], one["namespace"]) for one in binding["subjects"]} == {
        ("ServiceAccount", name, cluster.namespace) for name in ("observer", "monitoring")
    }
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    for made in (role, binding):
        (owner,) = made["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Secret", "loans-frontdoor") and owner["uid"] in cluster.uids("Secret")


def test_models_of_before_are_opened_to_who_looks_at_them_and_to_who_deploys(host, cluster):
    assert not [name for kind, name in cluster.objects if kind == "Role"]
    for _ in range(2):
        let_read_all(cluster, ("observer",))
        let_deploy_all(cluster, "deployer")
    assert len([name for kind, name in cluster.objects if kind == "Role"]) == 2


def test_who_deploys_is_let_have_the_secret_of_that_model_before_it_is_there_and_as_long_as_the_model_is(cluster):
    assert all(rule["verbs"] == ["create"] for rule in RULES if "secrets" in rule["resources"])
    host = KubernetesHost(cluster, replace(OPTIONS, deployer="deployer"))
    host.admit("loans")
    role = cluster.get("Role", "loans-frontdoor-deployer")
    binding = cluster.get("RoleBinding", "loans-frontdoor-deployer")

    (rule,) = role["rules"]
    assert (rule["resourceNames"], set(rule["verbs"])) == (["loans-frontdoor"], {"get", "update", "delete"})
    assert [one["name"] for one in binding["subjects"]] == ["deployer"] and binding["roleRef"]["name"] == role["metadata"]["name"]
    host.start(release("1"), SOON)
    host.remove("loans", SOON)
    assert not [key for key in cluster.objects if key[0] in ("Role", "RoleBinding")]


def test_an_account_that_was_not_let_deploy_a_model_says_who_lets_it(cluster, monkeypatch):
    def refuse(kind, name):
        if kind == "Secret":
            raise Forbidden("secrets is forbidden", 403)

    monkeypatch.setattr(cluster, "get", refuse)
    with pytest.raises(DeploymentError, match="loans is not for this account to deploy .*--pipeline deployment, by who may make Roles"):
        KubernetesHost(cluster, OPTIONS).start(release("1"), SOON)


def test_an_account_that_may_not_grant_deploys_all_the_same(cluster, monkeypatch, caplog):
    write = cluster.write

    def refuse(manifest):
        if manifest["kind"] == "Role":
            raise Forbidden("roles is forbidden", 403)
        write(manifest)

    monkeypatch.setattr(cluster, "write", refuse)
    host = KubernetesHost(cluster, replace(OPTIONS, readers=("observer",)))
    with caplog.at_level(logging.WARNING):
        host.start(release("1"), SOON)
    assert names(host) == ["v1"] and "can't be looked at by observer: roles is forbidden" in caplog.text


def test_a_reader_takes_a_model_without_a_secret_for_one_that_is_not_deployed(host, cluster, monkeypatch):
    """Kubernetes says of a name that it does not know what it says of one that one may not read."""
    get = cluster.get

    def refuse(kind, name):
        if kind == "Secret":
            raise Forbidden("secrets is forbidden", 403)
        return get(kind, name)

    monkeypatch.setattr(cluster, "get", refuse)
    assert host.inspect("other") is None
    with pytest.raises(DeploymentError, match="secrets is forbidden"):
        host.inspect("loans")


def test_who_is_told_the_log_reads_no_secret_for_it(host, cluster, monkeypatch):
    monkeypatch.setenv("SWITCHYARD_PREDICTIONS", "postgresql://log")
    cluster.asked.clear()
    assert host.log_url("loans") == "postgresql://log" and not cluster.asked


def test_counts_that_can_not_be_had_are_not_taken_for_none(host, cluster):
    cluster.answer(requests=3)
    assert "} 3" in host.statistics("loans")
    cluster.silent = {STATUS_PORT}

    with pytest.raises(DeploymentError, match="port 9902: i/o timeout"):
        host.statistics("loans")


def test_a_front_door_that_is_not_ready_may_be_silent(host, cluster):
    cluster.silent = {STATUS_PORT}
    pods = cluster._pods
    cluster._pods = lambda wanted: [{**pod, "status": {**pod["status"], "conditions": []}} for pod in pods(wanted)]

    assert host.statistics("loans") == ""


def test_a_journal_that_can_not_be_seen_is_not_taken_for_empty(host, cluster, caplog):
    assert host.settle_log("loans", None, SOON) == 0
    cluster.answer(waiting=70)
    assert host.settle_log("loans", None, SOON) == 70
    cluster.silent = {FIRST_METRICS_PORT}
    with caplog.at_level(logging.WARNING):
        assert host.settle_log("loans", None, SOON) is None
    assert "port 6000: i/o timeout" in caplog.text


def test_an_instance_whose_requests_are_not_known_is_stopped_late_and_with_a_warning(host, cluster, caplog):
    host.start(release("2"), SOON)
    cluster.silent = {STATUS_PORT}
    with caplog.at_level(logging.WARNING):
        host.delete("loans", "v2", SOON)

    assert "whether it answers any request is not known" in caplog.text and names(host) == ["v1"]


def test_a_front_door_that_does_not_answer_says_why(host, cluster):
    cluster.silent = {STATUS_PORT}
    with pytest.raises(DeploymentError, match=r"did not take up its routes .* port 9902: i/o timeout"):
        host.shift("loans", Traffic(), SOON)
    assert host.inspect("loans").traffic == Traffic.all_to("v1")


def overtake(monkeypatch, owner, name, act):
    """Have `act` run in place of the next call of `owner`'s method, which gets what it was called with."""
    method = getattr(owner, name)

    def once(*arguments):
        monkeypatch.setattr(owner, name, method)
        act(*arguments)

    monkeypatch.setattr(owner, name, once)


def test_a_shift_that_fails_leaves_what_somebody_else_has_shifted_since(host, cluster, monkeypatch):
    host.start(release("2"), SOON)
    other = KubernetesHost(cluster, OPTIONS)

    def be_late(*_):
        other.shift("loans", Traffic.all_to("v2"), SOON)
        raise DeploymentError("late")

    overtake(monkeypatch, FrontDoors, "wait_applied", be_late)
    with pytest.raises(DeploymentError, match="late"):
        host.shift("loans", Traffic.split("v2", "v1", 0.1), SOON)

    assert other.inspect("loans").traffic == Traffic.all_to("v2")


def test_the_first_version_that_fails_leaves_one_that_another_client_started_meanwhile(cluster, monkeypatch):
    ours, other = KubernetesHost(cluster, OPTIONS), KubernetesHost(cluster, OPTIONS)
    cluster.refused = {"v1"}
    overtake(monkeypatch, Store, "sync", lambda store: other.start(release("2"), SOON))
    with pytest.raises(DeploymentError, match="v1: it was not ready"):
        ours.start(release("1"), SOON)

    assert names(other) == ["v2"] and other.inspect("loans").instance("v2").state == "ready"


def test_what_was_taken_away_around_its_secret_is_named_and_starts_again(host, cluster):
    host.start(release("2"), SOON)
    before = set(cluster.objects)
    assert lost_models(cluster) == {}
    cluster.empty_but_for("Secret")
    assert lost_models(cluster) == {"loans": ("1", "2")}

    assert host.resume("loans", "v1", SOON).state == "ready"
    assert set(cluster.objects) == before and lost_models(cluster) == {}
    assert host.inspect("loans").traffic == Traffic.all_to("v1")


def test_an_ingress_goes_when_it_is_not_wanted_any_more(cluster):
    public = replace(OPTIONS, ingress_host="{model}.example.com", ingress_tls_secret="certificate")
    host = KubernetesHost(cluster, public)
    host.start(release("1"), SOON)
    ingress = cluster.get("Ingress", "loans-frontdoor")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == str(4 * 1024 * 1024)

    KubernetesHost(cluster, OPTIONS).start(release("1"), SOON)
    assert cluster.get("Ingress", "loans-frontdoor") is None


def test_clients_get_the_address_outside_and_a_deployment_asks_the_service(cluster):
    host = KubernetesHost(cluster, replace(OPTIONS, ingress_host="{model}.example.com", ingress_tls_secret="certificate"))
    host.start(release("1"), SOON)
    cluster.objects["Service", "loans-frontdoor"]["spec"]["clusterIP"] = "10.96.0.7"
    found = host.inspect("loans")
    assert (found.url, found.inner_url) == ("https://loans.example.com", "http://10.96.0.7:8080")

    cluster.objects["Service", "loans-frontdoor"]["status"] = {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}
    found = KubernetesHost(cluster, OPTIONS).inspect("loans")
    assert (found.url, found.inner_url) == ("http://lb.example.com:8080", "http://10.96.0.7:8080")


def told(cluster, name):
    """Of the Secrets, by the containers of the predictor `name`."""
    (found,) = [one for one in cluster.get("SeldonDeployment", "loans")["spec"]["predictors"] if one["name"] == name]
    return [entry["value"] for one in found["componentSpecs"][0]["spec"]["containers"] for entry in one["env"] if entry["name"] == SECRETS]


def test_pods_are_made_anew_for_new_secrets_and_it_is_the_same_release_still(host, cluster, monkeypatch):
    monkeypatch.setattr("deployment.kubernetes.renewing.POLL_S", 0.01)
    assert told(cluster, "v1") == []

    assert renew_models(cluster, "7.8", SOON) == (["loans"], [])
    assert told(cluster, "v1") == ["7.8"]
    generation = Store(cluster, "loans", OPTIONS).require().generation
    renew_models(cluster, "7.8", SOON)
    assert Store(cluster, "loans", OPTIONS).require().generation == generation
    # What starts later reads them anyhow; a shift takes nothing back, and the release is taken as it runs.
    host.start(release("2"), SOON)
    host.shift("loans", Traffic.all_to("v2"), SOON)
    assert told(cluster, "v1") == ["7.8"] and told(cluster, "v2") == []
    assert host.start(release("1"), SOON).name == "v1"


def test_pods_that_are_not_replaced_in_time_are_named_and_a_model_that_is_gone_is_not_brought_back(host, cluster, monkeypatch):
    monkeypatch.setattr("deployment.kubernetes.renewing.POLL_S", 0.01)
    container = {"env": [{"name": SECRETS, "value": "old"}]}
    made = {
        "metadata": {"name": "loans-v1-0-model", "labels": {"seldon-deployment-id": "loans"}},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    cluster.objects["Deployment", "loans-v1-0-model"] = {"kind": "Deployment", **made}
    monkeypatch.setattr(cluster, "_pods", lambda wanted: [])
    assert renew_models(cluster, "7.8", 0.05) == (["loans"], ["loans"])

    cluster.empty_but_for("Secret")
    assert renew_models(cluster, "7.9", SOON) == ([], [])
    assert cluster.get("SeldonDeployment", "loans") is None
