"""The pages of trainings as files: `reports/NAME/VERSION/`, the links `latest` and `served`, and an index of all that was trained."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from switchyard.files import write_whole
from switchyard.permissions import shared
from switchyard.tabular.report import html
from switchyard.tabular.report.report import Badge, Bars, Level, Link, Name, Report, Section, Table, Text

FOLDER = "reports"
LATEST = "latest"
"""Link to what was trained, or stopped, last."""
SERVED = "served"
"""Link to the version in production."""
_FACTS = "run.json"
_COMPARISON = "compare-"
_BEGIN = re.compile(r"<body[^>]*>(<main>)?|(?=<h1)", re.IGNORECASE)
_LEVELS: Mapping[str, Level] = {"challenger": "good", "unchanged": "note", "rejected": "bad", "stopped": "bad"}
_FIRST = ("model_card.html", "evaluation.html", "explanation.html", "quality.html", "profile.html")
"""Which pages the index links to first, where they are there."""


@dataclass(frozen=True)
class Trained:
    """What the index says of one run.

    Attributes
    ----------
    model : str
    version : str or None
        None where nothing was registered.
    run_id : str
    ended : str
        ISO 8601.
    verdict : str
        challenger, unchanged, rejected or stopped.
    why : str
        Of a run that was stopped: its last line.
    family : str
    metric : str
    score : float or None
        On the holdout.
    digest : str
    """

    model: str
    version: str | None
    run_id: str
    ended: str
    verdict: str
    why: str = ""
    family: str = ""
    metric: str = ""
    score: float | None = None
    digest: str = ""

    @property
    def label(self) -> str:
        """The name of its folder: its version, or its run's where nothing was registered."""
        return self.version or f"run-{self.run_id[:8]}"

    @property
    def origin(self) -> str:
        """What stands at the head of each of its pages."""
        what = f"version {self.version}" if self.version else f"not registered ({self.verdict}{': ' + self.why if self.why else ''})"
        return f"{self.model}, {what}, {self.ended[:16].replace('T', ' ')} UTC, run {self.run_id[:8]}"


@shared()
def publish(root: Path, trained: Trained, pages: Mapping[str, str]) -> dict[str, str]:
    """Write the pages of a run into its folder, point `latest` to it, and make the model's index anew.

    Parameters
    ----------
    root : Path
        Folder of configs and results: the project's, or one of one's own.
    trained : Trained
    pages : mapping
        File name to text: HTML and Markdown.

    Returns
    -------
    dict
        Name without its ending to the path of the file, from `root`; those that are there.
    """
    model = root / FOLDER / trained.model
    folder = model / trained.label
    folder.mkdir(parents=True, exist_ok=True)
    # What was registered before, and came out of the cache again, has its pages.
    if trained.verdict != "unchanged" or not (folder / _FACTS).is_file():
        for name, text in pages.items():
            write_whole(folder / name, with_origin(text, trained.origin) if name.endswith(".html") else text)
        write_whole(folder / _FACTS, json.dumps(asdict(trained), indent=1) + "\n")
    _point(model / LATEST, trained.label)
    write_index(model)
    # Of a card in both forms the Markdown, which a terminal shows and git compares.
    return {Path(name).stem: str((folder / name).relative_to(root)) for name in sorted(pages)}


def publish_comparison(root: Path, model: str, before: str, after: str, page: str) -> Path:
    """Write the page that holds two versions of `model` against each other, and name it in the model's index; its path from `root`."""
    folder = root / FOLDER / model
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_COMPARISON}{before}-{after}.html"
    write_whole(path, page)
    write_index(folder)
    return path.relative_to(root)


def write_index(model: Path) -> None:
    """Write the page that lists all that was trained of a model, into its folder."""
    write_whole(model / "index.html", html.page(index(model)))


def is_of_a_training(folder: Path) -> bool:
    """Whether `folder` holds the pages of one training."""
    return (folder / _FACTS).is_file()


def mark_served(root: Path, model: str, version: str) -> None:
    """Point `served` beside the versions to the one in production, where its reports are on this machine, and say so in the index."""
    folder = root / FOLDER / model
    if (folder / version).is_dir():
        _point(folder / SERVED, version)
    else:
        # Of before, and not of what serves now.
        (folder / SERVED).unlink(missing_ok=True)
    if folder.is_dir():
        write_index(folder)


def with_origin(page: str, origin: str) -> str:
    """The page with a line at its head that says whose it is."""
    begin = _BEGIN.search(page)
    if begin is None:
        return page
    return f'{page[: begin.end()]}<p style="color:#5a6478;font-size:12px">{escape(origin)}</p>{page[begin.end() :]}'


def index(model: Path) -> Report:
    """All that was trained of a model, the newest first, from what lies in its folder."""
    trained = sorted(
        (Trained(**json.loads(path.read_text(encoding="utf-8"))) for path in model.glob(f"*/{_FACTS}") if not path.parent.is_symlink()),
        key=lambda run: run.ended,
        reverse=True,
    )
    served = (model / SERVED).readlink().name if (model / SERVED).is_symlink() else None
    rows = [
        (
            Text(run.label, " ", Badge("in production", "good")) if run.label == served else run.version or "-",
            run.ended[:16].replace("T", " "),
            Text(Badge(run.verdict, _LEVELS.get(run.verdict, "note")), f" {run.why}"),
            Name(run.metric),
            run.score,
            run.family,
            Text(*_links(model, run)),
        )
        for run in trained
    ]
    table = Table(("version", "trained (UTC)", "verdict", "metric", "on its holdout", "model", "pages"), rows, {"on its holdout": ".4f"})
    lead = "What was trained, the newest first. Scores are of each version's own holdout; the page comparison has those of one table."
    sections = [Section("Versions", table), *_over_time(trained)]
    if compared := sorted(path.name for path in model.glob(f"{_COMPARISON}*.html")):
        links: list[Link | str] = []
        for name in compared:
            links += [Link(name.removesuffix(".html").removeprefix(_COMPARISON).replace("-", " and "), name), " "]
        sections.append(Section("Versions side by side", Text(*links)))
    return Report(f"Versions of {model.name}", lead, sections)


def _over_time(trained: Sequence[Trained]) -> list[Section]:
    """The scores of registered versions in the metric of the newest, the oldest first, where there are several."""
    scored = [run for run in reversed(trained) if run.version and run.score is not None]
    scores = [
        (f"version {run.version}, {run.ended[:10]}", run.score)
        for run in scored
        if run.metric == scored[-1].metric and run.score is not None
    ]
    if len(scores) < 2:
        return []
    return [
        Section(
            "Scores over time",
            Bars(scores, low=min(0.0, *(score for _, score in scores))),
            Text(Name(scored[-1].metric), " of each version on its own holdout"),
        )
    ]


def _links(model: Path, run: Trained) -> list[Link | str]:
    there = [name for name in _FIRST if (model / run.label / name).is_file()]
    others = sorted({path.name for path in (model / run.label).glob("*.html")} - set(there))
    links: list[Link | str] = []
    for name in (*there, *others):
        links += [Link(name.partition(".")[0].replace("_", " "), f"{run.label}/{name}"), " "]
    return links


def _point(link: Path, target: str) -> None:
    """Make `link` a symbolic link to its neighbour `target`, in one step."""
    partial = link.with_name(f".{link.name}.partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target, target_is_directory=True)
    partial.replace(link)
