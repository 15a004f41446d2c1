"""A page is rendered once in a process, by what it is of and not by which object holds it."""

from __future__ import annotations

from materializers.storable import page_of
from switchyard.tabular.report.report import Report
from switchyard.tabular.storable import Record

rendered: list[str] = []


class Note(Record):
    """What is shown, and how often it was asked for."""

    text: str

    def report(self) -> Report:
        rendered.append(self.text)
        return Report("Note", self.text, [])


class Silent(Record):
    text: str


def test_equal_objects_share_a_page_and_others_do_not():
    first = page_of(Note(text="one"))

    assert page_of(Note(text="one")) == first and rendered == ["one"]
    assert "two" in page_of(Note(text="two")) and rendered == ["one", "two"]
    assert page_of(Silent(text="one")) is None


def test_the_least_recent_page_gives_way():
    rendered.clear()
    for number in range(70):
        page_of(Note(text=f"page {number}"))
    page_of(Note(text="page 69"))
    page_of(Note(text="page 0"))

    assert rendered[-1] == "page 0" and len(rendered) == 71
