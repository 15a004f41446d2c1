"""A source behind a password: refused in the open, read through the secret store, and then nowhere to be found."""

from __future__ import annotations

import sqlite3
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from stacks.secrets import refuse_plain_settings
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import holds_secret
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import Project

TOKEN = "s3cr3t-of-the-test"


class _Guarded(SimpleHTTPRequestHandler):
    """Files for those who know the token."""

    def do_GET(self) -> None:
        if f"token={TOKEN}" not in self.path:
            self.send_error(403)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feed")
    loans(rows=1200, seed=4).to_csv(folder / "loans.csv", index=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/loans.csv?token={TOKEN}"
    server.shutdown()


@pytest.mark.parametrize(
    "text, secret",
    [
        ("postgresql://reader:word@host/shop", True),
        ("postgresql://reader@host/shop", False),
        ("postgresql://host/shop?password=word", True),
        ("https://host/table.csv?version=2", False),
        ("https://bucket.host/table.csv?X-Amz-Signature=abc&X-Amz-Expires=60", True),
        ("https://host/table.csv?sv=2024&sig=abc", True),
        ("builtin:loans?rows=100", False),
        ("s3://bucket/table.parquet", False),
        ("C:/tables/a:b@c.csv", False),
    ],
)
def test_urls_with_secrets_are_known(text, secret):
    assert holds_secret(text) is secret


@pytest.mark.parametrize(
    "channel, key",
    [
        ({"kind": "email", "password": "s3same"}, "monitoring.channels.0.password"),
        ({"kind": "email", "password": "{{mail.password}}s3same"}, "monitoring.channels.0.password"),
        (
            {"kind": "webhook", "url": "https://host/x", "headers": {"Authorization": "Bearer s3same"}},
            "monitoring.channels.0.headers.Authorization",
        ),
        ({"kind": "webhook", "url": "https://host/x?token=s3same"}, "monitoring.channels.0.url"),
        ({"kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/s3same"}, "monitoring.channels.0.url"),
    ],
)
def test_a_channel_with_a_secret_is_refused_by_its_key(channel, key):
    with pytest.raises(InputError, match=rf"{key} .*zenml secret create") as refused:
        refuse_plain_settings({"name": "loans", "monitoring": {"channels": [channel]}})
    assert "s3same" not in str(refused.value)


def test_references_and_plain_settings_are_taken():
    headers = {"Authorization": "Bearer {{hook.token}}", "X-Team": "risk"}
    channels = [
        {"kind": "webhook", "url": "https://host/x", "headers": headers},
        {"kind": "slack", "url": "{{slack.url}}"},
        {"kind": "email", "password": "{{mail.password}}"},
    ]
    refuse_plain_settings({"data": {"source": "https://host/table.csv"}, "monitoring": {"channels": channels}})


def test_a_token_is_refused_in_the_open_and_kept_out_of_everything_by_reference(tmp_path, url):
    project, scored_to = Project(tmp_path), tmp_path / "scored.csv"
    project.config("feed", data={"source": url}, tuning={"trials": 1})
    refused = project.train("feed")
    assert refused.code == 2 and "zenml secret create" in refused.output and "loans.csv" in refused.output and TOKEN not in refused.output
    for arguments in (["--pipeline", "inference", "--output", "out.csv"], ["--pipeline", "monitoring"]):
        (refused,) = project.batch([*arguments, "--data", url, "--name", "loans"])
        assert refused.code == 2 and "zenml secret create" in refused.output and TOKEN not in refused.output

    project.config("feed", data={"source": "{{feed.url}}"}, tuning={"trials": 1})
    missing = project.train("feed")
    assert missing.code == 2 and "zenml secret create feed --url=" in missing.output
    project.python(
        f"from zenml.client import Client; Client().create_secret('feed', values={{'url': {url!r}, 'out': {scored_to.as_uri()!r}}})"
    )
    result = project.train("feed")
    assert result.code == 0, result.output
    assert TOKEN not in result.output
    scored = project.run(
        "--pipeline",
        "inference",
        "--config",
        "configs/feed.yaml",
        "--version",
        "1",
        "--data",
        "{{feed.url}}",
        "--output",
        "{{feed.out}}",
        "--no-log",
    )
    assert scored.code == 0, scored.output
    assert len(scored_to.read_text().splitlines()) == 1201 and TOKEN not in scored.output

    (database,) = project.store.rglob("zenml.db")
    with sqlite3.connect(database) as store:
        found = [line[:80] for line in store.iterdump() if TOKEN in line and not line.startswith('INSERT INTO "secret"')]
    assert found == []
    files = [path for root in (project.root, project.store) for path in root.rglob("*") if path.is_file() and path != database]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
