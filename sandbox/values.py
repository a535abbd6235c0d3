"""Property values as the engine sends them: JSON values, some of them not known yet.

Paths are written as Pulumi writes them: `scalingConfig.desiredSize`, `instanceTypes[0]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

# JSON values of arbitrary shape: the SDKs' own schemas (sandbox/schema.py) say what each one holds.
Value = Any
Props = dict[str, Any]

# What the engine sends for a value that only exists after `up`, by the kind of the value.
# Source: pulumi/sdk, go/common/resource/plugin/rpc.go.
UNKNOWN_TEXTS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]|\[\*\]")


class Unknown(str):
    """The text that stands for a value which is not known during a preview."""

    __slots__ = ()


UNKNOWN = Unknown("04da6b54-80e4-46f7-96ec-b56ff0331ba9")


def as_map(value: Value) -> Props:
    """Return a mapping, or an empty one for what is absent, unknown or of another type."""
    return value if isinstance(value, dict) else {}


def as_list(value: Value) -> list[Any]:
    """Return a list, or an empty one for what is absent, unknown or of another type."""
    return value if isinstance(value, list) else []


def as_text(value: Value, default: str = "") -> str:
    """Return a known text, or the default."""
    return value if isinstance(value, str) and not isinstance(value, Unknown) else default


def as_int(value: Value, default: int = 0) -> int:
    """Return a known whole number, or the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def find_all(value: Value, path: str) -> Iterator[Value]:
    """Yield every value at a path; `[*]` stands for each item of a list."""
    yield from _descend(value, _STEP.findall(path))


def find(value: Value, path: str, default: Value = None) -> Value:
    """Return the first value at a path, or the default."""
    return next(find_all(value, path), default)


def _descend(value: Value, steps: Sequence[str]) -> Iterator[Value]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if step == "[*]":
        for item in as_list(value):
            yield from _descend(item, rest)
    elif step.startswith("["):
        items, index = as_list(value), int(step[1:-1])
        if index < len(items):
            yield from _descend(items[index], rest)
    elif step in as_map(value):
        yield from _descend(value[step], rest)


def is_hidden(value: Value, path: str) -> bool:
    """Return whether the value at a path, or a value around it, is not known yet."""
    steps = _STEP.findall(path)
    return any(
        isinstance(item, Unknown)
        for length in range(1, len(steps) + 1)
        for item in _descend(value, steps[:length])
    )


def put(value: Props, path: str, new: Value) -> None:
    """Set the value at a path, making the maps on the way.

    Raises ValueError if the path leads through a list item that does not exist.
    """
    *steps, last = _STEP.findall(path)
    target: Any = value
    try:
        for step in steps:
            index = step.startswith("[")
            target = target[int(step[1:-1])] if index else target.setdefault(step, {})
        target[int(last[1:-1]) if last.startswith("[") else last] = new
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: there is no such place in the resource") from error


def merge(*layers: Value) -> Value:
    """Return the layers joined key by key; earlier layers win, lists are taken whole."""
    first, *rest = layers
    for layer in rest:
        first = _merge_two(first, layer)
    return first


def _merge_two(first: Value, second: Value) -> Value:
    if isinstance(first, dict) and isinstance(second, dict):
        joined = {
            key: _merge_two(value, second[key]) for key, value in first.items() if key in second
        }
        return {**second, **first, **joined}
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [_merge_two(a, b) for a, b in zip(first, second, strict=True)]
    return second if first is None else first


def mask(outputs: Value, known: Value) -> Value:
    """Return the outputs with every leaf that is not in `known` replaced by UNKNOWN."""
    if isinstance(outputs, dict) and isinstance(known, dict):
        return {
            key: mask(value, known[key]) if key in known else UNKNOWN
            for key, value in outputs.items()
        }
    if isinstance(outputs, list) and isinstance(known, list) and len(outputs) == len(known):
        return [mask(a, b) for a, b in zip(outputs, known, strict=True)]
    return known


def without_internal(props: Props) -> Props:
    """Return the properties without the engine's own keys (`__defaults`, `__internal`)."""
    return {key: value for key, value in props.items() if not key.startswith("__")}
