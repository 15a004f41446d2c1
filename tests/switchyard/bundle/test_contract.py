"""Which columns a model must be sent, which may come and which may be absent."""

import pytest

from switchyard.bundle import BadInput, Column, Contract, Match, Other, Signature

COLUMNS = (Column("age", "numeric", "numeric", 0), Column("job", "categorical", "categorical", 0, optional=True))
SIGNATURE = Signature(
    "loans", "binary", "default", COLUMNS, ("no", "yes"), others=(Other("row", "id", "categorical"), Other("pool", "dropped", "text"))
)


def match(*names, also=()):
    return Contract(SIGNATURE, also).match(names)


def test_what_training_left_out_passes_in_silence():
    leftovers = ("row", "pool", "default", "Unnamed: 0", "__index_level_0__", "")
    assert match("age", "job", *leftovers, "customer", also=["customer"]) == Match()


def test_what_nobody_knows_is_named():
    assert match("age", "shoe", "job", "jobb", "row") == Match(unknown=("shoe", "jobb"))


def test_an_optional_column_may_be_absent():
    assert match("age", "shoe") == Match(unknown=("shoe",), absent=("job",))


@pytest.mark.parametrize("name", ["Job", "jobs", "JOB"])
def test_a_typing_error_is_no_absence(name):
    with pytest.raises(BadInput, match="did you mean 'job'") as caught:
        match("age", name)
    assert caught.value.column == name


def test_a_row_of_nothing_is_refused_even_where_all_may_be_absent():
    signature = Signature("loans", "binary", "default", COLUMNS[1:])
    with pytest.raises(BadInput, match="is not known; send one at least of 'job'"):
        Contract(signature).match(["row"])


def test_the_signature_of_before_is_read_with_all_columns_required():
    text = SIGNATURE.to_json()
    assert Signature.from_json(text) == SIGNATURE
    older = text.replace(',\n   "optional": false', "").replace(',\n   "optional": true', "")
    older = older[: older.index(',\n "others"')] + older[older.index(',\n "format"') :]
    read = Signature.from_json(older)
    assert read.others == () and not any(column.optional for column in read.columns)
