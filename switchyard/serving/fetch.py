"""`python -m switchyard.serving.fetch`: brings a bundle to where the server reads it, and leaves it there only if its digest is right.

What a pod's init container runs. The bundle's three files are copied as bytes; nothing of them is interpreted.
botocore, which the S3 part needs, is in the image (`requirements-image.txt`) and not in the local environment.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from switchyard.bundle.digest import FILES, digest
from switchyard.serving.settings import PREFIX

URI, FOLDER, DIGEST = (PREFIX + name for name in ("BUNDLE_URI", "BUNDLE", "DIGEST"))
"""Variables: where the bundle is, where it is to be, and what it must be."""


class FetchError(Exception):
    """The bundle can't be had, or is not the one that was asked for."""


def fetch(uri: str, folder: Path, wanted: str, client: Callable[[], Any] | None = None) -> None:
    """Copy the bundle at `uri` into `folder`.

    Parameters
    ----------
    uri : str
        A folder: `s3://bucket/prefix`, `file:///folder` or a path.
    folder : Path
        Must exist; files of a bundle in it are replaced.
    wanted : str
        The digest that the bundle must have, `sha256:...`.
    client : callable, optional
        Makes botocore's S3 client.

    Raises
    ------
    FetchError
        A file is missing, the store refuses, or the digest is another; no file of it is left in `folder`.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file", "s3"):
        raise FetchError(f"bundles are fetched from s3:// and file://, not from {parts.scheme}://")
    try:
        if parts.scheme == "s3":
            _from_s3((client or s3_client)(), parts.netloc, parts.path.strip("/"), folder)
        else:
            for name in FILES:
                shutil.copyfile(Path(unquote(parts.path)) / name, folder / name)
        found = digest(folder)
    except FetchError:
        _clear(folder)
        raise
    except OSError as error:
        _clear(folder)
        raise FetchError(f"the bundle {uri} can't be fetched: {error}") from error
    if found != wanted:
        _clear(folder)
        raise FetchError(f"{uri} holds the bundle {found}, not {wanted}")


def s3_client() -> Any:
    """By the usual AWS variables; a server of one's own (AWS_ENDPOINT_URL) is asked by path, as few of them know buckets by host name."""
    import botocore.session
    from botocore.config import Config

    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    style = {"addressing_style": "path"} if endpoint else {}
    settings = Config(s3=style, connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 4})
    return botocore.session.get_session().create_client("s3", endpoint_url=endpoint, config=settings)


def _from_s3(client: Any, bucket: str, prefix: str, folder: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    for name in FILES:
        key = f"{prefix}/{name}"
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"]
            with (folder / name).open("wb") as file:
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
        except (BotoCoreError, ClientError) as error:
            raise FetchError(f"s3://{bucket}/{key} can't be fetched: {error}") from error


def _clear(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def main(environment: Mapping[str, str]) -> int:
    """Fetch what the environment names; returns the exit code."""
    missing = [name for name in (URI, FOLDER, DIGEST) if not environment.get(name)]
    try:
        if missing:
            raise FetchError(f"set {', '.join(missing)}")
        fetch(environment[URI], Path(environment[FOLDER]), environment[DIGEST])
    except FetchError as error:
        # A prefix by which the host finds it among other lines.
        print(f"refusing to serve: {error}", file=sys.stderr)
        return 1
    print(f"{environment[DIGEST]} is in {environment[FOLDER]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
