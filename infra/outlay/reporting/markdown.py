"""Text of others as Markdown that can do nothing: no mention, no link, no cell of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Names and notes of others have no end of their own.
LONGEST_NAME, LONGEST_TEXT = 120, 600


def shortened(text: str, longest: int) -> str:
    """Return the text, or its begin where it is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def code(text: str) -> str:
    """Return a name as a code span that also fits a table's cell."""
    text = shortened(text, LONGEST_NAME)
    plain = re.sub(r"\s+", " ", text).replace("`", "'").replace("|", "\\|").strip()
    return f"`{plain}`" if plain else "-"


def block(text: str) -> str:
    """Return several lines as a fenced block that no line of them can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; a column whose title starts with `>` is right-aligned."""
    lines = [_row([title.lstrip(">") for title in header])]
    lines.append(_row(["---:" if title.startswith(">") else "---" for title in header]))
    return lines + [_row(row) for row in rows]


def folded(summary: str, lines: Sequence[str]) -> list[str]:
    """Return lines behind a summary that opens on a click."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def escaped(text: str) -> str:
    """Return plain text without a meaning in HTML or Markdown."""
    text = shortened(re.sub(r"\s+", " ", text).strip(), LONGEST_TEXT)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~@#!])", lambda match: f"&#{ord(match[1])};", text)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
