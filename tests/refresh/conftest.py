"""The command, as in the tests of the command line."""

from __future__ import annotations

import pytest

from tests.cli.command import Command


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command inside this process."""
    return Command(monkeypatch, capsys)
