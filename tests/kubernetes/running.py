"""A copy of the project whose runs go to a cluster, and what a test does to them there."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.app.project import ROOT, Project, Result
from tests.deployment.door import wait_until
from tests.kubernetes.backing import BUCKET_OF_STACK, client_of, get, kubectl

FAMILIES = ["lightgbm", "random_forest"]
_PLAIN = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
)
_IMAGE_FILES = ("Dockerfile", ".dockerignore")


@dataclass
class Installation:
    """The project, with the stacks local, docker and kubernetes on the ZenML server of `namespace`."""

    project: Project
    namespace: str
    first: Result | None = None
    """How `up` ended for the first time."""

    @classmethod
    def prepared(cls, folder: Path, namespace: str) -> Installation:
        """With all configs that tests train by: they are part of the image, which is built once then."""
        made = cls(Project(folder), namespace)
        for name in _IMAGE_FILES:
            shutil.copy(ROOT / name, made.project.root / name)
        made.config("parity", gates={"champion": "ignore"})
        made.config("shared", families=["lightgbm"], trials=6)
        made.project.config(
            "again", data={"source": "again.csv"}, tuning={"trials": 1}, gates={"champion": "ignore"},
            monitoring={"drift_share": 0.01, "actions": {"drift_share": "retrain"}},
            retraining={"min_labels": 200, "cooldown_hours": 0, "share": 0.5},
        )  # fmt: skip
        return made

    def up(self, *arguments: str) -> Result:
        """`run.py stack up kubernetes`."""
        result = self.project.run("stack", "up", "kubernetes", "--namespace", self.namespace, *arguments)
        self.first = self.first or result
        return result

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        """What kubectl says of the namespace."""
        done = subprocess.run(["kubectl", "-n", self.namespace, *arguments], capture_output=True, text=True)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def items(self, *what: str) -> list[dict[str, Any]]:
        """Objects of the namespace."""
        return json.loads(self.kubectl("get", *what, "-o", "json"))["items"]

    def use(self, stack: str) -> None:
        """Make `stack` the active one."""
        if stack == "kubernetes":
            self.project.python("from zenml.client import Client; Client().activate_stack('kubernetes')")
        else:
            assert self.project.run("stack", "up", stack).code == 0

    def secret(self, name: str) -> dict[str, str]:
        """Values of a Secret."""
        values = get("secret", name, self.namespace)["data"]
        return {key: base64.b64decode(value).decode() for key, value in values.items()}

    def secret_values(self) -> dict[str, str]:
        """All that must be nowhere else: values of Secrets, but for names, addresses and regions."""
        names = ("object-store", "databases", "database-server", "zenml-server", "zenml-client")
        return {f"{name}/{key}": value for name in names for key, value in self.secret(name).items() if key not in _PLAIN}

    def config(self, name: str, gates: dict[str, Any] | None = None, **tuning: Any) -> None:
        self.project.config(name, tuning={"families": FAMILIES, "trials": 2, **tuning}, gates=gates or {})

    def train(self, name: str, *arguments: str) -> Result:
        """`run.py --pipeline training` on the active stack; deterministic and uncached."""
        return self.project.train(name, "--seed", "0", "--no-cache", *arguments)

    def deploy(self, name: str, *arguments: str) -> Result:
        """`run.py --pipeline deployment` on the active stack, which must end well."""
        result = self.project.run("--pipeline", "deployment", "--config", f"configs/{name}.yaml", *arguments)
        assert result.code == 0, result.output
        return result

    def settings(self, change: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Change `settings` in stacks/kubernetes.yaml; returns what puts it back."""
        path = self.project.root / "stacks" / "kubernetes.yaml"
        before = path.read_text()
        # YAML's anchors become copies, which can be changed alone.
        whole = json.loads(json.dumps(yaml.safe_load(before)))
        change(whole["settings"])
        path.write_text(yaml.safe_dump(whole))
        return lambda: path.write_text(before) and None

    def pods(self, step: str = "", phase: str = "") -> list[str]:
        """Names of the pods of a step, of the orchestrators (`orchestrator`), or of all runs."""
        found = json.loads(kubectl("get", "pods", "-n", self.namespace, "-l", "run_id", "-o", "json"))["items"]
        chosen = []
        for pod in found:
            name = pod["metadata"]["labels"].get("step_name", "orchestrator")
            if (not step or name == step) and (not phase or pod["status"]["phase"] == phase):
                chosen.append(pod["metadata"]["name"])
        return chosen

    def unfinished_jobs(self) -> list[str]:
        """Jobs of runs that have neither failed nor completed."""
        found = json.loads(kubectl("get", "jobs", "-n", self.namespace, "-l", "run_id", "-o", "json"))["items"]
        return [job["metadata"]["name"] for job in found if not job["status"].get("conditions")]

    def ensure_image(self) -> None:
        """Build and push what runs need, so that no test's time has it."""
        self.project.python("from stacks.active import pipelines_image; pipelines_image()")

    @contextmanager
    def full_store(self, size: str) -> Iterator[None]:
        """With an S3 server that has room for `size`, and nothing in it."""
        volumes = get("deployment", "objects", self.namespace)["spec"]["template"]["spec"]["volumes"]
        index = [volume["name"] for volume in volumes].index("data")
        self._objects_on(index, {"name": "data", "emptyDir": {"medium": "Memory", "sizeLimit": size}})
        try:
            store = client_of(self.secret("object-store"))
            wait_until(lambda: _made(store), 30, "the bucket")
            yield
        finally:
            self._objects_on(index, volumes[index])

    def _objects_on(self, index: int, volume: dict[str, Any]) -> None:
        patch = [{"op": "replace", "path": f"/spec/template/spec/volumes/{index}", "value": volume}]
        self.kubectl("patch", "deployment", "objects", "--type=json", "-p", json.dumps(patch))
        self.kubectl("rollout", "status", "deployment", "objects", "--timeout=180s")

    def delete_pod_of(self, step: str, after_s: float = 3.0) -> Killing:
        """As soon as a pod of `step` has run for a while, delete it; `orchestrator` is the run's own."""
        return Killing(self, step, after_s)

    def run_now(self, cron_job: str, name: str) -> str:
        """What a run of the CronJob printed, as the Job `name`, which must end well."""
        self.kubectl("delete", "job", name, "--ignore-not-found")
        self.kubectl("create", "job", name, f"--from=cronjob/{cron_job}")
        job = lambda: self.items("jobs", f"--field-selector=metadata.name={name}")[0]["status"]  # noqa: E731
        wait_until(lambda: {"Complete", "Failed"} & {one["type"] for one in job().get("conditions", [])}, 1200, f"job {name}")
        said = self.kubectl("logs", f"job/{name}")
        assert job().get("succeeded") == 1, said
        return said

    def restart(self, server: str) -> None:
        """Delete the pod of a server (mlflow, objects, zenml)."""
        kubectl("delete", "pod", "-n", self.namespace, "-l", f"app.kubernetes.io/name={server}", "--wait=false")


class Killing(threading.Thread):
    """Deletes one pod in the background; `killed` says which."""

    def __init__(self, cluster: Installation, step: str, after_s: float) -> None:
        super().__init__(daemon=True)
        self.killed: str | None = None
        self._cluster, self._step, self._after_s = cluster, step, after_s
        self._before = set(cluster.pods(step))
        self.start()

    def run(self) -> None:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline and self.killed is None:
            for pod in self._cluster.pods(self._step, "Running"):
                if pod not in self._before:
                    time.sleep(self._after_s)
                    try:
                        kubectl("delete", "pod", "-n", self._cluster.namespace, pod, "--force", "--grace-period=0")
                    except (AssertionError, subprocess.CalledProcessError):
                        continue
                    self.killed = pod
                    return
            time.sleep(0.5)


def scores(result: Result) -> dict[str, float]:
    """Scores of a run by a flat name."""
    assert result.code == 0, result.output
    return {f"{kind} {metric}": value for kind, found in result.summary["scores"].items() for metric, value in found.items()}


def predictions(project: Project, name: str, version: str) -> list[float]:
    """What a registered version answers to a hundred rows."""
    code = f"""
import json, mlflow
from stacks.active import connect_mlflow
connect_mlflow()
from switchyard.tabular.tables.reading.loans import loans
print(json.dumps(mlflow.pyfunc.load_model('models:/{name}/{version}').predict(loans(rows=100, seed=3))['probability_1'].tolist()))
"""
    return json.loads(project.python(code).splitlines()[-1])


def says_no_traceback(output: str) -> bool:
    return not re.search(r"Traceback \(most recent call last\)|^\s+File \"", output, re.MULTILINE)


def _made(store: Any) -> bool:
    """Whether the bucket could be made; a server that has just started may not answer yet."""
    try:
        store.create_bucket(Bucket=BUCKET_OF_STACK)
    except Exception:
        time.sleep(0.5)
        return False
    return True
