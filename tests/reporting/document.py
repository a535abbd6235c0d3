"""The field names of docs/json.md, and those of a value."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
# A mapping whose keys are data.
OPEN = frozenset({"rows[].gpus"})


def documented(verb: str) -> set[str]:
    """Return the field paths of one section of the page."""
    section = PAGE.read_text(encoding="utf-8").split(f"## `{verb}`")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE))


def fields(value: object, path: str = "") -> set[str]:
    """Return the field paths of a JSON value, lists as `name[]`."""
    if isinstance(value, dict) and path not in OPEN:
        parts = [fields(v, f"{path}.{k}" if path else k) for k, v in value.items()]
        return set().union(*parts)
    if isinstance(value, list) and path != "rows[].markets":
        inner = [fields(v, f"{path}[]") for v in value]
        return {f"{path}[]"}.union(*inner)
    return {path}
