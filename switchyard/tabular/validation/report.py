"""What a validation said: which expectations failed, by how much, and on which values."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.errors import GateClosed
from switchyard.tabular.report.report import Badge, Name, Report, Section, Table, Text
from switchyard.tabular.report.words import of_sample
from switchyard.tabular.storable import Fact, Record
from switchyard.tabular.validation.words import columns_of, in_words


class ExpectationResult(BaseModel):
    """One expectation beside what was observed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    column: str | None = None
    success: bool
    severity: str = "critical"
    expected: str
    observed: str
    samples: tuple[str, ...] = ()
    """Up to five unexpected values, most frequent first."""


class ValidationReport(Record):
    """The outcome of one suite on one frame."""

    suite: str
    what: str
    """Which data was validated: holdout, new data, prediction log."""
    rows: int
    results: tuple[ExpectationResult, ...]
    details: dict[str, Any]
    """The result in Great Expectations' own JSON, without run times and random ids; `data_docs` renders it."""
    of_rows: int | None = None
    """Rows of the table that these are a sample of; None where they are all."""

    @property
    def failed(self) -> tuple[ExpectationResult, ...]:
        return tuple(result for result in self.results if not result.success)

    @property
    def success(self) -> bool:
        """Whether no critical expectation failed."""
        return not any(result.severity == "critical" for result in self.failed)

    @property
    def statistics(self) -> dict[str, int | float]:
        evaluated, failed = len(self.results), len(self.failed)
        return {
            "evaluated_expectations": evaluated,
            "successful_expectations": evaluated - failed,
            "unsuccessful_expectations": failed,
            "success_percent": round(100 * (evaluated - failed) / evaluated, 2) if evaluated else 100.0,
        }

    def raise_if_failed(self, action: Literal["warn", "stop"]) -> None:
        """The gate: `action` is `problem.quality.validation`.

        Raises
        ------
        GateClosed
            When a critical expectation failed and the action is to stop; one line that names the failures.
        """
        if action != "stop" or self.success:
            return
        failed = [result for result in self.failed if result.severity == "critical"]
        # One clause per column: an absent or mistyped column fails all its expectations for one cause.
        first: dict[str, ExpectationResult] = {}
        for result in failed:
            first.setdefault(_subject(result), result)
        said = [
            f"{subject}: {result.observed}" + (f", expected {result.expected}" if result.column else "")
            for subject, result in first.items()
        ]
        more = f"; and {len(said) - 5} more columns" if len(said) > 5 else ""
        raise GateClosed(
            f"validation gate: {len(failed)} of {len(self.results)} expectations failed on the {self.what}: {'; '.join(said[:5])}{more} "
            "[quality.validation: stop; edit configs/<name>.expectations.json if the data is right]"
        )

    def metadata(self) -> dict[str, Fact]:
        return {"success": self.success, "rows": self.rows, **self.statistics}

    def report(self) -> Report:
        numbers = self.statistics
        lead = (
            f"{numbers['successful_expectations']} of {numbers['evaluated_expectations']} expectations met on {self.rows:,} rows of the"
            f" {self.what}.{of_sample(self.of_rows)}"
        )
        everything = [
            (Badge("met", "good") if result.success else Badge("failed", "bad"), _named(result), result.expected, result.observed)
            for result in self.results
        ]
        return Report(
            f"Validation of the {self.what}",
            lead,
            [
                Section("Verdict", Text(Badge("passed", "good") if self.success else Badge("failed", "bad"))),
                Section("Failed expectations", self.failure_table() if self.failed else "None."),
                Section("All expectations", Table(("", "column", "expected", "observed"), everything)),
            ],
        )

    def failure_table(self) -> Table:
        """Expectations that did not hold."""
        rows = [
            (
                _named(result),
                Badge(result.severity, "bad" if result.severity == "critical" else "warn"),
                result.expected,
                result.observed,
                ", ".join(result.samples),
            )
            for result in self.failed
        ]
        return Table(("column", "severity", "expected", "observed", "unexpected values"), rows)


def _subject(result: ExpectationResult) -> str:
    return result.column or "the table"


def _named(result: ExpectationResult) -> Name | str:
    return Name(result.column) if result.column else "the table"


def result_from(raw: dict[str, Any], present: set[str]) -> ExpectationResult:
    """Our summary of one entry of Great Expectations' results on a frame with the columns `present`."""
    config = raw["expectation_config"]
    kwargs = {key: value for key, value in config["kwargs"].items() if key != "batch_id"}
    columns = columns_of(kwargs)
    return ExpectationResult(
        type=config["type"],
        column=" and ".join(columns) or None,
        success=raw["success"],
        severity=config.get("severity") or "critical",
        expected=in_words(config["type"], kwargs),
        observed=_observed(raw) if present.issuperset(columns) else "the column is absent",
        samples=_samples(raw),
    )


def _observed(raw: dict[str, Any]) -> str:
    result, failure = raw.get("result") or {}, raw["exception_info"].get("exception_message")
    if failure:
        return f"not to be evaluated: {failure}"
    if "details" in result and result["details"].get("mismatched"):
        wrong = result["details"]["mismatched"]
        return "; ".join(f"{what}: {', '.join(map(str, wrong[what]))}" for what in ("missing", "unexpected") if wrong.get(what))
    if "observed_value" in result:
        value = result["observed_value"]
        return f"{len(value)} columns, as expected" if isinstance(value, list) else str(value).rstrip("_")
    if "unexpected_percent" in result:
        values = result["element_count"] - result.get("missing_count", 0)
        return (
            f"{result['unexpected_count']:,} of {values:,} values {'unexpected' if 'missing_count' in result else 'missing'}"
            f" ({result['unexpected_percent'] or 0:.2f} %)"
        )
    return ""


def _samples(raw: dict[str, Any]) -> tuple[str, ...]:
    values = (raw.get("result") or {}).get("partial_unexpected_list") or []
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[str(value)] = counts.get(str(value), 0) + 1
    return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:5])
