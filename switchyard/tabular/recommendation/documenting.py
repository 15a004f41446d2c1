"""`write_card`: the model card of a recommender, from one run's artifacts and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.documents import Documents
from switchyard.tabular.evaluation.comparison import Comparison, Verdict
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.evaluation import RecommendationEvaluation
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import Recipe
from switchyard.tabular.report import html, markdown
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table, Text
from switchyard.tabular.tables.reading.credentials import without_credentials


def write_card(
    problem: Problem,
    log: Interactions,
    recipe: Recipe,
    bundle: ExportedBundle,
    evaluation: RecommendationEvaluation,
    comparison: Comparison,
    verdict: Verdict,
    versions: Mapping[str, str],
) -> Documents:
    """The card as Markdown and as a page. Sections as in Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019."""
    data = problem.data
    roles: list[tuple[Cell, ...]] = [
        ("user", Name(data.user or "")),
        ("item", Name(data.item or "")),
        ("time", Name(data.time_column or "")),
        ("revision", Name(log.revision)),
        ("weight", Name(data.weight) if data.weight else "none"),
        ("items described by", Name(without_credentials(data.items)) if data.items else "nothing"),
        ("users described by", Name(without_credentials(data.users)) if data.users else "nothing"),
    ]
    about = (
        problem.goal or f"Answers a history of items with the items that come next, from {log.source or without_credentials(data.source)}."
    )
    sections = [
        Section("Model", about, Table(("", ""), [("digest", Name(bundle.digest)), *versions.items()]), recipe.table(), recipe.reranked()),
        Section("Data", log_line(log), Table(("role", "column"), roles)),
        Section("How it was scored", evaluation.report().lead, _PROTOCOL, evaluation.score_table(), evaluation.group_table()),
        Section(
            "Against the champion", comparison.report().lead, *(part for section in comparison.report().sections for part in section.parts)
        ),
        Section("Gates", verdict.gate_table()),
        Section("Limits", *(Text(line) for line in _limits(evaluation, log))),
    ]
    card = Report(f"Model card: {problem.name}", f"Recommendation of {data.item}.", sections)
    return Documents({"model_card.md": f"{markdown.render(card)}\n", "model_card.html": html.page(card)})


_PROTOCOL = (
    "What was before one moment for all users taught; who came after it is asked for. A new user's history is the first half of what it "
    "took afterwards. All items are ranked, none is sampled."
)


def log_line(log: Interactions) -> str:
    """How many interactions there are."""
    return log.report().lead


def _limits(evaluation: RecommendationEvaluation, log: Interactions) -> Sequence[str]:
    return (
        f"{evaluation.out_of_reach:.1%} of what users took next was new: the model answers no item that it has not seen taken.",
        f"{evaluation.standings[0].popular_share:.1%} of its answers are among the most taken hundredth of the catalogue.",
        "Every interaction counts as something taken, whatever its weight; what was disliked should not be in the table.",
        f"The bundle holds the ids of {log.n_items:,} items and histories of up to {log.n_users:,} users"
        f"{', and what describes them' if log.who else ''}: treat it as the data.",
    )
