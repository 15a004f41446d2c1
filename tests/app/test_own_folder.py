"""A folder of one's own: made by `init`, worked in by its run.py, brought up by `upgrade`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import run
from app import own_folder, requirement
from app.settings import settings_from
from stacks import images
from steps.provenance import code_commit
from switchyard import __version__, project
from switchyard.plugins import is_in_folder
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.loans import loans

ROOT = Path(__file__).resolve().parents[2]


def invoke(root: Path, *arguments: str):
    return CliRunner().invoke(run.cli, list(arguments), obj=root)


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """A folder that `init` made; the working folder is another."""
    root = tmp_path / "churn"
    assert invoke(ROOT, "init", str(root)).exit_code == 0
    monkeypatch.setenv("SWITCHYARD_FOLDER", str(root))
    return root


def test_init_writes_what_a_repository_needs_and_no_code_of_ours(own):
    files = {str(path.relative_to(own)) for path in own.rglob("*") if path.is_file()}

    assert files == {*own_folder._FILES, own_folder.SCHEMA, own_folder.RECORD, "configs/churn.yaml"}
    assert not [path for path in own.rglob("*") if path.is_file() and "@CONFIG@" in path.read_text()]
    for name in (".gitlab-ci.yml", ".github/workflows/model.yml"):
        assert "configs/churn.yaml" in (own / name).read_text() and yaml.safe_load((own / name).read_text())


def test_init_overwrites_nothing(own, tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "README.md").write_text("mine")
    refused = invoke(ROOT, "init", str(tmp_path / "new"))

    assert isinstance(refused.exception, InputError) and "README.md" in str(refused.exception)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["README.md"]


def test_init_writes_the_config_of_a_table(tmp_path):
    table = tmp_path / "people.csv"
    loans(300).to_csv(table, index=False)
    assert invoke(ROOT, "init", str(tmp_path / "new"), "--data", str(table), "--target", "defaulted").exit_code == 0

    config = yaml.safe_load((tmp_path / "new" / "configs" / "people.yaml").read_text())
    assert config["data"]["source"] == str(table) and config["data"]["target"] == "defaulted"
    assert isinstance(invoke(ROOT, "init", str(tmp_path / "other"), "--data", str(table)).exception, InputError)


def test_requirements_name_what_runs_so_that_pip_and_uv_find_it(tmp_path):
    """The version's tag only where there is one."""
    made = invoke(ROOT, "init", str(tmp_path / "new"), "--from", "https://git.example/switchyard.git")

    assert made.exit_code == 0 and "install " not in made.output
    git = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet"]
    known = [subprocess.run([*git, name], capture_output=True, text=True).stdout.strip() for name in (f"v{__version__}^{{commit}}", "HEAD")]
    revision = f"v{__version__}" if known[0] == known[1] else known[1]
    assert f"\nswitchyard @ git+https://git.example/switchyard.git@{revision}\n" in (tmp_path / "new" / "requirements.txt").read_text()
    chosen = requirement.requirement_of("git+ssh://git@git.example/switchyard.git@main")
    assert chosen == "switchyard @ git+ssh://git@git.example/switchyard.git@main" == requirement.brought_up(chosen, "0.0.9")


@pytest.mark.parametrize(
    "written", ["git+https://git.example/s.git@v0.0.9#egg=switchyard", f"switchyard @ git+https://git.example/s.git@{'a' * 40}"]
)
def test_an_upgrade_moves_the_requirement_to_what_runs(written):
    assert requirement.brought_up(written, "0.0.9") == requirement.requirement_of("https://git.example/s.git")


def test_its_run_py_checks_its_config_with_the_installed_code(own, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ZENML_CONFIG_PATH": str(tmp_path / "zenml")}
    del environment["SWITCHYARD_FOLDER"]
    command = [sys.executable, "run.py", "training", "--dry-run"]
    done = subprocess.run(command, cwd=own, env=environment, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "configs/churn.yaml" in done.stdout.replace("\n", "") and (own / ".zen").is_dir()


def test_without_a_name_its_only_config_is_meant(own):
    assert settings_from(own)[0].name == "churn"
    (own / "configs" / "more.yaml").write_text((own / "configs" / "churn.yaml").read_text())
    with pytest.raises(InputError, match=r"--config: configs/churn.yaml, configs/more.yaml"):
        settings_from(own)


def test_its_plugins_are_found_and_go_into_the_image(own):
    (own / "plugins" / "money.py").write_text("PARTS = ()\n")

    assert is_in_folder("plugins/money.py")
    assert "plugins/money.py" in images.context_files("pipelines") and "run.py" in images.context_files("pipelines")
    before = images.image_name("pipelines", "")
    (own / "plugins" / "money.py").write_text("PARTS = (1,)\n")
    assert images.image_name("pipelines", "") != before


def test_a_runs_commit_is_the_folders(own):
    git = ["git", "-c", "user.email=a@example.com", "-c", "user.name=a", "-C", str(own)]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()

    assert project.folder() == own and code_commit() == head


def test_upgrade_says_what_a_new_version_changes_and_leaves_what_was_edited(own):
    assert "nothing to do" in invoke(own, "upgrade", "--check").output
    record = json.loads((own / own_folder.RECORD).read_text())
    # As an earlier version would have left it: two files were written otherwise, one of which was edited; a key was known.
    for file in ("README.md", ".gitignore"):
        (own / file).write_text(f"old {file}")
        record["files"][file] = own_folder._digest(f"old {file}")
    (own / ".gitignore").write_text("mine")
    schema = json.loads((own / own_folder.SCHEMA).read_text())
    schema["properties"]["colour"] = {"type": "string", "default": "red"}
    del schema["properties"]["goal"]
    old = json.dumps(schema)
    (own / own_folder.SCHEMA).write_text(old)
    record["files"][own_folder.SCHEMA] = own_folder._digest(old)
    (own / own_folder.RECORD).write_text(json.dumps({**record, "version": "0.0.9"}))

    said = invoke(own, "upgrade", "--check").output
    for line in ("0.0.9 made this folder", "gone     colour", "new      goal", "file     README.md", "edited   .gitignore"):
        assert line in said, said
    assert (own / "README.md").read_text() == "old README.md"

    assert invoke(own, "upgrade").exit_code == 0
    assert (own / "README.md").read_text() != "old README.md" and (own / ".gitignore").read_text() == "mine"
    # What was edited is told apart from what is new as before.
    assert "edited   .gitignore" not in invoke(own, "upgrade", "--check").output


def test_upgrade_changes_nothing_where_a_config_is_refused(own):
    (own / "configs" / "churn.yaml").write_text("name: churn\ncolour: red\n")
    (own / "README.md").unlink()
    refused = invoke(own, "upgrade")

    assert refused.exit_code == 3 and "refused  configs/churn.yaml" in refused.output
    assert not (own / "README.md").exists()


def test_upgrade_is_for_folders_that_init_made(tmp_path):
    assert "no folder that run.py init made" in str(invoke(tmp_path, "upgrade").exception)
