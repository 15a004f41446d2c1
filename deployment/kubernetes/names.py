"""What a model's objects in the cluster are called, and the labels by which they are found."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from stacks.cluster.objects import MANAGED_BY, OWNER

MODEL, INSTANCE, VERSION, DIGEST, REVISION, FRONTDOOR = (
    f"switchyard/{name}" for name in ("model", "instance", "version", "digest", "revision", "frontdoor")
)
"""Labels. Digest and revision are shortened there, to what a label may hold; the annotation has the digest whole."""
_LONGEST = 40


@dataclass(frozen=True)
class Names:
    """Names of all objects of one model."""

    scope: str
    """Begins all of them, and is the SeldonDeployment's."""

    @classmethod
    def of(cls, model: str) -> Names:
        """Lower case, digits and dashes; two models never get the same."""
        plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
        if plain == model and len(plain) <= _LONGEST and plain[0].isalpha():
            return cls(plain)
        return cls(f"m-{plain[: _LONGEST - 11].strip('-')}-{hashlib.sha256(model.encode()).hexdigest()[:8]}")

    @property
    def frontdoor(self) -> str:
        """Deployment, Service, Secret and disruption budget of the front door."""
        return f"{self.scope}-frontdoor"

    def service(self, instance: str) -> str:
        """The Service that Seldon's operator makes for a predictor."""
        return f"{self.scope}-{instance}"

    def pods(self, instance: str) -> str:
        """The Service without an address of its own, by which the front door finds each pod."""
        return f"{self.scope}-{instance}-pods"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of everything that belongs to the model."""
        return {MANAGED_BY: OWNER, MODEL: self.scope}

    @property
    def selector(self) -> str:
        """Finds everything that belongs to the model."""
        return f"{MODEL}={self.scope}"


def instance_name(version: str, role: str) -> str:
    """Name of the first instance of a version."""
    plain = re.sub(r"[^a-z0-9]+", "-", version.lower()).strip("-")[:10].strip("-") or "0"
    return f"v{plain}" + ("-shadow" if role == "shadow" else "")


def label(value: str) -> str:
    """`value` as far as a label can hold it."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", value)[:48].strip("-_.")
