"""Cloud names: explicit, so that a lost answer never buys a second copy unnoticed.

Two resources of one name cannot exist, which forbids to create a replacement before the old one
goes. Everything but node pools therefore deletes first (`base.fixed_name`). A node pool must not:
its pods would have nowhere to go. Its name ends in a hash of the inputs that force a replacement,
so a new machine type, market or disk makes a pool of another name, and the old one leaves after.
"""

from __future__ import annotations

import hashlib
import json

HASH_CHARACTERS = 6


def short_hash(*parts: object) -> str:
    """Return six hexadecimal characters that stand for the parts."""
    text = json.dumps(parts, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_CHARACTERS]


def shortened(name: str, *, limit: int) -> str:
    """Return the name, or where it is too long its beginning and a hash of the whole."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - HASH_CHARACTERS - 1].rstrip('-')}-{short_hash(name)}"


def replaceable(name: str, *, limit: int, forced_by: tuple[object, ...]) -> str:
    """Return a pool's cloud name: its name and a hash of what forces a replacement."""
    head = name[: limit - HASH_CHARACTERS - 1].rstrip("-")
    return f"{head}-{short_hash(name, *forced_by)}"
