"""URLs of databases: how ZenML's server wants them, and how the driver does that all others use.

TLS is asked for in ZenML's words in all of them: `ssl=true` encrypts, `ssl_ca=FILE` also verifies the server, its name
included unless `ssl_verify_server_cert=false`. The file is one of the image.
"""

from __future__ import annotations

import sqlalchemy

from switchyard.tabular.errors import InputError

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Authorities that the images know."""
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
_TLS = ("ssl", "ssl_ca", "ssl_verify_server_cert")
_TRUE = ("1", "y", "yes", "true")


def for_zenml(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """`url` without a driver, which ZenML chooses; and verifying as strictly as the driver does by itself."""
    plain = url.set(drivername="mysql")
    if "ssl_ca" in url.query and "ssl_verify_server_cert" not in url.query:
        return plain.update_query_dict({"ssl_verify_server_cert": "true"})
    return plain


def for_driver(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """`url` with the driver that is installed, and TLS in its words."""
    driven = url.set(drivername=_DRIVERS.get(url.get_backend_name(), url.drivername))
    if driven.get_backend_name() != "mysql":
        return driven
    encrypts = _is_true(url, "ssl") or "ssl_ca" in url.query
    verifies = "ssl_ca" in url.query and _is_true(url, "ssl_verify_server_cert", "true")
    driven = driven.difference_update_query(["ssl", "ssl_verify_server_cert"])
    return driven.update_query_dict({"ssl_check_hostname": "false"}) if encrypts and not verifies else driven


def check_url(url: sqlalchemy.URL, zenml: bool, where: str) -> None:
    """Whether its options are known to whoever gets it.

    Parameters
    ----------
    zenml : bool
        It is for ZenML's server, which takes no others.
    where : str
        Names what it was read from.

    Raises
    ------
    InputError
        One is not, or says nothing as it stands.
    """
    if url.get_backend_name() not in ("mysql", "mariadb"):
        return
    way = f"ssl=true encrypts, ssl_ca={BUNDLE} (or another file of the image) also verifies the server"
    for option in url.query:
        if option not in _TLS and (zenml or option.startswith("ssl")):
            raise InputError(f"{where} has the option {option}, which {'ZenML' if zenml else 'nothing here'} takes; {way}")
    if _is_true(url, "ssl_verify_server_cert") and "ssl_ca" not in url.query:
        raise InputError(f"{where} asks to verify the server and names no authorities: {way}")


def _is_true(url: sqlalchemy.URL, option: str, unsaid: str = "") -> bool:
    return str(url.query.get(option, unsaid)).lower() in _TRUE
