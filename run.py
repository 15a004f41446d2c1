#!/usr/bin/env python
"""The only command line of Switchyard: python run.py --pipeline training, and what surrounds it."""

from pathlib import Path

from app.main import cli, main

__all__ = ["cli"]

if __name__ == "__main__":
    main(Path(__file__).parent)
