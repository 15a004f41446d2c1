"""What a cluster's models lean on, for tests: an S3 server and a database, in a namespace of their own."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from urllib.parse import quote

from tests.deployment.door import wait_until

BUCKET = "bundles"
BUCKET_OF_STACK = "switchyard"
PODS = {
    "s3": {
        "image": "versity/versitygw:v1.8.0",
        "port": 9000,
        "args": ["--port", ":9000", "--access", "{key}", "--secret", "{secret}", "posix", "/data"],
        "env": {},
        "mount": "/data",
    },
    "database": {
        "image": "mariadb:10.11",
        "port": 3306,
        "args": None,
        "env": {
            "MARIADB_ROOT_PASSWORD": "{secret}",
            "MARIADB_DATABASE": "predictions",
            "MARIADB_USER": "{key}",
            "MARIADB_PASSWORD": "{secret}",
        },
        "mount": None,
    },
    "postgres": {
        "image": "postgres:15",
        "port": 5432,
        "args": None,
        "env": {"POSTGRES_DB": "first", "POSTGRES_USER": "{key}", "POSTGRES_PASSWORD": "{secret}"},
        "mount": None,
    },
}


def kubectl(*arguments: str, stdin: dict | None = None) -> str:
    """What kubectl prints; raises with its error."""
    done = subprocess.run(["kubectl", *arguments], input=json.dumps(stdin) if stdin else None, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def apply(*items: dict) -> None:
    kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": list(items)})


def get(kind: str, name: str, namespace: str) -> dict:
    return json.loads(kubectl("get", kind, name, "-n", namespace, "-o", "json"))


def namespace_of(name: str, level: str) -> dict:
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret_of(name: str, namespace: str, values: dict[str, str]) -> dict:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": values}


def client_of(store: dict[str, str]):
    """Of the S3 server that the values of a Secret `object-store` name."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=store["AWS_ENDPOINT_URL"],
        aws_access_key_id=store["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=store["AWS_SECRET_ACCESS_KEY"],
        region_name=store["AWS_DEFAULT_REGION"],
    )


class Backing:
    """S3 and databases in the namespace `name`; `secrets_for` tells a namespace of models of them.

    The password has what a URL must have written otherwise.
    """

    def __init__(self, name: str, pods: tuple[str, ...] = ("s3", "database")) -> None:
        self.name, self.key, self.secret = name, "switchyard", f"{secrets.token_hex(12)}@:/%#"
        apply(namespace_of(name, "privileged"))
        for pod in pods:
            apply(*self._objects(pod, PODS[pod]))
        kubectl("wait", "-n", name, "--for=condition=Ready", "pod", "--all", "--timeout=420s")
        self.s3_url = f"http://{self.address('s3')}:9000"
        wait_until(self._has_bucket, 30, "the bucket")

    @property
    def database_url(self) -> str:
        """Of MariaDB, as SQLAlchemy takes it."""
        return self.url("mysql+pymysql", "database", "predictions")

    def url(self, driver: str, pod: str, name: str) -> str:
        """Of the database `name`."""
        return f"{driver}://{self.key}:{quote(self.secret, safe='')}@{self.address(pod)}:{PODS[pod]['port']}/{name}"

    def run(self, pod: str, *command: str) -> str:
        """What a command prints in the pod."""
        return kubectl("exec", "-n", self.name, pod, "--", *command)

    def secrets_for(self, namespace: str) -> list[dict]:
        return [
            secret_of("object-store", namespace, self._store()),
            secret_of("databases", namespace, {"predictions-url": self.database_url}),
        ]

    def upload(self, prefix: str, files: dict[str, bytes]) -> str:
        """Put a bundle's files there; returns their URI."""
        for name, content in files.items():
            self.client().put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)
        return f"s3://{BUCKET}/{prefix}"

    def client(self):
        return client_of(self._store())

    def rows(self, statement: str, url: str | None = None) -> list:
        """Of the prediction log, or of the database at `url`."""
        from sqlalchemy import create_engine, text

        engine = create_engine(url or self.database_url)
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(statement)))
        finally:
            engine.dispose()

    def remove(self) -> None:
        kubectl("delete", "namespace", self.name, "--wait=false")

    def _store(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.s3_url,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def _has_bucket(self) -> bool:
        try:
            self.client().create_bucket(Bucket=BUCKET)
        except Exception:
            time.sleep(0.5)
            return False
        return True

    def address(self, pod: str) -> str:
        return get("service", pod, self.name)["spec"]["clusterIP"]

    def _objects(self, pod: str, how: dict) -> list[dict]:
        def filled(text: str) -> str:
            return text.replace("{key}", self.key).replace("{secret}", self.secret)

        container = {
            "name": pod,
            "image": how["image"],
            "ports": [{"containerPort": how["port"]}],
            "env": [{"name": name, "value": filled(value)} for name, value in how["env"].items()],
            "readinessProbe": {"tcpSocket": {"port": how["port"]}, "periodSeconds": 1, "failureThreshold": 60},
        }
        if how["args"]:
            container["args"] = [filled(argument) for argument in how["args"]]
        spec: dict = {"containers": [container]}
        if how["mount"]:
            container["volumeMounts"] = [{"name": "data", "mountPath": how["mount"]}]
            spec["volumes"] = [{"name": "data", "emptyDir": {}}]
        metadata = {"name": pod, "namespace": self.name, "labels": {"app": pod}}
        service = {"selector": {"app": pod}, "ports": [{"port": how["port"], "targetPort": how["port"]}]}
        return [
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        ]
