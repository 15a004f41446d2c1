"""The documents say what the artifacts say, are Markdown that parses, and cannot be broken by names in the data."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from switchyard.tabular.documents import (
    NAMES_OF_DOCUMENTS,
    Documents,
    Measured,
    ModelFacts,
    RunRecord,
    SplitFacts,
    Versions,
    write_documents,
)
from switchyard.tabular.documents.tables import confusion
from switchyard.tabular.evaluation import Predictions, evaluate, fit_baselines
from switchyard.tabular.evaluation.comparison import check_gates
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.explanation import explain_function
from switchyard.tabular.explanation.coding import Coding
from switchyard.tabular.export.bundle import Parity
from switchyard.tabular.export.served import Served
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.features.record import ColumnPlan
from switchyard.tabular.model.leaderboard import Leaderboard, Row
from switchyard.tabular.profile import profile_table
from switchyard.tabular.quality import check_quality
from switchyard.tabular.report import markdown, report
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import Table
from switchyard.tabular.validation import ExpectationResult, ValidationReport
from tests.switchyard.tabular.cases import make_problem

_NASTY = "a|b <script>alert(1)</script> `x` *y*"


def _board(metric: str) -> Leaderboard:
    rows = (("greedy", "average", "ensemble", 0.8123456, True), ("lightgbm 0", "single", "lightgbm", 0.8, False))
    entries = tuple(
        Row(name=name, kind=kind, family=family, score=score, std=0.01, seconds=1.0, chosen=chosen)
        for name, kind, family, score, chosen in rows
    )
    return Leaderboard(metric=metric, entries=entries, rule="best score")


def _record(split: Split, task: str = "binary", **sections) -> RunRecord:
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[task]
    evaluation = {"explained_rows": 30, "lime_rows": 0, "bootstrap": 50}
    problem = make_problem(task, metric, evaluation=evaluation, **sections)
    classes = () if task == "regression" else tuple(sorted(split.train.y.unique()))
    problem = problem.model_copy(update={"positive_class": classes[1] if task == "binary" else None})
    dropped = {"noise": "says nothing"}
    plan = plan_features(split, dropped, problem)
    coding = Coding.of(plan.used, split.train, split.holdout)

    def function(matrix):
        first = np.nan_to_num(matrix[:, :1] - 50) / 100
        if task == "regression":
            return first
        return (
            0.5 + np.clip(first, -0.4, 0.4)
            if task == "binary"
            else np.hstack([0.4 + np.clip(first, -0.3, 0.3), 0.3 - np.clip(first, -0.3, 0.3), 0 * first + 0.3])
        )

    out = function(coding.encode(split.holdout))
    if task == "regression":
        predictions = Predictions.of_values(out[:, 0], out[:, 0] - 1, out[:, 0] + 1)
    else:
        predictions = Predictions.of_classes(np.hstack([1 - out, out]) if task == "binary" else out, 0.5)
    table_ = Table(pd.concat([split.train, split.holdout], ignore_index=True), split.schema, "memory.csv", "sha256:abc")
    evaluation = evaluate(
        predictions, split, problem, classes, 0.5 if task == "binary" else None, fit_baselines(split, plan.used, problem, classes)
    )
    verdict = check_gates(problem, evaluation, latency_ms=0.123, bundle_mb=4.5, members={"lightgbm": 2, "random_forest": 1})
    failed = ExpectationResult(
        type="expect_column_values_to_not_be_null", column="income", success=False, expected="values", observed="12 of 800 missing"
    )
    return RunRecord(
        problem=problem,
        schema=split.schema,
        split=SplitFacts(split.kind, len(split.train), len(split.holdout), split.boundary),
        profile=profile_table(table_, problem),
        quality=check_quality(split, problem),
        validation=ValidationReport(suite="small", what="holdout", rows=len(split.holdout), results=(failed,), details={}),
        plan=plan,
        leaderboard=_board(metric),
        model=ModelFacts({"lightgbm": 2, "random_forest": 1}, "weighted mean of probabilities", "sigmoid", 1.0),
        evaluation=evaluation,
        explanation=explain_function(function, coding, split, problem, classes, 0.5),
        verdict=verdict,
        measured=Measured(0.123, 4.5, 800, 3e-7),
        versions=Versions(
            "memory.csv",
            "sha256:abc",
            "sha256:def",
            "0123abc",
            "sha256:456",
            {"lightgbm": "4.7.0"},
            "python run.py --pipeline training --config configs/small.yaml",
        ),
    )


@pytest.fixture(scope="module")
def record(people) -> RunRecord:
    return _record(
        people, data={"slice_columns": ["group"]}, constraints={"max_latency_ms": 1.0, "max_bundle_mb": 4.0}, goal="Say who answers yes."
    )


@pytest.fixture(scope="module")
def documents(record) -> Documents:
    return write_documents(record)


def _tables(source: str) -> int:
    return sum(token.type == "table_open" for token in MarkdownIt("commonmark").enable("table").parse(source))


def test_there_are_four_documents_and_a_page_that_parse(documents):
    assert set(documents.files) == {*NAMES_OF_DOCUMENTS, "model_card.html"}
    for name in NAMES_OF_DOCUMENTS:
        source = documents.files[name]
        assert source.startswith("# ") and source.endswith("\n")
        assert _tables(source) == len(re.findall(r"^\|[-:|]+\|$", source, flags=re.MULTILINE)) > 1
        assert not re.search(r"\n{4,}|\{\{|\{%|None|\bnan\b|Marked\(", source), name
        # A table that lost its blank line, or a row with a wrong number of cells, would fall apart.
        for block in re.findall(r"(?:^\|.*\n)+", source, flags=re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_the_card_says_in_two_sentences_what_was_scored_and_what_is_served(record):
    parity = Parity(rows=200, largest_difference=1e-8, tolerance=1e-5)
    refitted = Served(digest="sha256:def", evaluated_digest="sha256:twin", rows=1000, parity=parity)
    itself = Served(digest="sha256:def", evaluated_digest="sha256:def", rows=800, parity=parity, reason="training.refit is none")
    cards = [write_documents(dataclasses.replace(record, served=served)).files["model_card.md"] for served in (refitted, itself)]

    assert "The scores are of its evaluated twin (sha256:twin), which was fitted without the holdout." in cards[0]
    assert "to all 1,000 rows, the holdout among them" in cards[0] and "| Evaluated twin | `sha256:twin` |" in cards[0]
    assert "It was not fitted to all rows: training.refit is none." in cards[1] and "Evaluated twin" not in cards[1]


def test_the_card_says_what_sets_are_made_to_hold_and_which_class_they_hold_less_often(record):
    held = {"no": Estimate(value=0.95, low=0.92, high=0.98), "yes": Estimate(value=0.6, low=0.5, high=0.7)}
    classes = tuple(part.model_copy(update={"set_coverage": held[part.label]}) for part in record.evaluation.per_class)
    scores = {**record.evaluation.scores, "set_coverage": Estimate(value=0.8, low=0.75, high=0.85)}
    decision = record.problem.decision.model_copy(update={"sets": "overall", "coverage": 0.9})
    changed = dataclasses.replace(
        record,
        evaluation=record.evaluation.model_copy(update={"per_class": classes, "scores": scores}),
        problem=record.problem.model_copy(update={"decision": decision}),
        model=dataclasses.replace(record.model, sets="90% of true classes"),
    )
    files = write_documents(changed).files

    assert "| Sets | made to hold 90% of true classes |" in files["model_card.md"]
    assert "a set of classes that is made to hold 90% of true classes." in files["ml_requirements.md"]
    assert "The sets hold 80 % of the holdout's true classes, fewer than the 90 % wanted." in files["model_card.md"]
    assert "Sets hold class yes less often than 90 %, as the promise is for all rows together; " in files["model_card.md"]


def test_each_constraint_stands_beside_its_measured_value(documents):
    source = documents.files["problem_definition.md"]
    line = next(line for line in source.splitlines() if "max_bundle_mb" in line)
    assert "at most 4 MB" in line and "4.5 MB" in line and "**closed**" in line
    line = next(line for line in source.splitlines() if "max_latency_ms" in line)
    assert "at most 1 ms" in line and "0.123 ms" in line and "passed" in line
    assert "Verdict: **rejected**" in source and "Say who answers yes." in source


def test_the_card_has_the_scores_beside_the_baselines_and_the_bias(documents, record):
    card = documents.files["model_card.md"]
    line = next(line for line in card.splitlines() if "**ROC-AUC**" in line)
    score = record.evaluation.score
    assert f"{score.value:.4g}" in line and f"{score.low:.4g} to {score.high:.4g}" in line
    assert f"{record.evaluation.baselines['lightgbm_defaults']['roc_auc'].value:.4g}" in line
    assert "Demographic parity difference" in card and "By `group`" in card
    assert "an ensemble of LightGBM x 2, random forest" in card
    assert "0.81235" in next(line for line in card.splitlines() if "`greedy`" in line)
    for heading in ("Intended use", "Training data", "Benchmark", "Bias by slice", "Explanation", "Limits", "How to use"):
        assert f"## {heading}" in card
    assert set(re.findall(r"--pipeline (\w+)", card)) == {"training", "deployment", "inference", "monitoring"}


def test_the_card_speaks_in_money_where_the_config_says_what_errors_cost(people, record):
    costs = {"false_positive": 2, "false_negative": 30, "unit": "EUR"}
    problem = make_problem("binary", "roc_auc", costs=costs)
    proba = np.full((len(people.holdout), 2), 0.5)
    scored = evaluate(Predictions.of_classes(proba, 0.0625), people, problem, ("no", "yes"), 0.0625)
    card = write_documents(dataclasses.replace(record, problem=problem, evaluation=scored)).files["model_card.md"]

    assert "0.0625 on; a false positive costs 2 EUR, a false negative 30 EUR" in card
    assert "| the model, as served" in card and "the cheapest answer without a model, always yes, costs" in card
    assert "EUR" not in write_documents(record).files["model_card.md"]


def test_the_card_of_several_classes_says_that_the_cheapest_is_answered_and_what_errors_cost(people, record):
    classes = ("a", "b", "c")
    target = {part: getattr(people, part).assign(y=np.resize(classes, len(getattr(people, part)))) for part in ("train", "holdout")}
    costs = {"matrix": {true: {answer: 7 for answer in classes if answer != true} for true in classes}, "unit": "EUR"}
    problem = make_problem("multiclass", "log_loss", costs=costs)
    scored = evaluate(
        Predictions.of_classes(np.tile([0.5, 0.3, 0.2], (len(people.holdout), 1))), dataclasses.replace(people, **target), problem, classes
    )
    files = write_documents(dataclasses.replace(record, problem=problem, evaluation=scored)).files

    assert "the class whose cost is expected to be the least; the dearest, b where it is c, costs 7 EUR" in files["model_card.md"]
    assert "the model, most probable class" in files["model_card.md"]
    assert "the label whose cost is expected to be the least" in files["ml_requirements.md"]


def test_a_closed_gate_offers_no_registered_model(documents, record):
    assert "models:/" not in documents.files["model_card.md"]
    passed = dataclasses.replace(record, verdict=record.verdict.model_copy(update={"verdict": "challenger"}))
    assert "models:/small@challenger" in write_documents(passed).files["model_card.md"]


def test_the_example_request_is_python_and_nobodys_row(documents, record, people):
    card = documents.files["model_card.md"]
    request = eval(re.search(r"scorer\.score\((\{.*?\n\})\)", card, flags=re.DOTALL)[1])
    assert set(request) == {column.name for column in record.plan.used}
    assert request["income"][0] == pytest.approx(pd.concat([people.train, people.holdout]).income.median(), rel=1e-3)


def test_the_analysis_tells_of_every_column_and_what_becomes_of_it(documents, people):
    report = documents.files["data_analysis_report.md"]
    for name in people.train:
        assert report.count(f"`{name}`") >= 2
    assert "dropped by the quality report: says nothing" in report
    assert "12 of 800 missing" in report


def test_the_requirements_name_the_state_and_the_digests(documents):
    requirements = documents.files["ml_requirements.md"]
    assert "`sha256:def`" in requirements and "`0123abc`" in requirements and "4.7.0" in requirements
    assert "largest difference is 3e-07" in requirements
    assert "1 of 1 failed" in requirements


def test_there_are_no_timestamps_and_equal_records_give_equal_bytes(documents, record, tmp_path):
    again = write_documents(record)
    assert again.files == documents.files
    for name, each in (("a", documents), ("b", again)):
        (tmp_path / name).mkdir()
        each.write(tmp_path / name)
    for name in documents.files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert not re.search(r"\b20[2-9]\d-\d\d-\d\d", documents.files[name])
    assert Documents.read(tmp_path / "a") == documents


def test_the_page_is_static_and_has_the_cards_tables(documents):
    page = documents.html()
    assert "<script" not in page and page.startswith("<!doctype html>")
    assert page.count("<table>") == _tables(documents.files["model_card.md"])


def test_names_in_the_data_cannot_become_markup(people):
    def renamed(frame):
        return frame.assign(group=frame.group.replace({"a": _NASTY}))

    split = Split(renamed(people.train), renamed(people.holdout), people.schema, "random", None)
    documents = write_documents(_record(split, data={"slice_columns": ["group"]}, goal=_NASTY))
    assert "<script" not in documents.html()
    assert "alert(1)" in documents.html()
    for name in NAMES_OF_DOCUMENTS:
        for block in re.findall(r"(?:^\|.*\n)+", documents.files[name], flags=re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_the_other_tasks(people, task):
    rng = np.random.default_rng(0)

    def retarget(frame):
        target = (
            frame.income.fillna(50) / 100 - 0.5 + rng.normal(0, 0.1, len(frame))
            if task == "regression"
            else rng.choice(list("abc"), len(frame)).astype(object)
        )
        return frame.assign(y=target)

    columns = tuple(
        c.model_copy(update={"kind": "numeric"}) if c.name == "y" and task == "regression" else c for c in people.schema.columns
    )
    split = Split(retarget(people.train), retarget(people.holdout), people.schema.model_copy(update={"columns": columns}), "random", None)
    documents = write_documents(_record(split, task))
    card = documents.files["model_card.md"]
    assert ("Interval coverage" in card) == (task == "regression")
    assert ("answer.labels" in card) == (task == "multiclass")
    assert "Not examined: no slice columns" in card
    for name in NAMES_OF_DOCUMENTS:
        assert not re.search(r"\n{4,}|\{\{|None|\bnan\b", documents.files[name]), name


def test_pieces_of_markdown():
    assert markdown.text("a_b*c|<d>\ne") == r"a\_b\*c\|\<d\> e"
    assert markdown.code("x y") == "`x y`" and markdown.code("a`b") == r"a\`b"
    lines = markdown.table(report.Table(("name", "n"), [("x", 1), ("long", 12345)])).splitlines()
    assert lines == ["| name |      n |", "|------|-------:|", "| x    |      1 |", "| long | 12,345 |"]


def test_many_classes_show_their_most_frequent_mistakes(people):
    rng = np.random.default_rng(1)

    def relabelled(frame):
        return frame.assign(y=rng.choice([f"k{number:02}" for number in range(15)], len(frame)).astype(object))

    split = Split(relabelled(people.train), relabelled(people.holdout), people.schema, "random", None)
    record = _record(people)
    classes = tuple(sorted(set(split.holdout.y)))
    evaluation = evaluate(
        Predictions.of_classes(rng.dirichlet(np.ones(15), len(split.holdout))), split, make_problem("multiclass", "log_loss"), classes
    )
    shown = confusion(evaluation)
    assert len(shown.rows) == 15 and shown.headers[0] == "true class"
    assert len(confusion(record.evaluation).rows) == 2


def test_the_documents_say_what_requests_need_not_hold_and_what_is_not_learnt_from(record):
    ignored = ColumnPlan(name="no|te", kind="text", role="ignored", use=False, reason="no model reads it", way_in="data.columns: {n: {}}")
    plan = record.plan.model_copy(update={"columns": (*record.plan.columns, ignored)})
    files = write_documents(dataclasses.replace(record, plan=plan, optional=("income",))).files
    assert re.search(r"\| `?income`? *\| numeric *\| may be absent", files["ml_requirements.md"])
    (line,) = [line for line in files["model_card.md"].splitlines() if "no model reads it" in line]
    assert line.startswith("| no\\|te ") and "`data.columns: {n: {}}`" in line
