"""Cost tags in the alphabet that GCP allows for labels."""

from __future__ import annotations

import re
from collections.abc import Mapping

LIMIT = 63


def cost_labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags as labels: `outlay:project` becomes `outlay-project`, all in lower case."""
    return {_key(key): _text(value) for key, value in tags.items()}


def _key(text: str) -> str:
    key = _text(text)
    # A key must begin with a letter.
    return key if key[:1].isalpha() else f"x-{key}"[:LIMIT]


def _text(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:LIMIT]
