"""`Door`, `Upstream` and `Traffic`: all that Envoy's configuration depends on."""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = 10_000
"""Weights of a `Traffic` add up to this."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Door:
    """How the endpoint is offered."""

    port: int
    admin_port: int
    """Envoy's own interface: statistics, readiness. On loopback, whatever `host` is; where there is a socket, a name for it only."""
    host: str = "127.0.0.1"
    authentication: bool = True
    """Ask for a bearer token on every path but health."""
    max_bytes: int = 4 * 1024 * 1024
    """Largest body of a request."""
    requests_per_second: int = 5_000
    """Requests of all clients together, for each process of Envoy; as many may come at once."""
    requests_per_second_of_client: int = 0
    """Of those, what each client may send, known by its token; 0: no limit of its own."""
    max_connections: int = 2_000
    timeout_s: float = 30.0
    """From the request's last byte to the answer's."""
    access_log: str = "/dev/stdout"
    admin_socket: str = ""
    """Path of Envoy's own interface, from the folder that Envoy is started in; anybody on the machine could end Envoy by a port."""
    certificate: str = ""
    """Path of a PEM file with the certificate and what leads to its root: HTTPS is spoken, and nothing else. Empty: HTTP."""
    key: str = ""
    """Path of the certificate's private key, PEM without a passphrase."""

    def __post_init__(self) -> None:
        if not self.authentication and self.host not in LOOPBACK:
            raise ValueError(f"without authentication the front door stays on loopback, not on {self.host}")


@dataclass(frozen=True)
class Upstream:
    """One deployed version as Envoy reaches it."""

    name: str
    """Names it in the statistics."""
    host: str
    port: int
    socket: str = ""
    """Path of the version's socket, from the folder that Envoy is started in, in place of host and port."""
    member: str = ""
    """Name by which a pool of models knows the version; whatever a request says of that itself is overwritten."""


@dataclass(frozen=True)
class Traffic:
    """Who answers.

    Parameters
    ----------
    weights : tuple of (str, int)
        Upstream names and shares that add up to `WHOLE`; empty where nothing is deployed. The candidate stands first:
        an entity is assigned by where its hash falls, so that raising the first share moves nobody back.
    shadows : tuple of str
        Upstreams that get a copy of every prediction request; their answers are dropped.
    """

    weights: tuple[tuple[str, int], ...] = ()
    shadows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and sum(weight for _, weight in self.weights) != WHOLE:
            raise ValueError(f"weights {self.weights} do not add up to {WHOLE}")

    @classmethod
    def all_to(cls, name: str, shadow: str | None = None) -> Traffic:
        """Everything to `name`, and a copy to `shadow`."""
        return cls(((name, WHOLE),), (shadow,) if shadow else ())

    @classmethod
    def split(cls, candidate: str, stable: str, share: float) -> Traffic:
        """`share` (0 to 1, in ten-thousandths) to the candidate and the rest to the stable one."""
        weight = round(share * WHOLE)
        return cls(((candidate, weight), (stable, WHOLE - weight)))

    @property
    def stable(self) -> str | None:
        """Who answers what is no prediction: health, feedback, metadata."""
        return self.weights[-1][0] if self.weights else None

    @property
    def names(self) -> frozenset[str]:
        """Every upstream that gets requests."""
        return frozenset([name for name, weight in self.weights if weight] + list(self.shadows) + ([self.stable] if self.stable else []))
