"""The `Problem`: everything a user may decide about one modelling problem, typed and checked.

Unknown keys and wrong values are errors before anything runs. What is left at "auto" is decided from
the data by `switchyard.tabular.tables.resolve.resolve` and shown.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from switchyard.plugins import Plugin, load_plugin
from switchyard.tabular.config.features import Features
from switchyard.tabular.config.judging import Constraints, EvaluationConfig, Gates
from switchyard.tabular.config.learning import Clustering, Costs, Decision, Training, Tuning
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.config.names import EncoderName, MetricName, TaskName, check_families
from switchyard.tabular.config.production import ExperimentConfig, Retraining, Serving, Trust
from switchyard.tabular.config.section import Section, Share
from switchyard.tabular.config.wording import said_of
from switchyard.tabular.config.yaml_text import read_yaml
from switchyard.tabular.errors import InputError
from switchyard.tabular.tasks import METRICS, TASKS

Kind = Literal["numeric", "categorical", "boolean", "datetime", "text"]
Role = Literal["feature", "target", "id", "time", "group", "weight", "ignored"]
Action = Literal["warn", "drop", "stop"]


class ColumnOverride(Section):
    """What the user knows better than inference about one column."""

    kind: Kind | None = Field(None, description="What its values are, where the guess is wrong; text is learnt from by its words.")
    role: Role | None = Field(None, description="What it is for; ignored leaves it out.")
    required: bool | None = Field(
        None,
        description="Whether requests must hold it; without a word those that the champion's requests must hold, of a first model all.",
    )
    imputer: Literal["mean", "median", "most_frequent", "own_category", "none"] | None = Field(
        None, description="What stands in for its missing values."
    )
    encoder: EncoderName | None = Field(None, description="How its categories become numbers.")
    scaler: Literal["standard", "minmax", "robust", "none"] | None = Field(None, description="How its numbers are brought to one scale.")
    format: str | None = Field(None, description="How dates are written, as of strptime: %d.%m.%Y.")
    decimal: Literal[".", ","] | None = Field(None, description="The decimal mark, where numbers could be read either way.")
    missing: tuple[str, ...] | None = Field(None, description="Words that stand for no value; [] makes every word one.")
    unit: str | None = Field(None, description="What stands behind or before the numbers and is no part of them.")


class Data(Section):
    """Where the table is and what its columns are for."""

    source: str = Field(description="Path, URL (any fsspec scheme), SQLAlchemy URL, builtin:NAME or openml:NAME.")
    target: str = Field(description="The column to predict; a clustering has none.")
    query: str | None = Field(None, description="SQL to run when the source is a SQLAlchemy URL.")
    user: str | None = Field(None, description="Recommendation: who took something; found by its name where that is plain.")
    item: str | None = Field(None, description="Recommendation: what was taken; found by its name where that is plain.")
    weight: str | None = Field(
        None, description="How much each row counts, zero or more; no feature. Recommendation: a rating, a number of pieces."
    )
    items: str | None = Field(
        None, description="Recommendation: a table of the items with their titles and what describes them, as data.source."
    )
    users: str | None = Field(
        None, description="Recommendation: a table of the users with what describes them, known when they ask, as data.source."
    )
    time_column: str | None = Field(None, description="Column that orders rows in time; @row: the file's order is time.")
    group_column: str | None = Field(None, description="Rows that share a value stay on one side of every split.")
    entity_column: str | None = Field(None, description="Who a row is about; rows of one entity share a side of a random split.")
    slice_columns: tuple[str, ...] = Field((), description="Columns whose values the evaluation is broken down by.")
    delimiter: str | None = Field(None, description="CSV delimiter; inferred when absent.")
    encoding: str | None = Field(None, description="CSV encoding; UTF-8, then Windows-1252 with a warning, when absent.")
    sheet: str | None = Field(None, description="Sheet of a workbook; the first that holds anything when absent.")
    max_unpacked_mb: PositiveInt = Field(8192, le=1_000_000, description="Refuse files that grow beyond this when unpacked.")
    columns: dict[str, ColumnOverride] = Field(default_factory=dict, description="What is known better about single columns.")


class SplitConfig(Section):
    """How the holdout is set apart."""

    kind: Literal["auto", "random", "time", "group"] = Field(
        "auto", description="By what rows are held out; auto: by time where rows follow one another."
    )
    holdout: Literal["auto"] | Share = Field("auto", description="Share of rows; auto: a fifth, less where fewer rows are enough.")


class QualityConfig(Section):
    """What to do about each finding: warn, drop the column (the copies, of repeated rows), or stop with exit code 3."""

    max_missing_share: Share = Field(0.95, description="Of a column: above it, missing_column applies.")
    missing_column: Action = Field("drop", description="Nearly all values are missing.")
    constant_column: Action = Field("drop", description="A single value.")
    id_column: Action = Field("drop", description="Every value once, as of a key.")
    duplicate_rows: Action = Field("warn", description="drop leaves out the rows that repeat another, before the split.")
    imbalance: Literal["warn", "stop"] = Field("warn", description="A class is rarer than min_class_share.")
    min_class_share: Share = Field(0.05, description="Share of the rows below which a class is rare.")
    extreme_target: Literal["warn", "stop"] = Field("warn", description="Single target values far from all others.")
    target_leakage: Action = Field("stop", description="A column that gives the target away (leakage_score).")
    leakage_score: Share = Field(0.98, description="A single column scoring this AUC/R2 alone gives the target away.")
    future_column: Action = Field("stop", description="A column of times after the one that orders the rows.")
    split_overlap: Literal["warn", "stop"] = Field("warn", description="Rows or entities on both sides of the split.")
    temporal: Literal["warn", "stop"] = Field("warn", description="Times that are missing, stray or have gaps, and a target that jumps.")
    validation: Literal["warn", "stop"] = Field("warn", description="What a failed expectation on the holdout does.")


_AFTER_TRAINING = ("serving", "trust", "experiment", "retraining", "monitoring")


def _as_sources(schema: dict[str, Any]) -> None:
    """Plugins in the JSON schema as a person writes them: where each is. Their digests are found."""
    schema["items"] = {"type": "string"}


class Problem(Section):
    """One modelling problem. The YAML files in configs/ hold exactly these keys."""

    name: str = Field(description="Names the model in every registry: letters, digits, - and _.")
    plugins: tuple[Plugin, ...] = Field(
        (),
        description="Files, modules or entry points with families, metrics, ... of one's own; they are run.",
        json_schema_extra=_as_sources,
    )
    goal: str = Field("", description="What the model is for, in a sentence; it goes into the documents.")
    data: Data
    task: TaskName = Field("auto", description="auto: by the target's values.")
    objective: Literal["auto", "count", "poisson", "tweedie"] = Field(
        "auto",
        description="Regression: count makes it one of counts, which answers nothing below zero, by the Poisson loss or, of amounts with "
        "many zeros, Tweedie's; auto: squared errors.",
    )
    metric: MetricName = Field("auto", description="What the search improves and the verdict compares; auto: the task's usual one.")
    positive_class: str | None = Field(None, description="Binary: the class that probabilities are of; found by its name when absent.")
    split: SplitConfig = SplitConfig()
    quality: QualityConfig = QualityConfig()
    features: Features = Features()
    tuning: Tuning = Tuning()
    training: Training = Training()
    costs: Costs | None = Field(None, description="Classification: what each kind of error costs; the answer follows.")
    quantiles: tuple[Share, ...] = Field(
        (), max_length=20, description="Regression: quantiles of the outcome that answers carry, rising, as [0.1, 0.5, 0.9]."
    )
    decision: Decision = Decision()
    clustering: Clustering = Clustering()
    constraints: Constraints = Constraints()
    evaluation: EvaluationConfig = EvaluationConfig()
    gates: Gates = Gates()
    serving: Serving = Serving()
    trust: Trust = Trust()
    experiment: ExperimentConfig = ExperimentConfig()
    retraining: Retraining = Retraining()
    monitoring: Monitoring = Monitoring()

    def for_training(self) -> Self:
        """This problem with the sections of a trained model's later life at their defaults: a change there trains nothing anew."""
        return self.model_copy(update={name: type(self).model_fields[name].default for name in _AFTER_TRAINING})

    @model_validator(mode="before")
    @classmethod
    def _with_plugins(cls, given: Any) -> Any:
        # First of all: the other keys may name what they bring. And wherever a problem is read, in a step or a pod, they are there.
        if isinstance(given, dict) and isinstance(given.get("plugins"), (list, tuple)):
            given = {**given, "plugins": tuple(load_plugin(_source_of(plugin)) for plugin in given["plugins"])}
        if isinstance(given, dict) and given.get("objective", "auto") != "auto" and given.get("task", "auto") == "auto":
            given = {**given, "task": "regression"}
        if isinstance(given, dict) and given.get("task") in TASKS:
            return TASKS[given["task"]].filled(given)
        return given

    @field_validator("name")
    @classmethod
    def _safe_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name):
            raise ValueError("use letters, digits, - and _, at most 63, starting with a letter or digit")
        return name

    @model_validator(mode="after")
    def _fitting_families(self) -> Self:
        check_families(self.tuning.families, self.task)
        return self

    @model_validator(mode="after")
    def _known_metric(self) -> Self:
        known = METRICS if self.task == "auto" else TASKS[self.task].metrics
        if self.metric != "auto" and self.metric not in known:
            whose = "" if self.task == "auto" else f" of a {self.task} task"
            raise ValueError(f"metric: {self.metric!r} is no metric{whose}; choose one of {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _counts_are_numbers(self) -> Self:
        if self.objective != "auto" and self.task != "regression":
            raise ValueError(f"objective: {self.objective} is of task: regression, and the task is {self.task}; remove one of the two")
        return self

    @model_validator(mode="after")
    def _quantiles_rise(self) -> Self:
        if list(self.quantiles) != sorted(set(self.quantiles)):
            raise ValueError(f"quantiles: give each level once, rising, as in [0.1, 0.5, 0.9] (got {list(self.quantiles)})")
        if self.quantiles and self.task not in ("auto", "regression"):
            raise ValueError(f"quantiles are of task: regression, and the task is {self.task}; remove one of the two")
        return self

    @property
    def loss(self) -> str:
        """What estimators are told that the task is: of counts, once that is resolved, the loss."""
        return self.task if self.objective == "auto" else self.objective

    @model_validator(mode="after")
    def _costs_for_their_limit(self) -> Self:
        if self.constraints.max_cost is not None and self.costs is None:
            raise ValueError(
                "constraints.max_cost limits what errors cost; say what that is in costs.false_positive and costs.false_negative, "
                "or in costs.matrix"
            )
        return self

    @model_validator(mode="after")
    def _target_is_no_feature(self) -> Problem:
        for key in ("time_column", "group_column", "entity_column", "weight"):
            if (column := getattr(self.data, key)) == self.data.target:
                raise ValueError(f"data.{key} and data.target are both {column!r}")
        return self

    @model_validator(mode="after")
    def _roles_agree(self) -> Problem:
        named = {"entity_column": "id", "group_column": "group", "time_column": "time", "weight": "weight"}
        for key, role in named.items():
            name = getattr(self.data, key)
            override = self.data.columns.get(name)
            if override is None or override.role in (None, role, "group"):
                continue
            also = (
                "; its calendar is a feature anyway (features.time_column)" if key == "time_column" and override.role == "feature" else ""
            )
            raise ValueError(f"data.{key} is {name!r}, but data.columns gives it the role {override.role}: remove one of the two{also}")
        return self


def _source_of(plugin: Any) -> str:
    source = plugin.source if isinstance(plugin, Plugin) else plugin.get("source") if isinstance(plugin, dict) else plugin
    if not isinstance(source, str) or not source:
        raise InputError(f"plugins: {plugin!r} names no file, module or entry point")
    return source


def problem_from(settings: dict[str, Any], where: str) -> Problem:
    """Check `settings` (what the YAML and the command line say together) into a `Problem`.

    Raises
    ------
    InputError
        With one line per wrong key, each naming its place in `where`.
    """
    try:
        return Problem.model_validate(settings)
    except ValidationError as error:
        raise InputError(f"{where}: {said_of(error)}") from None


def read_settings(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML config file; an `InputError` names the file and line where it is not one."""
    settings = read_yaml(Path(path), "config")
    if not isinstance(settings, dict):
        raise InputError(f"config {path} must be a mapping of keys to values")
    return settings
