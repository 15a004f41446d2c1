"""The deployment pipeline, on bundles that the training pipeline made, with the stock microservice and Envoy."""

import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import requests

from deployment.process.host import ProcessHost
from deployment.process.layout import Layout
from switchyard.bundle import digest
from switchyard.serving.frontdoor.statistics import read_statistics
from switchyard.tabular.tables.reading.builtin import read_builtin
from tests import symptoms
from tests.deployment.conftest import Client, Load
from tests.deployment.door import wait_until
from tests.deployment.project import ServingProject
from tests.symptoms import typed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):
    """Two trained versions, of which the first is deployed."""
    made = ServingProject(tmp_path_factory.mktemp("deployment"))
    made.config("loans", tuning={"trials": 1}, gates={"champion": "ignore"})
    training = ["--pipeline", "training", "--config", "configs/loans.yaml"]
    assert made.batch(training)[0].code == 0
    made.first = made.deploy("loans", {"why": "the first"})[0]
    assert made.first.code == 0, made.first.output
    assert made.batch([*training, "--seed", "1"])[0].code == 0
    yield made
    made.end("loans")


def host_of(project):
    return ProcessHost(next(project.store.glob("**/switchyard/serving")))


def client(project):
    return Client(host_of(project).inspect("loans"))


def row(project):
    return json.loads(Path(project.first.summary["endpoint"]["example_request"]).read_text())["rows"][0]


def champion(project):
    return [version["version"] for version in project.versions("loans") if "champion" in version["aliases"]]


def stages(project):
    """ZenML's stages by version."""
    code = (
        "import json; from zenml.client import Client\n"
        "print(json.dumps({v.name: str(v.stage) for v in Client().list_model_versions(model='loans.local')}))"
    )
    return json.loads(project.python(code).splitlines()[-1])


def test_what_training_registered_answers(project):
    summary = project.first.summary
    assert summary["model"]["version"] == "1" and summary["serving"]["digest"] == summary["model"]["digest"]
    assert summary["promoted"] and summary["previous"] is None and summary["examples"] > 0
    assert set(summary["endpoint"]) == {"url", "predict_url", "example_request", "token_file"}
    status, answer = client(project).ask(row=row(project))
    assert status == 200 and answer["meta"]["tags"] == {"model": "loans", **summary["serving"]}
    # The version that is champion carries who put it there.
    (first,) = [version for version in project.versions("loans") if version["version"] == "1"]
    assert first["aliases"] == ["champion"] and first["tags"]["production_why"] == "the first" and first["tags"]["production_by"]


def test_the_printed_line_answers(project):
    from app.commands.deployment import curl

    line = curl(SimpleNamespace(endpoint=project.first.summary["endpoint"]))
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["meta"]["tags"]["version"] == "1"


def test_zenml_shows_stops_and_starts_the_service(project):
    assert "deploy_version" in project.zenml("model-deployer", "models", "list")
    code = (
        "from zenml.client import Client; d = Client().active_stack.model_deployer\n"
        "s = d.find_model_server()[0]; print(s.uuid, s.is_running, s.prediction_url, d.get_model_server_info(s)['VERSION'])"
    )
    uuid, running, url, version = project.python(code).splitlines()[-1].split()
    assert (running, url, version) == ("True", project.first.summary["endpoint"]["predict_url"], "1")
    project.zenml("model-deployer", "models", "stop", uuid, "--yes")
    assert host_of(project).inspect("loans").instance("v1").state == "stopped"
    project.zenml("model-deployer", "models", "start", uuid)
    assert client(project).version(row=row(project)) == "1"


def test_a_canary_is_tried_and_nothing_is_promoted(project):
    canary, shadow = project.deploy("loans", {"strategy": "canary", "share": 0.4}, {"strategy": "shadow"})

    assert canary.summary["candidate"]["version"] == "2" and canary.summary["candidate"]["share"] == 0.4
    assert canary.summary["serving"]["version"] == "1" and not canary.summary["promoted"]
    assert shadow.summary["candidate"]["role"] == "shadow"
    assert champion(project) == ["1"]
    assert {instance.name for instance in host_of(project).inspect("loans").instances} == {"v1", "v2-shadow"}
    assert {client(project).version(row=row(project)) for _ in range(20)} == {"1"}


def test_a_promotion_that_fails_leaves_everything_as_it_was(project):
    registry = project.root / "registry" / "versions.py"
    whole = registry.read_text()
    registry.write_text(whole + "\n\ndef mirror_to_zenml(*_arguments, **_options):\n    raise OSError('ZenML is away')\n")
    try:
        result = project.deploy("loans", {})[0]
    finally:
        registry.write_text(whole)

    assert result.code == 1 and "version 1 still serves" in result.output and "ZenML is away" in result.output
    assert client(project).version(row=row(project)) == "1" and champion(project) == ["1"]
    (second,) = [version for version in project.versions("loans") if version["version"] == "2"]
    assert second["aliases"] == ["challenger"] and "production_since" not in second["tags"]
    assert host_of(project).inspect("loans").instance("v2") is None


def test_a_new_version_replaces_the_old_one_under_load(project):
    example = row(project)
    asking = client(project)
    asking.ask = lambda connection=None, **headers: Client.ask(asking, connection, row=example, **headers)
    with Load(asking) as load:
        result = project.deploy("loans", {"why": "better"})[0]
    assert result.code == 0, result.output
    assert load.failures == [] and load.versions[0] == "1" and load.versions[-1] == "2"
    assert champion(project) == ["2"] and stages(project) == {"v1": "archived", "v2": "production"}
    assert [version["aliases"] for version in project.versions("loans")] == [["champion"], []]
    assert [instance.name for instance in host_of(project).inspect("loans").instances] == ["v2"]


def test_rolled_back_it_says_who_and_why_and_not_twice(project):
    back, again = project.deploy("loans", {"rollback": True, "why": "complaints"}, {"rollback": True})

    assert back.code == 0 and back.summary["serving"]["version"] == "1" and back.summary["previous"] == "2"
    assert client(project).version(row=row(project)) == "1" and champion(project) == ["1"]
    tags = {version["version"]: version["tags"] for version in project.versions("loans")}
    assert tags["2"]["withdrawn_why"] == tags["1"]["production_why"] == "complaints" and tags["2"]["withdrawn_by"]
    assert again.code == 2 and "no earlier version in production" in again.output


def test_what_cannot_be_done_is_said_before_anything_is_done(project):
    orders = (
        {"version": "9"},
        {"strategy": "ab"},
        {"strategy": "all", "share": 0.5},
        {"strategy": "canary", "share": 1.5},
        {"rollback": True, "version": "1"},
    )
    results = project.deploy("loans", *orders)
    assert [result.code for result in results] == [2] * len(orders)
    for result, words in zip(results, ("there is 1, 2", "in production already", "canary and ab", "below 1", "--rollback")):
        assert words in result.output
    assert client(project).version(row=row(project)) == "1"


def test_a_version_whose_registered_files_were_changed_is_refused_and_judged_anew_when_they_are_back(project):
    (first,) = [version for version in project.versions("loans") if version["version"] == "1"]
    (model,) = [path for path in project.store.rglob("artifacts/bundle/model.onnx") if first["run"] in path.parts]
    whole, running = model.read_bytes(), Path(Layout(host_of(project)._folder / "loans").read_desired().instances["v1"].settings["bundle"])
    served, staged = digest(running), next(project.store.glob(f"**/switchyard/bundles/{first['tags']['digest'][7:]}"))
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    table = project.root / "window.csv"
    read_builtin("builtin:loans?rows=400").to_csv(table, index=False)
    orders = [{"version": "1"}, {"pipeline": "monitoring", "data": str(table)}, {"pipeline": "training", "trials": 1, "seed": 2}]
    try:
        refusals = project.deploy("loans", *orders)
        untouched = digest(running), digest(staged)
        way_out = project.deploy("loans", {"version": "2"})[0]
    finally:
        model.write_bytes(whole)

    words = "the files of version 1 of 'loans' were changed since it was registered: model.onnx is not what was signed"
    # The champion is refused by whoever would execute it: deployment, monitoring, and a training that would be compared with it.
    assert [(one.code, words in one.output) for one in refusals] == [(1, True)] * 3, [one.output for one in refusals]
    # The way out that the line names is open: what the champion's files are is no matter to the version that replaces it.
    assert way_out.code == 0 and way_out.summary["previous"] == "1", way_out.output
    assert not list(project.store.glob("**/decisions*")) and len(project.versions("loans")) == 2
    assert untouched == (served, served) and served == first["tags"]["digest"]
    again = project.deploy("loans", {"version": "1"})[0]
    assert again.code == 0 and client(project).version(row=row(project)) == "1"


def test_a_table_is_scored_with_the_version_in_production_and_its_labels_joined(project):
    table, out, config = project.root / "table.csv", project.root / "answers.parquet", ["--config", "configs/loans.yaml"]
    scoring = ["--pipeline", "inference", *config, "--data", str(table), "--output", str(out)]
    frame = read_builtin("builtin:loans?rows=300")
    frame.to_csv(table, index=False)
    first, again = project.run(*scoring), project.run(*scoring)

    assert first.code == again.code == 0, first.output
    assert first.summary["rows"] == first.summary["logged"] == 300 and first.summary["output"] == str(out)
    assert first.summary["serving"] == project.first.summary["serving"]
    found = pd.read_parquet(out)
    assert sum(first.summary["distribution"]["labels"].values()) == 300
    assert found["label"].value_counts().to_dict() == {
        name: count for name, count in first.summary["distribution"]["labels"].items() if count
    }
    # The endpoint says the same of the same row.
    columns = row(project)
    (sent,) = json.loads(frame.iloc[:1].to_json(orient="records", date_format="iso"))
    asked = {name: value for name, value in sent.items() if name in columns}
    status, answer = client(project).ask(row=asked)
    assert status == 200 and answer["predictions"][0]["probabilities"]["1"] == pytest.approx(found["probability.1"][0], abs=1e-6)

    labels, summary = project.root / "labels.csv", project.root / "labels.json"
    pd.DataFrame({"prediction_id": found["prediction_id"], "defaulted": frame["defaulted"]}).to_csv(labels, index=False)
    joining = ["labels", *config, "--data", str(labels), "--summary", str(summary)]
    for became in ({"matched": 300, "duplicate": 0}, {"matched": 0, "duplicate": 300}):
        assert project.run(*joining).code == 0
        counts = json.loads(summary.read_text())
        assert {name: counts[name] for name in became} == became and counts["unmatched"] == counts["corrected"] == 0

    frame.astype(object).assign(income=["much", *frame["income"][1:]]).to_csv(table, index=False)
    before = out.read_bytes()
    wrong = project.run(*scoring)
    assert wrong.code == 2 and "column 'income', row 1: 'much' is not a number" in wrong.summary["error"] and out.read_bytes() == before


def test_doctor_names_what_no_longer_runs_and_its_command_mends_it(project):
    """As after a reboot: nothing of what served is left."""
    assert "loans, prediction log" in project.run("doctor").output
    subprocess.run(["pkill", "-9", "-f", str(host_of(project)._folder)], check=True)
    ill = project.run("doctor")

    assert ill.code == 1 and "no supervisor runs" in ill.output, ill.output
    (command,) = re.findall(r"^loans, version \d+: python run\.py (start loans --version \d+)$", ill.output, re.MULTILINE)
    assert re.search(r"^loans, front door: python run\.py --pipeline deployment --name loans --version \d+$", ill.output, re.MULTILINE)
    ill = project.run("status", "loans")
    assert ill.code == 1 and re.search(r"^ill .*version \d+ is stopped: no supervisor runs", ill.output, re.MULTILINE), ill.output
    started = project.run(*command.split())
    assert started.code == 0, started.output
    well = project.run("doctor")
    assert well.code == 0 and "no supervisor runs" not in well.output, well.output
    well = project.run("status", "loans", "--json")
    (served,) = [one for one in json.loads(well.output)["models"][0]["versions"] if one["share"] == 1]
    assert well.code == 0 and served["state"] == "ready", well.output
    assert client(project).ask(row=row(project))[0] == 200


def test_a_killed_supervisor_is_named_by_doctor_and_back_with_the_next_command(project):
    layout, labels = Layout(host_of(project)._folder / "loans"), project.root / "labels.csv"
    os.kill(layout.read_observed()["supervisor"], signal.SIGKILL)
    wait_until(lambda: not layout.is_supervised(), what="the supervisor's death")
    ill = project.run("doctor")
    assert ill.code == 1 and "no supervisor runs" in ill.output, ill.output

    pd.DataFrame({"prediction_id": ["of nobody"], "defaulted": [0]}).to_csv(labels, index=False)
    told = project.run("labels", "--config", "configs/loans.yaml", "--data", str(labels))
    assert told.code == 0 and "another keeps its services alive now" in told.output, told.output
    well = project.run("doctor")
    assert well.code == 0 and "no supervisor runs" not in well.output, well.output


def counted(output, version, column):
    """A number of the table that `status` prints."""
    header, *lines = [
        line.split() for line in output.replace(" (champion)", "").splitlines() if line.startswith(("version ", f"{version} "))
    ]
    return int(lines[0][header.index(column)].replace(",", ""))


def test_at_400s_it_is_seen_who_sends_what_and_a_candidate_that_refuses_goes(project):
    assert project.deploy("loans", {"strategy": "canary", "share": 0.5, "version": "2"})[0].code == 0
    wrong = {**row(project), "income": "much"}
    answers = [client(project).ask(row=wrong, x_entity_id=f"customer-{number}") for number in range(20)]
    looked, judged, back = project.batch(*typed("400s", "status"), *typed("labels come late", "experiment"), *typed("400s", "--rollback"))

    assert all(status == 400 and (answer["error"]["column"], answer["error"]["row"]) == ("income", 0) for status, answer in answers)
    asked = client(project)
    contract = requests.get(
        "http://{}:{}/openapi.json".format(*asked.address), headers={"Authorization": f"Bearer {asked.token}"}, timeout=10
    )
    assert contract.json()["components"]["schemas"]["Row"]["properties"].keys() >= {"income"}
    assert counted(looked.output, 1, "4xx") + counted(looked.output, 2, "4xx") >= 20, looked.output
    log = Layout(host_of(project)._folder / "loans").logs / "access.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["client"] for line in lines if line["status"] == 400} == {"default"}
    assert judged.code == 0 and "labelled" in judged.output, judged.output
    assert back.code == 0 and [instance.name for instance in host_of(project).inspect("loans").instances] == ["v1"], back.output


def test_a_version_that_is_slow_and_was_promoted_by_mistake_is_seen_taken_back_and_deleted(project):
    assert project.deploy("loans", {"version": "2"})[0].code == 0
    layout = Layout(host_of(project)._folder / "loans")
    service = layout.read_observed()["processes"]["v2"]["pid"]
    os.killpg(service, signal.SIGSTOP)
    threading.Timer(1, os.killpg, (service, signal.SIGCONT)).start()
    assert client(project).version(row=row(project)) == "2"
    (times,) = re.findall(r"`(curl [^`]+)`", symptoms.row("it is slow"))

    def is_seen():
        text = subprocess.run(times, shell=True, cwd=layout.folder, capture_output=True, text=True, check=True).stdout
        latency = read_statistics(text)["v2"].latency
        return max(latency.values(), default=0) > latency.get(500.0, 0)

    wait_until(is_seen, what="a slow answer in the statistics")
    asked = project.batch(*typed("it is slow", "status"), *typed("by mistake", "--dry-run"), *typed("it is slow", "--rollback"))
    looked, said, back = asked
    assert looked.code == 0 and counted(looked.output, 2, "restarts") == 0, looked.output
    assert said.code == 0 and "from champion 2, which is marked withdrawn, to version 1" in said.output, said.output
    assert back.code == 0 and client(project).version(row=row(project)) == "1", back.output
    (delete,) = typed("by mistake", "models delete")
    gone = project.run(*[word.replace(":4", ":2") for word in delete], "--yes")
    assert gone.code == 0 and [version["version"] for version in project.versions("loans")] == ["1"], gone.output


def test_a_disk_that_fills_up_is_emptied_of_what_nobody_needs(project):
    layout = Layout(host_of(project)._folder / "loans")
    layout.log("v9").write_bytes(b"x" * 3_000_000)
    os.utime(layout.log("v9"), (1e9, 1e9))
    (more,) = re.findall(r"`(--keep runs[^`]+)`", symptoms.row("disk is full"))
    shown, done, further, disk, log = project.batch(
        *typed("disk is full", "--dry-run"),
        ["prune"],
        ["prune", *more.split()],
        *typed("disk is full", "status"),
        *typed("disk is full", "predictions"),
    )

    assert "would free 3.0 MB" in shown.output and "freed      3.0 MB" in done.output and not layout.log("v9").exists()
    assert (further.code, disk.code, log.code) == (0, 0, 0), further.output + log.output
    assert re.search(r"^disk .*free", disk.output, re.MULTILINE), disk.output
    assert "prune" in keeps(project, *typed("disk is full", "--schedule"))[0]


def keeps(project, arguments, meanwhile=lambda: None):
    """What a command that keeps a schedule says when it begins to wait, and what `meanwhile` gives while it does."""
    process = project.start(*arguments)
    try:
        return next(line for line in process.stdout if "next " in line), meanwhile()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def test_monitoring_that_does_not_run_is_seen_and_kept_and_run_by_hand(project):
    asked, example = client(project), row(project)
    assert {asked.ask(row=example)[0] for _ in range(20)} == {200}
    (status,) = typed("monitoring did not run", "status")
    by_hand, schedule = sorted(typed("monitoring did not run", "monitoring"), key=lambda words: "--schedule" in words)
    said, kept = keeps(project, schedule, lambda: project.run(*status).output)
    ran, after = project.batch(by_hand, status)

    assert "no window yet" in kept and re.search(r"^schedule .*--pipeline monitoring --name loans", kept, re.MULTILINE), kept
    assert ran.code == 0 and "no window yet" not in after.output and "schedule     none" in after.output, ran.output
    assert "monitoring --name loans" in said


def test_labels_that_come_late_wait_and_reach_further_back_where_they_are_told_to(project):
    outcomes, counts = project.root / "outcomes.csv", project.root / "counts.json"
    sent = {**row(project), "applicant_id": "late", "application_date": "2024-05-01"}
    pd.DataFrame({"prediction_id": ["late-1"], "defaulted": [1]}).to_csv(outcomes, index=False)
    (dry,) = typed("labels come late", "--dry-run")
    joining = [*dry[:-1], "--summary", str(counts)]
    said, early = project.batch(dry, joining)
    assert said.code == early.code == 0 and json.loads(counts.read_text())["unmatched"] == 1, said.output + early.output
    assert client(project).ask(row=sent, x_request_id="late-1")[0] == 200

    # By entity and time: the label is of ten days later than what it is about.
    pd.DataFrame({"applicant_id": ["late"], "application_date": ["2024-05-11"], "defaulted": [0]}).to_csv(outcomes, index=False)
    within = re.search(r"`(--within \d+)`", symptoms.row("labels come late"))[1].split()
    assert project.run(*joining, *within).code == 0
    assert json.loads(counts.read_text())["corrected"] == 1, counts.read_text()
