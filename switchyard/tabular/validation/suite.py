"""The `Suite`: a Great Expectations suite as JSON that a person can edit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from switchyard.tabular.errors import InputError
from switchyard.tabular.report.report import Report, Section, Table
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.validation.engine import great_expectations
from switchyard.tabular.validation.words import columns_of, in_words

FILE = "expectations.json"
_KEYS = {"type", "kwargs", "meta", "notes", "severity", "id", "description"}


@dataclass(frozen=True)
class Suite(Storable):
    """Expectations in the format of Great Expectations' own suite files, so that its tools read them too."""

    name: str
    expectations: tuple[dict[str, Any], ...]
    """Each with `type`, `kwargs`, and optionally `notes`, `meta` and `severity` (only `critical`, the default, closes a gate)."""
    meta: dict[str, Any] = field(default_factory=dict)
    """Under `switchyard`: target, rows and digest of the training part the suite was inferred from."""

    @property
    def target(self) -> str | None:
        return self.meta.get("switchyard", {}).get("target")

    def to_json(self) -> str:
        whole = {"name": self.name, "expectations": list(self.expectations), "meta": self.meta, "notes": None}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    def to_file(self, path: str | Path) -> None:
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def from_file(cls, path: str | Path, columns: Iterable[str] | None = None) -> Self:
        """Read a suite that a person may have edited.

        Parameters
        ----------
        path : str or Path
            A suite in JSON.
        columns : iterable of str, optional
            The table's columns; an expectation about any other is an error.

        Raises
        ------
        InputError
            Where the file is no suite, an expectation is unknown, or its arguments are wrong; names the place.
        """
        path = Path(path)
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"expectations {path} do not exist") from None
        except json.JSONDecodeError as error:
            raise InputError(f"expectations {path} are not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"expectations {path} cannot be read: {error}") from None
        if not isinstance(whole, dict) or not isinstance(whole.get("expectations"), list):
            raise InputError(f"expectations {path} must be a mapping with a list under 'expectations'")
        if not isinstance(whole.get("meta") or {}, dict):
            raise InputError(f"expectations {path}: meta must be a mapping")
        known = None if columns is None else list(columns)
        checked = tuple(
            _checked(item, f"expectations {path}, number {number}", known) for number, item in enumerate(whole["expectations"], 1)
        )
        if not checked:
            raise InputError(f"expectations {path} hold no expectation; delete the file to infer them anew")
        return cls(str(whole.get("name") or path.stem), checked, whole.get("meta") or {})

    def write(self, folder: Path) -> None:
        self.to_file(folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> Self:
        whole = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return cls(whole["name"], tuple(whole["expectations"]), whole["meta"])

    def metadata(self) -> dict[str, Fact]:
        return {"expectations": len(self.expectations), "edited": bool(self.meta.get("switchyard", {}).get("edited", False))}

    def report(self) -> Report:
        rows = [
            (", ".join(columns_of(item["kwargs"])) or "the table", in_words(item["type"], item["kwargs"]), item.get("notes") or "")
            for item in self.expectations
        ]
        lead = f"{len(rows)} expectations; copy {FILE} to configs/<name>.expectations.json and edit it to change them."
        expected = Section("What new data must look like", Table(("column", "expected", "seen in training"), rows))
        return Report(f"Expectations of {self.name}", lead, [expected])


def _checked(item: Any, place: str, known: list[str] | None) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str) or not isinstance(item.get("kwargs"), dict):
        raise InputError(f"{place}: an expectation needs 'type' (text) and 'kwargs' (a mapping)")
    unknown = sorted(set(item) - _KEYS)
    if unknown:
        raise InputError(f"{place}: no such key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}")
    build(item, place)
    kwargs = item["kwargs"]
    if (
        isinstance(kwargs.get("min_value"), (int, float))
        and isinstance(kwargs.get("max_value"), (int, float))
        and kwargs["min_value"] > kwargs["max_value"]
    ):
        raise InputError(f"{place} ({item['type']}): min_value {kwargs['min_value']} is above max_value {kwargs['max_value']}")
    for column in columns_of(kwargs):
        if known is not None and column not in known:
            close = get_close_matches(column, known, n=1)
            raise InputError(
                f"{place} ({item['type']}): {column!r} is not a column of the table" + (f"; did you mean {close[0]!r}?" if close else "")
            )
    return {key: value for key, value in item.items() if key != "id"}


def build(item: dict[str, Any], place: str) -> Any:
    """The Great Expectations object of one entry; an `InputError` at `place` where it refuses the entry."""
    great_expectations()
    from great_expectations.exceptions import ExpectationNotFoundError, GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    try:
        return ExpectationConfiguration(**{key: value for key, value in item.items() if key != "id"}).to_domain_obj()
    except ExpectationNotFoundError:
        raise InputError(f"{place}: there is no expectation {item['type']!r}; see greatexpectations.io/expectations") from None
    except (GreatExpectationsError, ValueError, TypeError) as error:
        said = " ".join(str(error).split()).split("(type=")[0]
        said = said.split(f"for {_class_name(item['type'])} ")[-1].strip()
        raise InputError(f"{place} ({item['type']}): {said}") from None


def _class_name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))
