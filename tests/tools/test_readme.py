"""What README.md shows is what its commands print."""

from __future__ import annotations

import pytest

from tools.readme import blocks, output

SHOWN = blocks()


def test_readme_shows_a_preview_a_blocked_preview_and_a_comparison() -> None:
    assert len(SHOWN) == 3


@pytest.mark.engine
@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=["preview", "blocked", "compare"])
def test_readme_is_true(command: str, shown: str) -> None:
    """Run `python -m tools.readme` when this fails and the new output is right."""
    lines = [line for line in shown.splitlines(keepends=True) if not line.startswith("$ ")]
    assert "".join(lines) == output(command)
