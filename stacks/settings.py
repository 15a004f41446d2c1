"""What a stack asks of every run: `run_settings`, read from the `settings` section of its YAML file.

```yaml
settings:
  parallel: 4                  # model families tuned at once; they share a budget accordingly
  all:                         # of every run: ZenML settings by their keys (docker, orchestrator, ...), and `retry`
    docker: {parent_image: "{image}", skip_build: true}
  pipelines:
    deployment: {orchestrator: {service_account_name: deployer}}
  steps:                       # by name or pattern; later entries win, and they win over `all` and `pipelines`
    "*": {retry: {max_retries: 2}}
    "tune_*": {orchestrator: {pod_settings: {resources: {limits: {memory: 4Gi}}}}}
```

No step and no pipeline knows of it: names are matched when a run is put together. Mappings are merged key by key; a list
replaces a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from switchyard.tabular.config.yaml_text import read_yaml
from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

FOLDER = Path(__file__).parent
_RETRY = "retry"
_SECTIONS = ("parallel", "all", "pipelines", "steps")


@dataclass(frozen=True)
class RunSettings:
    """What one run is given, in ZenML's words."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of the pipeline: what runs the orchestrator."""
    retry: dict[str, Any] | None = None
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By step: `settings` and `retry`."""

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `Pipeline.with_options`."""
        options: dict[str, Any] = {}
        if self.settings:
            options["settings"] = self.settings
        if self.retry:
            options["retry"] = self.retry
        if self.steps:
            options["steps"] = self.steps
        return options

    def check(self, stack: str, kinds: Mapping[str, type[BaseModel] | None]) -> None:
        """Stop at a key that ZenML does not know: it would be dropped, with a warning at best.

        Parameters
        ----------
        kinds : mapping of str to class or None
            The settings class of what stands below a key (docker, orchestrator).

        Raises
        ------
        InputError
            Names the key, and those that it is like.
        """
        from zenml.utils.settings_utils import is_valid_setting_key

        asked = {"every run": self.settings, **{f"step {name}": step["settings"] for name, step in self.steps.items()}}
        for whose, settings in asked.items():
            for key, entry in settings.items():
                where = f"{stack}.yaml: settings of {whose}"
                if not is_valid_setting_key(key):
                    raise InputError(f"{where}: {key} is unknown{did_you_mean(key, (*kinds, _RETRY))}")
                if kind := kinds.get(re.split("[.:]", key)[0]):
                    _check_keys(where, key, entry, kind)


def _check_keys(where: str, path: str, entry: Any, kind: type[BaseModel]) -> None:
    """`entry` has no key that `kind` lacks, and what is below a key none that the key's own class lacks."""
    for key, value in entry.items() if isinstance(entry, Mapping) else ():
        if key not in kind.model_fields:
            raise InputError(f"{where}: {path}.{key} is unknown{did_you_mean(key, kind.model_fields)}")
        annotation = kind.model_fields[key].annotation
        for part in (annotation, *get_args(annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                _check_keys(where, f"{path}.{key}", value, part)


def run_settings(
    stack: str, pipeline: str, steps: Iterable[str], values: Mapping[str, Callable[[], str]], folder: Path = FOLDER
) -> RunSettings:
    """What the stack `stack` asks of a run of `pipeline` with `steps`; nothing where it has no file.

    Parameters
    ----------
    values : mapping of str to callable
        What names in braces stand for; each is called only where the settings mention it. `image`: what pipelines run
        in; `commit`: the code's.

    Raises
    ------
    InputError
        When the section is not as described above.
    """
    section = _section(stack, folder)
    base = _merged(section.get("all", {}), section.get("pipelines", {}).get(pipeline, {}))
    patterns: Mapping[str, Any] = section.get("steps", {})
    text = yaml.safe_dump(section)
    known = {"{" + name + "}": value() for name, value in values.items() if "{" + name + "}" in text}
    chosen = {}
    for step in steps:
        own: dict[str, Any] = {}
        for pattern, entry in patterns.items():
            if fnmatchcase(step, pattern):
                own = _merged(own, entry)
        if own:
            whole = _filled(_merged(base, own), known)
            retry = whole.pop(_RETRY, None)
            chosen[step] = {"settings": whole, **({_RETRY: retry} if retry else {})}
    settings = _filled(base, known)
    return RunSettings(settings, settings.pop(_RETRY, None), chosen)


def settings_of_each(stack: str, folder: Path = FOLDER) -> list[dict[str, Any]]:
    """What any step of any pipeline is given: the settings of each pipeline that is named and of one that is not, with each pattern's."""
    section = _section(stack, folder)
    bases = [_merged(section.get("all", {}), one) for one in ({}, *section.get("pipelines", {}).values())]
    return [_merged(base, one) for base in bases for one in ({}, *section.get("steps", {}).values())]


def parallel_families(stack: str, folder: Path = FOLDER) -> int:
    """How many model families the stack tunes at once, each on a machine (or part of one) of its own."""
    return int(_section(stack, folder).get("parallel", 1))


def _section(stack: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{stack}.yaml"
    if not path.is_file():
        return {}
    section = (read_yaml(path, "stack file") or {}).get("settings") or {}
    unknown = [key for key in section if key not in _SECTIONS] if isinstance(section, dict) else ["settings"]
    if unknown:
        raise InputError(f"{path.name}: settings.{unknown[0]} is unknown; there is {', '.join(_SECTIONS)}")
    for name in ("pipelines", "steps"):
        for key, entry in (section.get(name) or {}).items():
            if not isinstance(entry, dict):
                raise InputError(f"{path.name}: settings.{name}.{key} must be a mapping")
    if not isinstance(section.get("parallel", 1), int) or section.get("parallel", 1) < 1:
        raise InputError(f"{path.name}: settings.parallel must be a whole number above 0")
    return {key: value for key, value in section.items() if value}


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        keys = dict.fromkeys((*below, *above))
        return {key: _merged(below.get(key, above.get(key)), above.get(key, below.get(key))) for key in keys}
    return above


def _filled(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if isinstance(value, str):
        for name, filling in known.items():
            value = value.replace(name, filling)
    return value
