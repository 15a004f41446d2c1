"""One report, three layouts; what the data is called never becomes markup in any of them."""

from __future__ import annotations

import io
from html import escape

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from switchyard.tabular.report import html, markdown, terminal
from switchyard.tabular.report.report import Badge, Bars, Beside, Chart, Key, Markdown, Name, Report, Section, Strong, Table, Text

NASTY = ("<script>alert(1)</script>", "a|b", "[bold red]c[/]", "`d`", "**e**", "\x1b[31mf", "[g](http://x)", ":smile:", "&lt;h")


def report_of(word: str) -> Report:
    """`word` wherever a report can hold text that is not its author's."""
    table = Table(
        (word, Name(word), Text("of ", Name(word)), "n"),
        [
            (word, Name(word), Text(Strong(word), " ", Badge(word, "bad")), 0.25),
            (Badge(word, "warn"), Strong(word), Key(word, "#d1495b"), None),
        ],
        {"n": ".1%"},
    )
    beside = Beside(((Text(Strong(word), word), "inner"), (Chart("<svg></svg>", word),)), framed=True)
    return Report(word, word, [Section(word, word, Text(word, Name(word)), table, Bars([(word, 0.5)], limit=0.7), beside)])


@pytest.fixture
def report() -> Report:
    rows = [(Name("age"), 1234, 0.123456, None), (Name("job"), 7, -0.5, Badge("drift", "bad"))]
    table = Table(("column", "rows", "share", "verdict"), rows, {"share": "+.1%"})
    sections = [Section("Columns", "Two of them.", table), Section("Weights", Bars([("age", 0.75)])), Section("Text", Markdown("a *b*"))]
    return Report("Drift", "Of one window.", sections)


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=400, force_terminal=True, color_system="standard")
    for part in terminal.render(report):
        console.print(part)
    return console.file.getvalue()


def test_one_report_says_the_same_everywhere(report):
    for said in (html.page(report), markdown.render(report), printed(report)):
        for text in ("Drift", "Of one window.", "Two of them.", "column", "age", "1,234", "+12.3%", "-50.0%", "drift", "Weights", "0.75"):
            assert text in said, text


@pytest.mark.parametrize("word", NASTY)
def test_a_page_shows_any_word_as_it_is(word):
    page = html.page(report_of(word))

    assert "<script" not in page
    assert page.count(escape(word)) >= 13


@pytest.mark.parametrize("word", NASTY)
def test_markdown_shows_any_word_as_it_is(word):
    source = markdown.render(report_of(word))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(source)
    inline = [child for token in tokens for child in token.children or ()]

    assert {child.type for child in inline} <= {"text", "code_inline", "strong_open", "strong_close", "em_open", "em_close", "text_special"}
    assert not any(token.type.startswith("html") for token in tokens)
    cells = [sum(token.type in ("th_open", "td_open") for token in tokens[start:end]) for start, end in rows_in(tokens)]
    assert cells == [4, 4, 4, 2, 2]
    texts = ["".join(child.content for child in token.children) for token in tokens if token.type == "inline"]
    assert sum(word in text for text in texts) >= 12


def rows_in(tokens) -> list[tuple[int, int]]:
    opened = [place for place, token in enumerate(tokens) if token.type == "tr_open"]
    closed = [place for place, token in enumerate(tokens) if token.type == "tr_close"]
    return list(zip(opened, closed, strict=True))


@pytest.mark.parametrize("word", NASTY)
def test_a_terminal_shows_any_word_as_it_is(word):
    said = printed(report_of(word))

    assert "\x1b[31mf" not in said.replace("\x1b[31m\ufffd", "")
    assert said.count(word.replace("\x1b", "\ufffd")) >= 13


def test_a_chart_on_a_page_says_what_it_shows_to_who_cannot_see_it():
    page = html.page(Report("r", "", [Section("s", Chart("<svg></svg>", 'scores of "a" & b'))]))

    assert '<div class=chart role=img aria-label="scores of &quot;a&quot; &amp; b"><svg></svg></div>' in page


def test_a_printed_page_keeps_its_colours_and_cuts_no_chart():
    page = html.page(Report("r", ""))

    assert "@media print" in page and "break-inside:avoid" in page and "print-color-adjust:exact" in page


def test_a_table_can_be_cut_and_keeps_its_formats():
    table = Table(("a", "b", "c"), [(1, 0.5, "x"), (2, 0.25, "y")], {"b": ".0%"})

    assert table.only("b", "a").rows == ((0.5, 1), (0.25, 2))
    assert "50%" in markdown.table(table.without("a").first(1)) and "25%" not in markdown.table(table.first(1))
    assert not Table(("a",), [])


def test_a_page_holds_the_first_of_many_rows_and_bars_and_tells_of_the_others():
    page = html.page(Report("many", "", [Section("s", Table(("n",), [(number,) for number in range(5000)]), Bars([("bar", 1.0)] * 150))]))

    assert page.count("<tr>") == 3001 and "2,000 more are in the stored object" in page
    assert page.count("<rect class=f") == 100 and "50 more are in the stored object" in page


def at_80(table: Table) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal.table(table, "Title"))
    return console.file.getvalue()


def words_of(text: str) -> set[str]:
    return set(text.replace("\u2502", " ").replace("\u2503", " ").split())


@pytest.mark.parametrize("columns", [2, 5, 7, 9, 14])
def test_no_table_breaks_a_word_at_80_columns(columns):
    headers = ("model", *(f"cross-validated_{place}" for place in range(columns - 2)), "note")
    note = "voting of neural_network, gradient_boosting and random_forest: left out, because there was no time"
    rows = [(Name(f"neural_network_{row}"), *(row + 0.12345 * place for place in range(columns - 2)), note) for row in range(3)]
    said = at_80(Table(headers, rows))

    assert {"neural_network_2", "gradient_boosting", "cross-validated_0" if columns > 2 else "note"} <= words_of(said)
    assert set(note.split()) <= words_of(said)
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80


def test_a_table_that_fits_has_its_lines_and_a_wider_one_goes_without():
    small = at_80(Table(("a", "b"), [(Name("x"), 1.0)]))
    wide = at_80(Table(tuple(f"column_{place}" for place in range(8)), [tuple(range(8))]))

    assert "\u2502" in small and "\u2502" not in wide and "column_7" in wide.splitlines()[1]


def test_a_leaderboard_of_real_names_keeps_to_80_columns():
    rows = [
        (Badge("chosen", "good"), Name("stacking"), "stacking", 0.91234, 0.0123, 61.3, "linear over neural_network, xgboost, lightgbm"),
        ("", Name("neural_network"), "single", 0.90101, 0.02, 15.0, ""),
    ]
    headers = ("", "model", "kind", "cv average_precision", "\u00b1 over folds", "seconds", "note")
    said = at_80(Table(headers, rows, {"seconds": ".1f"}))

    assert {"neural_network", "average_precision", "stacking", "0.9123", "61.3", "xgboost,"} <= words_of(said)
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80


def test_a_name_wider_than_the_terminal_is_on_lines_of_its_own():
    said = at_80(Table(("column", "why"), [(Name("x" * 200), "too long")]))

    assert said.count("x") == 200 and "why too long" in said
