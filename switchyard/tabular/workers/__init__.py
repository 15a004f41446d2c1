"""Fits on more than one process or machine: an engine that places functions (`engine`), and what they do (`fit`)."""
