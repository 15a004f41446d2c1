"""Prometheus' text format, as whatever of ours is counted is written in it: `head`, `labelled`, `shown`."""

from __future__ import annotations

from collections.abc import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def head(name: str, kind: str, text: str) -> tuple[str, str]:
    """The two lines above a metric's samples: what it is, and whether it is a counter, a gauge or a histogram."""
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def labelled(labels: Mapping[str, str]) -> str:
    """Labels as they stand behind a metric's name; empty where there are none."""
    told = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{told}}}" if told else ""


def shown(value: float) -> str:
    """A sample's value, with all of its digits."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
