"""Undo what the wire does to numbers."""

from __future__ import annotations

from typing import Any


def whole(value: Any) -> Any:
    """Turn the wire's doubles back into the integers that were given."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value
