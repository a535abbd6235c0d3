"""Region patterns such as `us-*`, `eu-west-1` or `aws/us-east-?`."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase

from outlay.catalog.load import Catalog


def matches(pattern: str, *, provider: str, region: str) -> bool:
    """Whether a pattern names the region, with or without the provider in front, in any case."""
    text = pattern.lower()
    target = f"{provider}/{region}".lower() if "/" in text else region.lower()
    return fnmatchcase(target, text)


def check_pattern(pattern: str, catalog: Catalog) -> None:
    """Raise ValueError when a pattern names no region of any provider."""
    if any(matches(pattern, provider=p, region=r) for p, r in catalog.regions):
        return
    names = sorted({region for _, region in catalog.regions})
    near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"unknown region {pattern!r}{hint} (patterns such as us-* are allowed)")
