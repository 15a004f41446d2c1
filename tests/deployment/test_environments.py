"""What serving needs on this machine and is not there is named at once, with the one command that installs it."""

from __future__ import annotations

import pytest

from deployment.process import means
from switchyard.tabular.errors import InputError


@pytest.mark.parametrize(
    ("serving", "envoy", "says"),
    [
        (False, None, "the serving environment and Envoy, the front door are not installed; make setup-serving"),
        (True, None, "^Envoy, the front door is not installed; make setup-serving"),
        (False, "envoy", "^the serving environment is not installed; make setup-serving"),
    ],
)
def test_missing_environments_are_named_together_with_one_command(monkeypatch, serving, envoy, says):
    monkeypatch.setattr(means.environment, "is_installed", lambda: serving)
    monkeypatch.setattr(means.frontdoor, "find_envoy", lambda: envoy)

    with pytest.raises(InputError, match=says):
        means.require_environments()
