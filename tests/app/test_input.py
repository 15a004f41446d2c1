"""What users get wrong: one clear line and exit code 2, a closed gate and exit code 3, or a sound model."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pandas as pd
import pytest

from tests.app.project import Project


def table(rows: int = 400) -> pd.DataFrame:
    """An honest small table: y follows x, c is a category, when is in order."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    return pd.DataFrame({
        "x": x,
        "z": rng.normal(size=rows),
        "c": rng.choice(["red", "green", "blue"], rows),
        "y": np.where(x + rng.normal(size=rows) > 0, "yes", "no"),
    })  # fmt: skip


def broken_inputs(folder) -> dict[str, tuple[str, int]]:
    """File name -> (what the message must say, expected exit code); every file is written into `folder`."""
    good = table()
    text = good.to_csv(index=False)

    def put(name: str, content: str | bytes) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def frame(name: str, **columns: object) -> None:
        good.assign(**columns).to_csv(folder / name, index=False)

    expected = {}
    # What is odd and no fault, each by itself with the library (tests/switchyard/tabular/tables/test_broken_inputs.py), here all at once.
    odd = good.assign(
        v=np.nan,
        k=1,
        z=[np.inf, -np.inf] * 200,
        h=[str(2**70 + number) for number in range(400)],
        m=["1", "two", "3.5", "true"] * 100,
        d=["9999-12-31", "0001-01-01", "2024-01-01", "2024-05-05"] * 100,
        i=[f"user-{number}" for number in range(400)],
        y=np.where(np.arange(400) % 7 == 0, None, good.y),
    )
    put("latin.csv", odd.to_csv(index=False).replace("red", "röd").encode("windows-1252")), expected.update({"latin.csv": ("", 0)})
    wide = odd.rename(columns={"x": "größe", "k": "名前"}).to_csv(index=False, sep=";")
    put("semicolon.csv", wide), expected.update({"semicolon.csv": ("", 0)})
    put("ragged.csv", text.replace("\n", ",1,2\n", 30).replace(",1,2\n", "\n", 29)), expected.update({"ragged.csv": ("line", 2)})
    put("twice.csv", text.replace("x,z", "x,x", 1)), expected.update({"twice.csv": ("'x'", 2)})
    put("one_row.csv", "x,y\n1,yes\n"), expected.update({"one_row.csv": ("row", 2)})
    frame("one_class.csv", y="yes"), expected.update({"one_class.csv": ("'y'", 2)})
    good.drop(columns="y").to_csv(folder / "no_target.csv", index=False), expected.update({"no_target.csv": ("'y'", 2)})
    put("empty.csv", ""), expected.update({"empty.csv": ("empty", 2)})
    (folder / "folder.csv").mkdir(), expected.update({"folder.csv": ("folder", 2)})
    bomb = gzip.compress(b"x,y\n" + b"1,yes\n" * 4_000_000)
    put("bomb.csv.gz", bomb), expected.update({"bomb.csv.gz": ("max_unpacked_mb", 2)})
    put("garbage.csv", bytes(range(256)) * 50), expected.update({"garbage.csv": ("garbage.csv", 2)})
    put("header.csv", "x,z,c,y\n"), expected.update({"header.csv": ("row", 2)})
    expected["missing.csv"] = ("missing.csv", 2)
    return expected


def test_broken_inputs_end_in_one_line_or_in_a_sound_model(tmp_path):
    project = Project(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    expected = broken_inputs(folder)
    commands = []
    for name in expected:
        data = {"time_column": None, "entity_column": None, "target": "y", "source": str(folder / name), "max_unpacked_mb": 8}
        config = project.config(name.split(".")[0], data=data)
        commands.append(["--pipeline", "training", "--config", str(config), "--trials", "1"])
    results = dict(zip(expected, project.batch(*commands), strict=True))

    wrong = {}
    for name, (said, code) in expected.items():
        result = results[name]
        errors = [line for line in result.output.splitlines() if "error:" in line]
        if result.code != code or "Traceback" in result.output or (code and (len(errors) != 1 or said not in errors[0])):
            wrong[name] = (result.code, result.output[-1500:])
    assert not wrong, "\n\n".join(f"{name}: {code}\n{output}" for name, (code, output) in wrong.items())
    registered = project.python(
        "import mlflow; from stacks.active import connect_mlflow; connect_mlflow()\n"
        "print(sorted(m.name for m in mlflow.MlflowClient().search_registered_models()))"
    )
    for name, (_, code) in expected.items():
        assert (f"'{name.split('.')[0]}'" in registered.splitlines()[-1]) == (code == 0), name


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(tmp_path):
    project = Project(tmp_path)
    path = tmp_path / "locked.csv"
    table().to_csv(path, index=False)
    path.chmod(0)
    result = project.run("--pipeline", "training", "--data", str(path), "--target", "y")

    assert result.code == 2
    assert "locked.csv" in result.output


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Exit codes and outputs of commands that are wrong before anything runs."""
    project = Project(tmp_path_factory.mktemp("wrong"))
    twice = project.root / "configs" / "twice.yaml"
    twice.write_text("name: twice\ndata: {source: 'builtin:iris', target: target}\ntuning: {trials: 1}\ntuning: {trials: 2}\n")
    dry = ["--pipeline", "training", "--dry-run", "--config"]
    hook = {"channels": [{"kind": "webhook", "url": "file:///etc/passwd"}]}
    commands = {
        "twice": [*dry, str(twice)],
        "endless": [*dry, str(project.config("c")), "--budget", "inf"],
        "file hook": [*dry, str(project.config("d", monitoring=hook))],
        "no such metric": [*dry, str(project.config("e", metric="accurracy"))],
        "no metric of the task": [*dry, str(project.config("f", metric="rmse"))],
        "no such target": [*dry, str(project.config("g", data={"target": "defaultd"}))],
        "no such table": [*dry, str(project.config("h", data={"source": "nothere.csv"}))],
        "too many rows": [*dry, str(project.config("i", data={"source": "builtin:loans?rows=99999999999999"}))],
        "unknown key": ["--pipeline", "training", "--config", str(project.config("a", tunning={}))],
        "clustering": ["--pipeline", "training", "--config", str(project.config("b", task="clustering"))],
        "no target": ["--pipeline", "training", "--data", "x.csv"],
        "no config": ["--pipeline", "training", "--config", "configs/nothere.yaml"],
        "bad pipeline": ["--pipeline", "cooking"],
        "bad stack": ["stack", "up", "moon"],
        "dry run": ["--pipeline", "training", "--dry-run"],
        "schema": ["--schema"],
        "leaks": [
            "--pipeline",
            "training",
            "--config",
            str(project.config("leaky", data={"source": "builtin:loans?rows=1500&leaks=target_copy,future,id"})),
        ],
    }
    return dict(zip(commands, project.batch(*commands.values()), strict=True))


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("twice", 2, "twice.yaml, line 4: key 'tuning' stands in line 3 already"),
        ("endless", 2, "tuning.budget_s: must be a finite number"),
        ("file hook", 2, "monitoring.channels.0.url: must begin with https://"),
        ("no such metric", 2, "there is no metric 'accurracy'; did you mean 'accuracy'?"),
        ("no metric of the task", 2, "'rmse' is no metric of a binary task"),
        ("no such target", 2, "target 'defaultd' is not a column"),
        ("no such table", 2, "nothere.csv"),
        ("too many rows", 2, "at most 10,000,000 rows"),
        ("unknown key", 2, "tunning: no such key"),
        ("clustering", 2, "task: clustering predicts no column"),
        ("no target", 2, "--data needs --target"),
        ("no config", 2, "nothere.yaml does not exist"),
        ("bad pipeline", 2, "cooking"),
        ("bad stack", 2, "no stack file moon.yaml; there is"),
        ("dry run", 0, "tune_lightgbm <- "),
        ("schema", 0, "tuning.budget_s: 120.0   number > 0 and <= 604,800"),
        ("leaks", 3, "collection_status"),
    ],
)
def test_commands_end_as_documented(answers, command, code, said):
    assert answers[command].code == code, answers[command].output
    assert said in answers[command].output
    assert "Traceback" not in answers[command].output
    if code == 2 and command not in ("bad pipeline",):
        assert len([line for line in answers[command].output.splitlines() if "error:" in line]) == 1


def test_a_run_that_fails_writes_a_summary_that_says_so(tmp_path):
    result = Project(tmp_path).run("--pipeline", "training", "--config", "configs/nothere.yaml")

    assert result.code == 2
    assert (result.summary["status"], result.summary["exit_code"]) == ("failed", 2)
    assert "nothere.yaml" in result.summary["error"]
