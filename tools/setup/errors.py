"""What can go wrong in set-up.

SetupError
├── MissingToolError    a program that must be installed first
└── StepFailedError     a command that was started and failed
"""

from __future__ import annotations


class SetupError(Exception):
    """Root of set-up's errors: what is wrong and what to do about it."""

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(f"{problem}\n  Fix: {fix}")
        self.problem = problem
        self.fix = fix


class MissingToolError(SetupError):
    """A program that set-up needs is absent or too old; `fix` is the command that installs it."""


class StepFailedError(SetupError):
    """A command failed; the message ends with the last lines that it printed."""
