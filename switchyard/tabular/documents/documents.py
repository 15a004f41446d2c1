"""The `Documents` of a model, written with the templates beside this file from one run's artifacts and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from switchyard.tabular.documents import tables, words
from switchyard.tabular.documents.inputs import RunRecord
from switchyard.tabular.evaluation.names import NAMES
from switchyard.tabular.report import html, markdown
from switchyard.tabular.report.report import Markdown, Report, Section
from switchyard.tabular.storable import Fact, Storable

NAMES_OF_DOCUMENTS = ("problem_definition.md", "data_analysis_report.md", "ml_requirements.md", "model_card.md")
_PAGE = "model_card.html"


@dataclass(frozen=True)
class Documents(Storable):
    """File name -> text, for the four Markdown files, or the model card alone, and the card as a page."""

    files: dict[str, str]

    def write(self, folder: Path) -> None:
        for name, content in self.files.items():
            (folder / name).write_text(content, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        names = [name for name in (*NAMES_OF_DOCUMENTS, _PAGE) if (folder / name).is_file()]
        return cls({name: (folder / name).read_text(encoding="utf-8") for name in names})

    def report(self) -> Report:
        """The model card."""
        return _report(self.files["model_card.md"])

    def metadata(self) -> dict[str, Fact]:
        return {"documents": ", ".join(self.files)}


def write_documents(record: RunRecord) -> Documents:
    """Write problem definition, data analysis report, ML requirements and model card.

    The sections of the card are those of Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019.
    """
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=markdown.shape,
        autoescape=False,
    )
    templates.filters |= {"code": markdown.code, "number": markdown.number, "percent": markdown.percent}
    facts = {
        "run": record,
        "problem": record.problem,
        "evaluation": record.evaluation,
        "names": NAMES,
        "tables": tables,
        "md": markdown,
        "made_of": words.made_of(record),
        "limits": words.limits(record),
        "found": lambda check: words.found(record, check),
    }
    files = {name: templates.get_template(f"{name}.j2").render(facts) for name in NAMES_OF_DOCUMENTS}
    files[_PAGE] = html.page(_report(files["model_card.md"]))
    return Documents(files)


def _report(source: str) -> Report:
    from markdown_it import MarkdownIt

    first, *sections = re.split(r"^## ", source, flags=re.MULTILINE)
    title = MarkdownIt("commonmark").parse(first)[1]
    parts = [section.partition("\n") for section in sections]
    words = "".join(piece.content for piece in title.children or ())
    return Report(words, "", [Section(heading, Markdown(body)) for heading, _, body in parts])
