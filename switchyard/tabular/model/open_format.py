"""Fitted scikit-learn objects as files without pickle: skops, with the same bytes for the same object."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from switchyard.plugins import modules_of_plugins

_EPOCH = (1980, 1, 1, 0, 0, 0)
_OURS = ("sklearn.", "switchyard.tabular.features.")
"""What skops does not trust by itself and we do; the types of numpy and SciPy that hold data it trusts, and others of them run code."""


def dump(fitted: Any) -> bytes:
    """`fitted` in the skops format; what is left to chance there (object ids, file times) is made regular."""
    import skops.io

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(fitted))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[int, int] = {}
    renamed: dict[str, str] = {}
    schema = _regular(json.loads(files.pop("schema.json")), numbers, renamed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        entries = {renamed.get(name, name): content for name, content in files.items()}
        for name in sorted(entries):
            archive.writestr(_entry(name), entries[name])
        archive.writestr(_entry("schema.json"), json.dumps(schema, indent=1))
    return out.getvalue()


def load(content: bytes) -> Any:
    """The object that `dump` wrote.

    Raises
    ------
    ValueError
        When the content names types other than those that skops trusts, scikit-learn's, and those of
        `switchyard.tabular.features` and of the plugins that are loaded.
    """
    import skops.io

    types = types_in(content)
    known = (*_OURS, *(f"{module}." for module in modules_of_plugins()))
    strange = [name for name in types if not name.startswith(known)]
    if strange:
        raise ValueError(f"refused to load a preprocessor that names the types {', '.join(strange)}")
    return skops.io.loads(content, trusted=types)


def types_in(content: bytes) -> list[str]:
    """Dotted names of the types that the content needs, those that skops trusts anyway left out."""
    import skops.io

    return list(skops.io.get_untrusted_types(data=content))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _regular(node: Any, numbers: dict[int, int], renamed: dict[str, str]) -> Any:
    # skops names objects by their address in memory: number them in the order they are met instead.
    if isinstance(node, list):
        return [_regular(item, numbers, renamed) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "__id__":
            value = numbers.setdefault(value, len(numbers) + 1)
        elif key == "file" and isinstance(value, str) and "." in value:
            value = renamed.setdefault(value, f"{len(renamed) + 1}.{value.rpartition('.')[2]}")
        else:
            value = _regular(value, numbers, renamed)
        result[key] = value
    return result
