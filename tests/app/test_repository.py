"""Where things are kept: what can't be is said in one line, and a dry run leaves the active stack alone."""

import time

import click
import pytest

from app import perform as performing
from app.command import Command, Plan, Request
from app.repository import check_places
from switchyard.tabular.errors import InputError


@pytest.mark.parametrize("character", ["%", "?", '"', "#"])
@pytest.mark.parametrize("which", ["root", "ZENML_CONFIG_PATH", "ZENML_LOCAL_STORES_PATH"])
def test_a_path_that_breaks_addresses_is_named_with_its_character(tmp_path, monkeypatch, which, character):
    odd = tmp_path / f"odd{character}there"
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "zenml"))
    monkeypatch.delenv("ZENML_LOCAL_STORES_PATH", raising=False)
    if which != "root":
        monkeypatch.setenv(which, str(odd))
    with pytest.raises(InputError, match=rf"odd.there has [{character}] in its path") as refused:
        check_places(odd if which == "root" else tmp_path)
    assert refused.value.exit_code == 2 and not odd.exists()


def test_a_folder_that_can_not_be_made_is_said_with_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.delenv("ZENML_LOCAL_STORES_PATH", raising=False)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "file" / "zenml"))
    with pytest.raises(InputError, match=r"zenml can't be written \(Not a directory\): let ZENML_CONFIG_PATH name"):
        check_places(tmp_path)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(tmp_path / "wörk space"))
    check_places(tmp_path)


def test_another_accounts_dry_run_leaves_the_active_stack_of_the_checkout(tmp_path, monkeypatch):
    kept = tmp_path / ".zen" / "config.yaml"
    kept.parent.mkdir()
    kept.write_text("active_stack_id: mine\n")

    def request_from(root, name, changes, console):
        # As ZenML does where this account's store does not know the stack.
        kept.write_text("active_stack_id: another's\n")
        return Request(type("Problem", (), {"name": "loans"}), "", root, "local", None)

    monkeypatch.setattr(performing, "request_from", request_from)
    monkeypatch.setattr(performing, "show", lambda request, plan: None)
    command = Command("", lambda request: Plan(""), lambda request, plan: None, (), ())
    performing.perform(tmp_path, time.monotonic(), "training", command, {"summary": None, "dry_run": True})

    assert kept.read_text() == "active_stack_id: mine\n"


def test_the_folder_is_the_one_that_zenml_takes(monkeypatch):
    from zenml.utils.io_utils import get_global_config_directory

    monkeypatch.delenv("ZENML_CONFIG_PATH", raising=False)
    assert get_global_config_directory() == click.get_app_dir("zenml")
