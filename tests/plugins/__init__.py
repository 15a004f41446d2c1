"""Plugins of every kind, as somebody else would write them: the examples of docs/extend.md, used by the tests."""
