"""Debian's chromium for tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
WITHOUT = "no chromium here: apt-get install chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@contextmanager
def chromium(**settings: Any) -> Iterator[Any]:
    """A Playwright context of `settings`; the test is skipped where there is no chromium."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started.new_context(**settings)
        started.close()
