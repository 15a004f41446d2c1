"""What a new version asks of clients otherwise than the champion, and the gate about it."""

from dataclasses import replace

import pytest

from switchyard.bundle import Column, Other, Sets, Signature
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.changes import changes_between
from switchyard.tabular.export.terms import terms_of
from switchyard.tabular.tables import schema

AGE, JOB = Column("age", "numeric", "numeric", 0), Column("job", "categorical", "categorical", 0)
BEFORE = Signature("loans", "binary", "default", (AGE, JOB), ("no", "yes"))


def problem(**columns):
    return Problem(name="loans", data={"source": "-", "target": "default", "columns": columns})


def used(*names):
    return [schema.Column(name=name, kind="numeric", role="feature") for name in names]


@pytest.mark.parametrize(
    ("after", "said", "breaking"),
    [
        (
            replace(BEFORE, columns=(AGE, JOB, Column("pool", "numeric", "numeric", 1))),
            "column 'pool' (numeric) is new and must come",
            True,
        ),
        (
            replace(BEFORE, columns=(AGE, JOB, Column("pool", "numeric", "numeric", 1, optional=True))),
            "column 'pool' (numeric) is new; null",
            False,
        ),
        (replace(BEFORE, columns=(AGE,), others=(Other("job", "dropped", "text"),)), "column 'job' is not used any more", False),
        (replace(BEFORE, columns=(AGE,)), "column 'job' is gone from the table", False),
        (replace(BEFORE, columns=(replace(AGE, kind="boolean"), JOB)), "column 'age' was numeric and is boolean", True),
        (replace(BEFORE, columns=(replace(AGE, optional=True), JOB)), "column 'age' need not come any more", False),
        (replace(BEFORE, classes=("no", "perhaps", "yes")), "class 'perhaps' is new", False),
        (replace(BEFORE, sets=Sets(0.9, False, (0.4, 0.4))), "sets are new: 90% of true classes", False),
        (replace(BEFORE, classes=("no", "perhaps")), "class 'yes' is lost", True),
        (replace(BEFORE, task="regression", classes=()), "the task was binary and is regression", True),
        (replace(BEFORE, target="late"), "the target was 'default' and is 'late'", True),
    ],
)
def test_what_came_and_went_is_named(after, said, breaking):
    first = changes_between(BEFORE, after)[0]
    assert first.sentence().startswith(said) and first.breaking is breaking


def test_an_optional_column_that_must_come_now_breaks_clients():
    before = replace(BEFORE, columns=(replace(AGE, optional=True), JOB))
    (change,) = changes_between(before, BEFORE)
    assert change.breaking and change.sentence() == "column 'age' must come now"


def test_nothing_changes_against_nobody_or_an_equal():
    assert changes_between(None, BEFORE) == () == changes_between(BEFORE, BEFORE)


def test_a_first_model_requires_all_that_it_uses():
    assert terms_of(used("age", "pool"), problem()).optional == ()


def test_what_the_champions_clients_need_not_send_stays_optional_until_it_is_required():
    table = used("age", "job", "pool")
    assert terms_of(table, problem(), BEFORE).optional == ("pool",)
    second = replace(BEFORE, columns=(AGE, JOB, Column("pool", "numeric", "numeric", 1, optional=True)))
    assert terms_of(table, problem(), second).optional == ("pool",)
    assert terms_of(table, problem(pool={"required": True}), second).optional == ()
    assert terms_of(table, problem(age={"required": False}), second).optional == ("age", "pool")
