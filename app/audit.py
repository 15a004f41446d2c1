"""`python -m app.audit` (`make audit`): what is in the locks, held against licences that may be and advisories that are known.

Advisories are asked of pip-audit, in an environment that uv makes for it; without a network they are left out, and that is said.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from switchyard.sbom import licences_of, locked, normal

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-test.txt", "requirements-workers.txt", "switchyard/serving/requirements-image.txt")
_AUDIT = "pip-audit==2.10.1"
_FOUND = re.compile(r"\(|\)|[^\s()]+(?:\s+WITH\s+[^\s()]+)?")

# Those that let an application be given on under its own licence; of the EPL, LGPL and MPL the parts themselves stay free.
ALLOWED = frozenset(
    (
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CNRI-Python",
        "EPL-2.0",
        "ISC",
        "LGPL-3.0-only",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Python-2.0",
        "TCL",
        "Unlicense",
        "Zlib",
        "ZPL-2.1",
    )
)

_NAMES = {
    "2-clause bsd license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "mit license": "MIT",
    "zope public license": "ZPL-2.1",
}

EXCEPTIONS = {
    "axe-playwright-python": "MIT, in its file, around axe-core under MPL-2.0; its metadata say nothing; tests alone use it",
    "grandalf": "GPL-2.0-only or EPL-1.0, as its files say; DVC alone imports it, to draw its graph",
    "huey": "MIT, in its file; its metadata say nothing",
    "pygit2": "GPL-2.0-only with an exception for linking; DVC needs it",
    "skops": "MIT, in its file; its metadata say nothing",
    "visions": "BSD-4-Clause: advertising that speaks of it must say so; the profiler needs it, and we advertise nothing",
}
"""Packages that were looked at, and why they may be."""


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression, or a licence's name, can be met by licences of `ALLOWED`."""
    whole = _NAMES.get(expression.lower(), expression)
    tokens = _FOUND.findall(whole)
    if not {"AND", "OR"} & set(tokens):
        return whole in ALLOWED
    return _either(tokens)


def _either(tokens: list[str]) -> bool:
    """One or more terms with OR between them, taken from the front; AND binds closer."""
    found = _both(tokens)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        found = _both(tokens) or found
    return found


def _both(tokens: list[str]) -> bool:
    found = _term(tokens)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        found = _term(tokens) and found
    return found


def _term(tokens: list[str]) -> bool:
    first = tokens.pop(0)
    if first != "(":
        return first in ALLOWED
    found = _either(tokens)
    tokens.pop(0)
    return found


def licence_findings(names: Sequence[str], find: Callable[[str], metadata.PackageMetadata] = metadata.metadata) -> Iterator[str]:
    """A line for each package of `names` that is installed here under a licence that is not allowed."""
    for name in sorted({normal(name) for name in names} - EXCEPTIONS.keys()):
        try:
            licences = licences_of(find(name))
        except metadata.PackageNotFoundError:
            continue
        if not licences:
            yield f"{name}: its metadata name no licence; look, and note it in EXCEPTIONS of app/audit.py"
        elif not all(map(is_allowed, licences)):
            yield f"{name}: {', '.join(licences)} is not among the licences of app/audit.py"


def advisories(lock: Path) -> tuple[list[str], str]:
    """What pip-audit knows of a lock: a line for each advisory, and of what it could not say anything, and why."""
    command = [
        str(Path(sys.executable).with_name("uv")),
        "tool",
        "run",
        "--from",
        _AUDIT,
        "pip-audit",
        "--format",
        "json",
        "--progress-spinner",
    ]
    try:
        asked = subprocess.run(
            [*command, "off", "--no-deps", "--disable-pip", "-r", str(lock)], capture_output=True, text=True, timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], str(error).splitlines()[0]
    try:
        found = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return [], (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
    skipped = [one["skip_reason"] for one in found if "skip_reason" in one]
    known = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no release yet'}"
        for one in found
        for flaw in one.get("vulns", ())
    ]
    return known, f"{len(skipped)} of {len(found)} packages were passed over: {skipped[0]}" if skipped else ""


def main(arguments: Sequence[str]) -> int:
    """Print what was found; 1 where anything was. `--offline` asks nobody."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in LOCKS}
    findings = list(licence_findings([name for text in texts.values() for name in locked(text)]))
    print(f"licences: {len(findings)} not allowed among {len({name for text in texts.values() for name in locked(text)})} packages")
    for name in () if "--offline" in arguments else LOCKS:
        known, silence = advisories(ROOT / name)
        print(f"advisories of {name}: {len(known)} known" + (f"; not all looked up: {silence}" if silence else ""))
        findings += known
    for line in findings:
        print(f"  {line}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
