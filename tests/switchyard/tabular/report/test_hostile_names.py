"""Whatever a table calls its columns and values, no page about it runs or shows it as markup, whichever library makes the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from switchyard import fit
from switchyard.monitoring.reference import describe_reference
from switchyard.tabular.documents import Measured, ModelFacts, RunRecord, SplitFacts, Versions, write_documents
from switchyard.tabular.evaluation.comparison import check_gates, compare
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.explanation.charts import effect
from switchyard.tabular.fitting import Fitted
from switchyard.tabular.profile import full_profile, profile_table
from switchyard.tabular.report.foreign import harmless, harmless_frame
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.table import Table
from switchyard.tabular.validation import data_docs, infer_suite, validate
from tests.browser import chromium

SCRIPT = "<script>document.title='ran'</script>"
IMAGE = """'"><img src=x onerror="document.title='ran'">"""
BREAK = "</script></style></title><svg onload=document.title='ran'>"
FORMULA = r"$\frac{a}$ {{ 7*7 }} ${x}"


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    rng = np.random.default_rng(0)
    rows = 160
    frame = pd.DataFrame({SCRIPT: rng.normal(size=rows), FORMULA: rng.normal(size=rows), IMAGE: rng.choice([BREAK, SCRIPT, "c"], rows)})
    frame[BREAK] = np.where(frame[SCRIPT] + (frame[IMAGE] == BREAK) + rng.normal(0, 0.5, rows) > 0, IMAGE, SCRIPT)
    evaluation = {"bootstrap": 50, "explained_rows": 20, "lime_rows": 1}
    return fit(frame, BREAK, trials=1, families=("lightgbm",), evaluation=evaluation, goal=f"To [see]({SCRIPT}) {IMAGE}")


@pytest.fixture(scope="module")
def pages(fitted, tmp_path_factory) -> dict[str, Path]:
    """Each page that a training leaves behind, as a file."""
    folder = tmp_path_factory.mktemp("pages")
    split, problem, scorer = fitted.split, fitted.problem, fitted.bundle.scorer()
    table = Table(pd.concat([split.train, split.holdout], ignore_index=True), split.schema, SCRIPT, "sha256:test")
    profile, suite, explanation = profile_table(table, problem), infer_suite(split, problem), fitted.explain()
    broken = split.holdout.assign(**{IMAGE: f"{SCRIPT} new"})
    validation = validate(broken, suite)
    predictions = predict_served(scorer, split.holdout)
    comparison = compare(predictions, None, split, problem, scorer.signature.classes, note=SCRIPT)
    verdict = check_gates(problem, fitted.evaluation, comparison)
    reference = describe_reference(split, predictions, scorer.signature, "digest", fitted.evaluation, explanation, suite, problem)
    documents = write_documents(
        RunRecord(
            problem=problem,
            schema=Schema(columns=split.schema.columns),
            split=SplitFacts(split.kind, len(split.train), len(split.holdout), split.boundary),
            profile=profile,
            quality=fitted.quality,
            validation=validation,
            plan=fitted.plan,
            leaderboard=fitted.leaderboard,
            model=ModelFacts(members={"lightgbm": 1}),
            evaluation=fitted.evaluation,
            explanation=explanation,
            verdict=verdict,
            measured=Measured(),
            versions=Versions(SCRIPT, "sha256:test", "digest"),
            comparison=comparison,
        )
    )
    shown = {
        "profile": profile, "quality": fitted.quality, "suite": suite, "validation": validation, "plan": fitted.plan,
        "leaderboard": fitted.leaderboard, "evaluation": fitted.evaluation, "explanation": explanation, "comparison": comparison,
        "verdict": verdict, "reference": reference, "documents": documents,
    }  # fmt: skip
    made = {name: page for name, each in shown.items() if (page := each.html())}
    made["data_profile"] = full_profile(table.frame, columns=[SCRIPT, IMAGE])
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    data_docs(validation, folder / "data_docs")
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.html"))}


def test_no_page_holds_a_name_as_markup(pages):
    assert len(pages) >= 14
    for name, path in pages.items():
        text = path.read_text(encoding="utf-8")
        for markup in ("<script>document.title", "<img src=x", "<svg onload"):
            assert markup not in text, (name, markup)


def test_names_are_shown_in_the_pages_of_other_libraries(pages):
    for name in ("data_profile.html", next(name for name in pages if name.endswith("holdout.html"))):
        assert harmless(SCRIPT) in pages[name].read_text(encoding="utf-8"), name


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium(offline=True) as context:
        yield context


def test_nothing_runs_in_a_browser(pages, browser):
    for name, path in pages.items():
        page = browser.new_page()
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        page.wait_for_timeout(50)
        assert page.title() != "ran", name
        assert page.locator("img[src=x], svg[onload]").count() == 0, name
        page.close()


def test_a_screen_reader_and_a_keyboard_get_through_every_page_of_ours(pages, browser):
    """By axe-core; the pages of ydata-profiling and of Great Expectations are as those make them."""
    from axe_playwright_python.sync_playwright import Axe

    ours = {name: path for name, path in pages.items() if "/" not in name and name != "data_profile.html"}
    page, found = browser.new_page(), []
    for name, path in ours.items():
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        violations = Axe().run(page).response["violations"]
        found += [(name, one["id"], one["nodes"][0]["html"][:200]) for one in violations if one["impact"] in ("serious", "critical")]

    assert found == [] and len(ours) >= 11


def test_a_chart_shows_dollars_and_backslashes_as_they_are():
    drawn = effect(FORMULA[:10], np.linspace(0, 1, 9), np.linspace(0, 1, 9))

    assert FORMULA[:10] in drawn.svg


def test_two_names_that_look_alike_stay_two_columns():
    frame = harmless_frame(pd.DataFrame({"a<": [1.0], "a\u2039": [2.0], "c": ["<b>"]}))

    assert list(frame.columns) == ["a\u2039", "a\u2039 (2)", "c"] and frame["c"][0] == "\u2039b\u203a"
