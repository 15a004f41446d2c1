"""`read_yaml` and `parse_yaml`: the one way in which YAML that people write is read.

YAML allows what no config needs and what harms: a file of 450 bytes whose nested aliases stand for gigabytes, thousands of
levels, and a key that stands twice, of which a reader silently keeps the last. Each is an error here that names its line.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from switchyard.tabular.errors import InputError

MOST_CHARACTERS = 500_000
"""Of a file, and of what its aliases stand for when each is written out."""
MOST_LEVELS = 50


class _Refused(Exception):
    """What is wrong, and in which line; no `YAMLError`, whose texts fill several lines."""

    def __init__(self, mark: Any, problem: str) -> None:
        # PyYAML's mark: of its own parser or of libyaml's.
        super().__init__(f"line {mark.line + 1}: {problem}")


class _StrictLoader(yaml.SafeLoader):
    """Weighs each node when it is composed, before anything is made of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._weights: dict[yaml.Node, tuple[int, int]] = {}
        """Characters and levels of a finished node, with what its aliases stand for."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if self._level >= MOST_LEVELS:
            raise _Refused(event.start_mark, f"it is nested more than {MOST_LEVELS} levels deep")
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        if isinstance(event, yaml.AliasEvent):
            if node not in self._weights:
                raise _Refused(event.start_mark, f"*{event.anchor} is part of what it stands for")
        elif node is not None:
            self._weigh(node)
        return node

    def _weigh(self, node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            _refuse_duplicates(node)
            parts = [part for pair in node.value for part in pair]
        else:
            parts = node.value if isinstance(node, yaml.SequenceNode) else []
        weights = [self._weights[part] for part in parts]
        own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        characters = 1 + own + sum(size for size, _ in weights)
        levels = 1 + max((level for _, level in weights), default=0)
        if characters > MOST_CHARACTERS:
            raise _Refused(node.start_mark, f"its aliases stand for more than {MOST_CHARACTERS:,} characters; write out what is meant")
        if levels > MOST_LEVELS:
            raise _Refused(node.start_mark, f"it is nested more than {MOST_LEVELS} levels deep")
        self._weights[node] = characters, levels


def _refuse_duplicates(node: yaml.MappingNode) -> None:
    first: dict[tuple[str, Hashable], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _Refused(key.start_mark, "a key must be a plain text")
        same = (key.tag, key.value)
        if same in first:
            raise _Refused(key.start_mark, f"key {key.value!r} stands in line {first[same]} already; keep one of them")
        first[same] = key.start_mark.line + 1


def read_yaml(path: Path, what: str) -> Any:
    """The content of the YAML file `path`.

    Parameters
    ----------
    path : Path
    what : str
        What to call the file in an error: "config", say.

    Raises
    ------
    InputError
        The file is not there, can't be read or is no YAML; a key stands twice; it is too large, too deep, or its aliases
        stand for too much. One line, with the file and where there is one the line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(4 * MOST_CHARACTERS + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"{what} {path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} {path} cannot be read: {error}") from None
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{what} {path} has more than {MOST_CHARACTERS:,} characters; is it the right file?")
    return parse_yaml(text, f"{what} {path}")


def parse_yaml(text: str, where: str) -> Any:
    """The content of `text`, which `where` names in an error.

    Raises
    ------
    InputError
        It is no YAML, a key stands twice, or it stands for too much; one line.
    """
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except _Refused as error:
        raise InputError(f"{where}, {error}") from None
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: a date that is none, or a number of thousands of digits.
        raise InputError(f"{where} is not YAML: {' '.join(str(error).split())}") from None
