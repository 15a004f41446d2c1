"""The order of the tests."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests, and those of whole pipelines, first: when files run in parallel, the last to end is then a short one."""
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.path.parent.name == "app"}
    items.sort(key=lambda item: item.path not in slow)
