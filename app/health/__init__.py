"""What of a stack is not as it should be, and how to mend it: `run.py doctor` prints it."""

from app.health.check import Check

__all__ = ["Check"]
