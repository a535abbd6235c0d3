"""What README.md shows is what its commands print."""

from __future__ import annotations

import pytest

from tools.readme import blocks, output

SHOWN = blocks()
NAMES = ["preview", "blocked", "comment", "compare"]


def test_readme_shows_previews_a_comment_and_a_comparison() -> None:
    assert len(SHOWN) == len(NAMES)


@pytest.mark.engine
@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=NAMES)
def test_readme_is_true(command: str, shown: str) -> None:
    """Run `python -m tools.readme` when this fails and the new output is right."""
    lines = [line for line in shown.splitlines(keepends=True) if not line.startswith("$ ")]
    assert "".join(lines) == output(command)
