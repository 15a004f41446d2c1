"""`python -m switchyard.sbom NAME`: what is installed here, as a bill of materials; `of_model` has the model on top of it.

CycloneDX 1.6 in JSON. Needs the standard library alone, so that it runs in every image.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata
from typing import Any

from switchyard import __version__

Part = dict[str, Any]

# Words of licences that say less than SPDX's names want.
_SPDX = {
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}
_LONGEST = 80
"""Characters of a licence's name: some packages give its whole text instead."""


def of_packages(name: str, version: str = __version__, only: Collection[str] | None = None) -> Part:
    """The distributions installed here.

    Parameters
    ----------
    name, version : str
        Of what they make up.
    only : collection of str, optional
        Names of those to list.
    """
    return _document({"type": "application", "name": name, "version": version, "bom-ref": name}, packages(only))


def of_model(
    name: str, digest: str, files: Mapping[str, bytes], claims: Mapping[str, str], metrics: Mapping[str, float], only: Collection[str]
) -> Part:
    """A model with what it is, was made from and by.

    Parameters
    ----------
    name, digest : str
        Of the model; the digest of its bundle.
    files : mapping of str to bytes
        The bundle's.
    claims : mapping
        What its version's tags say; `data_source` and `data_revision` are its data set.
    only : collection of str
        Names of the distributions of the lock.
    """
    card = {
        "modelParameters": {
            "datasets": [
                {"type": "dataset", "name": claims.get("data_source", ""), "contents": {"properties": _properties(claims, "data_")}}
            ],
            "inputs": [{"format": "table"}],
            "outputs": [{"format": "table"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [{"type": key, "value": f"{value:.6g}"} for key, value in sorted(metrics.items())]},
    }
    parts = [
        {
            "type": "file",
            "name": file,
            "bom-ref": f"file:{file}",
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}],
        }
        for file, content in sorted(files.items())
    ]
    model = {
        "type": "machine-learning-model",
        "name": name,
        "version": digest,
        "bom-ref": digest,
        "modelCard": card,
        "components": parts,
        "properties": _properties({key: value for key, value in claims.items() if not key.startswith("data_")}),
    }
    return _document(model, packages(only))


def packages(only: Collection[str] | None = None) -> list[Part]:
    """The distributions installed here as components, by name."""
    wanted = None if only is None else {normal(name) for name in only}
    # Each is parsed once: two thirds of a second for the three hundred of a training's environment, at every look.
    read = (one.metadata for one in metadata.distributions())
    found = {normal(said["Name"]): said for said in read if said["Name"]}
    return [_component(name, found[name]) for name in sorted(found) if wanted is None or name in wanted]


def locked(text: str) -> list[str]:
    """Names in a lock."""
    return re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", text, re.MULTILINE)


def normal(name: str) -> str:
    """A distribution's name as the index knows it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licences_of(said: metadata.PackageMetadata) -> list[str]:
    """An SPDX expression, or the names of licences as a package's metadata give them; empty where they give none."""
    if "License-Expression" in said:
        return [str(said["License-Expression"])]
    classifiers = [str(line).rsplit(" :: ", 1)[-1] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    names = [_SPDX.get(name.lower(), name) for name in classifiers if name not in ("OSI Approved", "DFSG approved")]
    plain = str(said["License"] or "").strip() if "License" in said else ""
    if names or not plain or plain.upper() == "UNKNOWN":
        return list(dict.fromkeys(names))
    return [plain.splitlines()[0].strip()[:_LONGEST]]


def _component(name: str, said: metadata.PackageMetadata) -> Part:
    version = said["Version"]
    address = f"pkg:pypi/{name}@{version}"
    part: Part = {"type": "library", "name": name, "version": version, "purl": address, "bom-ref": address}
    if licences := licences_of(said):
        part["licenses"] = [{"license": {"name": licence}} for licence in licences]
    return part


def _document(subject: Part, parts: Iterable[Part]) -> Part:
    listed = list(parts)
    content = json.dumps([subject, listed], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # By its content: the same things have the same bill.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "switchyard", "version": __version__}]},
            "component": subject,
        },
        "components": listed,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": [part["bom-ref"] for part in listed]},
            *({"ref": part["bom-ref"]} for part in listed),
        ],
    }


def _properties(values: Mapping[str, str], start: str = "") -> list[Part]:
    return [{"name": f"switchyard:{key}", "value": str(value)} for key, value in sorted(values.items()) if key.startswith(start)]


if __name__ == "__main__":
    json.dump(of_packages(sys.argv[1]), sys.stdout, indent=1)
