"""A text is its words, in any language and of any length, and the scorer takes it so."""

import pytest

from switchyard.bundle import Column, Scorer, Signature
from switchyard.bundle.texts import MOST_WORDS, NO_WORD, words_of
from tests.switchyard.tabular.bundles import logistic_files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GREAT, really...great!", "it s great really great"),
        ("Straße \uff21\uff22 \ufb01ne İ", "strasse ab fine i\u0307"),
        ("很好用, 5 stars", "很 好 用 5 stars"),
        ("हिन्दी में", "हिन्दी में"),
        ("a_b\tc\n\u00a0d\u2028e", "a b c d e"),
        ("", NO_WORD),
        ("?! ... _ \u2028", NO_WORD),
        ("__missing__", "__missing__"),
    ],
)
def test_words_of_a_text(text, words):
    assert words_of(text) == words


def test_a_long_text_is_read_to_its_bound():
    assert len(words_of("a " * 10**6).split()) == MOST_WORDS
    assert words_of("x" * 10**6) == words_of("x" * 10**5)


def test_the_scorer_gives_the_graph_the_words_of_a_text_and_names_as_they_are():
    columns = (Column("said", "text", "categorical", 0), Column("kind", "categorical", "categorical", 1))
    scorer = Scorer.of(logistic_files()["model.onnx"], Signature("m", "binary", "y", columns, classes=("no", "yes")))
    one = scorer.encode({"said": ["So GOOD!"], "kind": ["So GOOD!"]})["categorical"].tolist()
    many = scorer.encode({"said": ["So GOOD!", None, "", 7], "kind": ["So GOOD!"] * 4})["categorical"].tolist()
    assert one == many[:1] == [["so good", "So GOOD!"]]
    assert [row[0] for row in many[1:]] == ["__missing__", "__missing__", "7"]
