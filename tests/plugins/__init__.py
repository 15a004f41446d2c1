"""Plugins of every kind, as somebody else would write them: the examples of CONTRIBUTING.md, used by the tests."""
