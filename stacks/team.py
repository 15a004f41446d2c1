"""The stack `team`: the servers that a team without a cluster shares, looked at from this machine before anything leans on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from stacks.installation.settings import read_pairs
from switchyard.project import shown
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials

NAME = "team"
EXAMPLE = "stacks/team.env.example"
_OBJECTS, _LOGINS = "switchyard-team-objects", "switchyard-team"
"""ZenML's secrets that stacks/team.yaml names."""
_NOBODY = "none"
"""ZenML insists on a login where MLflow asks for none."""
_TIMEOUT_S = (5.0, 10.0)


class Team(BaseModel):
    """Keys of the settings file, in small letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    s3_endpoint_url: str
    s3_access_key_id: str
    s3_secret_access_key: str
    s3_bucket: str = "switchyard"
    s3_region: str = "us-east-1"
    mlflow_url: str
    mlflow_username: str = _NOBODY
    mlflow_password: str = _NOBODY
    database_url: str
    """SQLAlchemy's, of the prediction log."""

    def values(self) -> dict[str, str]:
        """What stands in braces in stacks/team.yaml."""
        return {
            "bucket": self.s3_bucket,
            "object_store_url": self.s3_endpoint_url,
            "object_store_region": self.s3_region,
            "mlflow_url": self.mlflow_url.rstrip("/"),
        }

    def secrets(self) -> dict[str, dict[str, str]]:
        """Name -> values of ZenML's secrets that it names."""
        logins = {"mlflow_username": self.mlflow_username, "mlflow_password": self.mlflow_password, "database_url": self.database_url}
        keys = {"aws_access_key_id": self.s3_access_key_id, "aws_secret_access_key": self.s3_secret_access_key}
        return {_OBJECTS: keys, _LOGINS: logins}


def read_team(path: Path | None) -> Team:
    """Settings of the file at `path`.

    Raises
    ------
    InputError
        None is named or there, or a key is missing, unknown or wrong; names the key.
    """
    if path is None:
        raise InputError(f"stack team needs --settings FILE, which names its servers; start from {shown(EXAMPLE)}")
    try:
        return Team(**read_pairs(path, shown(EXAMPLE)))
    except ValidationError as error:
        first = error.errors()[0]
        said = "is missing" if first["type"] == "missing" else "is no key" if first["type"] == "extra_forbidden" else first["msg"]
        raise InputError(f"{path}: {str(first['loc'][0]).upper()} {said}; {shown(EXAMPLE)} lists the keys") from None


def look_at_servers(team: Team) -> None:
    """Return where all three take what they were given.

    Raises
    ------
    InputError
        The first that does not, in a line with the keys to look at.
    """
    _look_at_mlflow(team)
    _look_at_objects(team)
    _look_at_database(team)


def _look_at_mlflow(team: Team) -> None:
    import requests

    url = team.mlflow_url.rstrip("/")
    shown = without_credentials(url)
    login = None if team.mlflow_username == _NOBODY else (team.mlflow_username, team.mlflow_password)
    try:
        answer = requests.get(f"{url}/api/2.0/mlflow/experiments/search", params={"max_results": 1}, auth=login, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        raise InputError(f"MLflow at {shown} does not answer this machine ({type(error).__name__}): check MLFLOW_URL") from None
    if answer.status_code in (401, 403):
        raise InputError(f"MLflow at {shown} refuses MLFLOW_USERNAME and MLFLOW_PASSWORD, or this host's name (HTTP {answer.status_code})")
    if not answer.ok or "json" not in answer.headers.get("content-type", ""):
        raise InputError(f"what answers at {shown} is no MLflow server (HTTP {answer.status_code}): check MLFLOW_URL")


def _look_at_objects(team: Team) -> None:
    from stacks.cluster.errors import ClusterError
    from stacks.installation.bucket import ensure_bucket

    keys = {
        "AWS_ACCESS_KEY_ID": team.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": team.s3_secret_access_key,
        "AWS_ENDPOINT_URL": team.s3_endpoint_url,
        "AWS_DEFAULT_REGION": team.s3_region,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
    try:
        ensure_bucket(keys, team.s3_bucket)
    except ClusterError as error:
        raise InputError(first_line(error)) from None


def _look_at_database(team: Team) -> None:
    import sqlalchemy

    from stacks.installation.database import check_all

    try:
        sqlalchemy.make_url(team.database_url)
    except sqlalchemy.exc.ArgumentError:
        raise InputError("DATABASE_URL is no SQLAlchemy URL, as postgresql://USER:PASSWORD@HOST:5432/DATABASE") from None
    for trouble in check_all({"DATABASE_URL": team.database_url}, _TIMEOUT_S[0]):
        raise InputError(first_line(InputError(trouble)))


def register(team: Team, ensure_flavor: Callable[[], None]) -> str:
    """Put the logins into ZenML's secret store and register the stack, active; returns its name.

    Parameters
    ----------
    ensure_flavor : callable
        Makes the model deployer known to ZenML.
    """
    from stacks.registration import register_stack
    from stacks.secrets import ensure_secret

    for name, values in team.secrets().items():
        ensure_secret(name, values)
    ensure_flavor()
    return register_stack(NAME, values=team.values())
