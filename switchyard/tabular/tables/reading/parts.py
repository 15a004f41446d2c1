"""`files_at` and `joined`: a table in several files, those of a folder of Parquet parts or those that a pattern fits."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.credentials import first_line
from switchyard.tabular.tables.reading.rows import Rows

PARQUET = (".parquet", ".pq")
_KEPT_VERSIONS = {"_delta_log": "a Delta", ".hoodie": "a Hudi"}
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def files_at(path: Path, label: str) -> tuple[Path, ...]:
    """The files of the table at `path`, in the order of their names; none where it is no folder of Parquet parts and no pattern.

    Raises
    ------
    InputError
        No file fits the pattern, or the folder keeps older versions beside the table.
    """
    if path.is_dir():
        for folder, kind in _KEPT_VERSIONS.items():
            if (path / folder).is_dir():
                raise InputError(f"{label} is {kind} table, whose folder holds rows of older versions too; write the newest as Parquet")
        return tuple(_parts_in(path))
    if path.exists() or not glob.has_magic(str(path)):
        return ()
    found = tuple(file for file in map(Path, sorted(glob.glob(str(path), recursive=True))) if file.is_file())
    if not found:
        raise InputError(f"{label}: no file fits this pattern; correct it, or name one file")
    return found


def _parts_in(folder: Path) -> Iterator[Path]:
    """Its Parquet files, and those of its partitions ("region=north/")."""
    for item in sorted(folder.iterdir()):
        if not item.name.startswith((".", "_")):
            yield from _parts_of(item)


def _parts_of(item: Path) -> Iterator[Path]:
    if item.is_dir():
        if "=" in item.name:
            yield from _parts_in(item)
    elif item.suffix.lower() in PARQUET:
        yield item


def beside_the_parts(folder: Path) -> str:
    """What is said of what lies in a folder of Parquet parts and is none; empty where nothing does."""
    others = [item.name for item in sorted(folder.iterdir()) if not item.name.startswith((".", "_")) and not any(_parts_of(item))]
    if not others:
        return ""
    more = f" and {count_of(len(others) - 1, 'other')}" if len(others) > 1 else ""
    return f"{others[0]!r}{more} in this folder {'is' if len(others) == 1 else 'are'} not read: its table is its Parquet files"


def joined(parts: Sequence[Rows], root: Path | None, label: str) -> Rows:
    """One table of several, one after another; columns of a partitioned folder ("region=north/") among them.

    Parameters
    ----------
    parts : sequence of Rows
        Of one file each, called by its path.
    root : Path or None
        Folder that the names of partitions begin below; none where a pattern named the files.
    label : str
        The source, for messages.

    Raises
    ------
    InputError
        Some file has other columns, or other types, than the first.
    """
    first, keys = parts[0], _keys(parts[0].files[0], root)
    for part in parts[1:]:
        _require_same(first.names, part.names, f"{part.label}: its columns are not those of {first.label}")
        _require_same(tuple(keys), tuple(_keys(part.files[0], root)), f"{part.label}: its folders are not named as those of {first.label}")
    schema = _schema(parts)
    added = tuple(name for name in keys if name not in first.names)
    alike = tuple(_as_the_others(part, first.names, schema, _keys(part.files[0], root), added) for part in parts)
    return replace(
        first,
        names=(*first.names, *added),
        label=label,
        read=lambda: chain.from_iterable(part.read() for part in alike),
        size=None if any(part.size is None for part in parts) else sum(part.size or 0 for part in parts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        files=tuple(part.files[0] for part in parts),
        parts=alike,
    )


def _as_the_others(part: Rows, names: Sequence[str], schema: pa.Schema, values: Mapping[str, str | None], added: Sequence[str]) -> Rows:
    """`part` with its columns in the order and the types of all files, and those of its folders behind them."""
    places = [part.names.index(name) for name in names]

    def read() -> Iterator[pa.RecordBatch]:
        for batch in part.read():
            columns = [_cast(batch.column(place), field.type) for place, field in zip(places, schema, strict=True)]
            columns += [pa.repeat(pa.scalar(values[name], pa.string()), batch.num_rows) for name in added]
            yield pa.RecordBatch.from_arrays(columns, names=[str(place) for place in range(len(columns))])

    return replace(part, names=(*names, *added), read=read)


def _keys(path: Path, root: Path | None) -> dict[str, str | None]:
    """What the folders between `root` and a file say of all its rows."""
    pairs = (part.partition("=") for part in path.parent.relative_to(root).parts) if root else ()
    return {unquote(name): None if value == _NO_VALUE else unquote(value) for name, equals, value in pairs if equals}


def _require_same(first: Sequence[str], names: Sequence[str], what: str) -> None:
    missing = [name for name in first if name not in names]
    more = [name for name in names if name not in first]
    if missing:
        raise InputError(f"{what}: {missing[0]!r} is missing{did_you_mean(missing[0], more)}; files of one table have the same columns")
    if more:
        raise InputError(f"{what}: {more[0]!r} is more; files of one table have the same columns")


def _schema(parts: Sequence[Rows]) -> pa.Schema:
    """The types of the columns over all files, by the first rows of each."""
    names, known = parts[0].names, None
    for part in parts:
        head = next(part.read(), None)
        if head is None:
            continue
        types = [_plain(head.schema.field(part.names.index(name)).type) for name in names]
        found = pa.schema([(str(place), one) for place, one in enumerate(types)])
        try:
            known = found if known is None else pa.unify_schemas([known, found], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(f"{part.label}: its columns have other types than in the files before ({first_line(error)})") from None
    return known or pa.schema([(str(place), pa.string()) for place in range(len(names))])


def _plain(found: pa.DataType) -> pa.DataType:
    return found.value_type if pa.types.is_dictionary(found) else found


def _cast(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    return column if column.type == wanted else column.cast(wanted, safe=False)
