"""The Data Docs site: Great Expectations' own pages, for the MLflow UI (they need scripts and a network for their looks)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from switchyard.tabular.report.foreign import harmless_all
from switchyard.tabular.validation.engine import LOCK, context, great_expectations
from switchyard.tabular.validation.report import ValidationReport

_SITE = "switchyard"


def data_docs(report: ValidationReport, folder: str | Path) -> Path:
    """Write the site of one validation into `folder` and return its `index.html`.

    The pages carry the time they were made: log them, do not hash them. Great Expectations does not escape what it shows,
    so names and values are made harmless before.
    """
    gx = great_expectations()
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier, ValidationResultIdentifier
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    folder = Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    details = harmless_all(report.details)
    result = expectationSuiteValidationResultSchema.load(details)
    expectations = [ExpectationConfiguration(**entry["expectation_config"]).to_domain_obj() for entry in details["results"]]
    with LOCK:
        made = context()
        made.suites.add(gx.ExpectationSuite(name=report.suite, expectations=expectations))
        run = RunIdentifier(run_name=report.what, run_time=datetime.now(UTC))
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(report.suite), run, batch_identifier=report.what.replace(" ", "_"))
        made.validation_results_store.set(key, result)
        made.add_data_docs_site(
            _SITE,
            {
                "class_name": "SiteBuilder",
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "show_how_to_buttons": False,
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
            },
        )
        made.build_data_docs(site_names=[_SITE])
    _leave_out_the_unused(folder)
    return folder / "index.html"


def _leave_out_the_unused(folder: Path) -> None:
    """Remove what no page names: the fonts and films that come with each site are 4 MB, and every training keeps its own."""
    pages = [page.read_text(encoding="utf-8") for page in folder.rglob("*.html")]
    for path in (folder / "static").rglob("*"):
        if path.is_file() and not any(path.name in page for page in pages):
            path.unlink()
