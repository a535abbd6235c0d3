"""Find what the API server takes and the scheduler then fails at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

COMPARING = frozenset({"Gt", "Lt"})


def whole_number_faults(pod: Mapping[str, Any], *, path: str = "") -> Iterator[str]:
    """Yield bounds of `Gt` and `Lt` that are no whole numbers.

    The server only wants a legal label value; the scheduler fails when it scores a second node, so that
    the pod of a one-node test is placed. Source: kubernetes component-helpers nodeaffinity, v1.36.
    """
    if pod.get("operator") in COMPARING:
        for value in pod.get("values") or [""]:
            if not _is_whole(value):
                yield f"{path}: {pod['operator']} {value!r} is no whole number; the scheduler fails at it"
    for key, value in pod.items():
        where = f"{path}.{key}".lstrip(".")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, Mapping):
                yield from whole_number_faults(child, path=where)


def _is_whole(value: object) -> bool:
    text = str(value)
    return text.removeprefix("-").isdecimal()
