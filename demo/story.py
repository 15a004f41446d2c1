"""A model's first year: trained, deployed, asked, watched, overtaken by drift, trained again, tried and promoted.

Time is simulated: a month of applications is sent within seconds. An application's own date goes with it as its event
time, and what came of a loan is told once its outcome date has passed in the story.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from demo.commands import ROOT, Commands
from demo.reset import forget, stop
from demo.traffic import Answer, Clients, as_rows
from switchyard.tabular.tables.reading.loans import DRIFT_MONTH, START, loans

MODEL = "loans-demo"
CONFIG = "demo/loans-demo.yaml"
FIRST = DRIFT_MONTH - 2
"""The first month that is lived through; the training ends before it."""
_UNSEEN = ["defaulted", "outcome_date"]


@dataclass
class Month:
    """One month of the story."""

    number: int
    rows: pd.DataFrame
    ids: list[str]
    answers: list[Answer] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{pd.Timestamp(START) + pd.DateOffset(months=self.number):%Y-%m}"

    @property
    def end(self) -> pd.Timestamp:
        return pd.Timestamp(START) + pd.DateOffset(months=self.number + 1)

    def scores(self) -> dict[str, tuple[float, int]]:
        """ROC-AUC of each version's answers against what came of the loans in the end, and how many they were."""
        from sklearn.metrics import roc_auc_score

        frame = pd.DataFrame(
            {
                "version": [answer.version for answer in self.answers],
                "score": [(answer.probabilities or {})["1"] for answer in self.answers],
                "truth": self.rows["defaulted"].to_numpy(),
            }
        )
        return {version: (float(roc_auc_score(part.truth, part.score)), len(part)) for version, part in frame.groupby("version")}


def tell(months: int, rows: int, keep: bool) -> None:
    """Live through `months` months of `rows` applications each; `keep` leaves the model serving at the end."""
    from app.repository import ensure_stack
    from app.terminal import terminal

    began, console = time.monotonic(), terminal()
    path = ROOT / "reports" / MODEL / "demo.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as log:
        commands = Commands(log)
        console.print(
            f"[bold]A year of {MODEL}[/], on stack {ensure_stack(ROOT)}; every command and what it printed: {path.relative_to(ROOT)}"
        )
        forget(MODEL)
        endpoint = _begin(commands, console)
        clients = Clients(endpoint["url"], endpoint["token_file"])
        lived: list[Month] = []
        try:
            for number in range(FIRST, FIRST + months):
                lived.append(_live(number, rows, lived, clients, commands, console))
        finally:
            if not keep:
                stop(MODEL)
        _conclude(lived, console)
    console.print(f"It took {(time.monotonic() - began) / 60:.1f} minutes.")
    _where_to_look(keep, console)


def _begin(commands: Commands, console: Console) -> dict[str, Any]:
    trained = commands.run("--pipeline", "training", "--config", CONFIG)
    score = trained["scores"]["holdout"]["roc_auc"]
    console.print(
        f"trained   version {trained['model']['version']} on the months before {_name(FIRST)}: ROC-AUC {score:.3f} on its holdout"
    )
    deployed = commands.run("--pipeline", "deployment", "--config", CONFIG, "--why", "the demo's first")
    console.print(f"deployed  {deployed['endpoint']['predict_url']}")
    return deployed["endpoint"]


def _live(number: int, rows: int, before: list[Month], clients: Clients, commands: Commands, console: Console) -> Month:
    """Send a month of applications, tell the outcomes that are known by its end, and look at the month."""
    frame = loans(rows, months=(number, number), with_outcome_date=True)
    month = Month(number, frame, [f"demo-{number}-{row}" for row in range(rows)])
    since = datetime.now(UTC)
    month.answers = clients.predict(as_rows(frame.drop(columns=_UNSEEN)), month.ids, frame["applicant_id"].tolist())
    until = datetime.now(UTC)
    known = 0
    for one in (*before, month):
        due = (one.rows["outcome_date"] < month.end) & (one.rows["outcome_date"] >= month.end - pd.DateOffset(months=1))
        labels = {one.ids[row]: str(one.rows["defaulted"].iloc[row]) for row in due.to_numpy().nonzero()[0]}
        clients.feedback(labels)
        known += len(labels)
    month.summary = commands.run(
        "--pipeline", "monitoring", "--config", CONFIG, "--since", since.isoformat(), "--until", until.isoformat(), "--act",
    )  # fmt: skip
    console.print(_line(month, known), markup=False)
    retraining = month.summary["retraining"]
    if retraining["stage"] != "none":
        console.print(f"          retraining {retraining['stage'].replace('_', ' ')}: {retraining['reason']}", markup=False)
    return month


def _line(month: Month, known: int) -> str:
    scores, summary = month.scores(), month.summary
    shares = ", ".join(f"version {version} {count / len(month.answers):.0%}" for version, (_, count) in scores.items())
    columns = [part["column"] for part in summary["drift"]["columns"]]
    drift = f"drift {summary['drift']['weighted_share']:.0%}" + (f" ({', '.join(columns[:4])})" if columns else "")
    return f"{month.name}   {len(month.answers):,} asked ({shares}), {known:,} outcomes told; {drift}; decision: {summary['decision']}"


def _name(number: int) -> str:
    return f"{pd.Timestamp(START) + pd.DateOffset(months=number):%Y-%m}"


def _conclude(lived: list[Month], console: Console) -> None:
    """The story in a table: what each version was worth, month by month, now that all outcomes are known."""
    versions = sorted({version for month in lived for version in month.scores()}, key=int)
    table = Table(title="ROC-AUC against what came of the loans in the end", title_justify="left")
    for header in ("month", *(f"version {version}" for version in versions), "drift share", "decision", "retraining"):
        table.add_column(header)
    for month in lived:
        scores = month.scores()
        cells = [f"{scores[version][0]:.3f} ({scores[version][1]:,})" if version in scores else "" for version in versions]
        stage = month.summary["retraining"]["stage"]
        table.add_row(
            month.name,
            *cells,
            f"{month.summary['drift']['weighted_share']:.2f}",
            month.summary["decision"],
            "" if stage == "none" else stage,
        )
    console.print(table)
    first_seen = next((month.name for month in lived if month.summary["decision"] != "nothing"), "never")
    console.print(f"the drift begins in {_name(DRIFT_MONTH)}; it was seen in {first_seen}")
    trial = [month for month in lived if len(month.scores()) > 1]
    drifted = [month for month in lived if month.number > DRIFT_MONTH + 1 and month not in trial]
    for words, chosen in (
        ("before the drift", [m for m in lived if m.number < DRIFT_MONTH]),
        ("in the trial", trial),
        ("in other months since", drifted),
    ):
        for version in versions:
            found = [month.scores()[version] for month in chosen if version in month.scores()]
            if found:
                mean = sum(score * count for score, count in found) / sum(count for _, count in found)
                console.print(f"version {version} {words}: ROC-AUC {mean:.3f} over {sum(count for _, count in found):,} loans")


def _where_to_look(keep: bool, console: Console) -> None:
    console.print("look      python run.py dashboard       the runs, the models, and Evidently's windows of loans-demo")
    console.print("          python run.py prometheus      Prometheus, for stacks/prometheus/grafana/switchyard.json")
    console.print(f"          reports/{MODEL}/monitoring/   the last window's reports")
    if keep:
        console.print("stop      zenml model-deployer models list; zenml model-deployer models delete UUID")
    else:
        console.print("its services have ended; its versions, runs and windows stay until the next demo")
