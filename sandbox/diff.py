"""What changed between two sets of inputs, and which changes a cloud cannot make in place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum

from sandbox.values import Props, Unknown, Value, without_internal


class Kind(Enum):
    """How a property changes."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


RawChange = tuple[str, Kind, tuple[str, ...]]  # path, kind, the leaves that come or go with it


@dataclass(frozen=True, slots=True)
class Change:
    """One changed property."""

    path: str
    kind: Kind
    replaces: bool

    @property
    def top(self) -> str:
        """The top-level property that the change lies in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def diff(
    old: Props, new: Props, *, replace: Collection[str] = (), ignore: Collection[str] = ()
) -> tuple[Change, ...]:
    """Return the changes from `old` to `new`, outside the ignored paths.

    A path of `replace` covers everything below it; `[*]` stands for any index, `!` before a path exempts it.
    """
    changes = _changes(without_internal(old), without_internal(new), "")
    return tuple(
        Change(path, kind, any(_forces(leaf, replace) for leaf in leaves))
        for path, kind, leaves in changes
        if not any(covers(pattern, path) for pattern in ignore)
    )


def _forces(path: str, replace: Collection[str]) -> bool:
    exempt = [pattern[1:] for pattern in replace if pattern.startswith("!")]
    if any(covers(pattern, path) for pattern in exempt):
        return False
    return any(covers(pattern, path) for pattern in replace if not pattern.startswith("!"))


def covers(pattern: str, path: str) -> bool:
    """Return whether a path is the pattern or lies below it."""
    any_index = re.sub(r"\[\d+\]", "[*]", path)
    no_index = any_index.replace("[*]", "")
    return any(
        shape == pattern or shape.startswith((f"{pattern}.", f"{pattern}["))
        for shape in (path, any_index, no_index)
    )


def _changes(old: Value, new: Value, path: str) -> Iterator[RawChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _pair(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _pair(before, after, f"{path}[{index}]")
    elif isinstance(new, Unknown) or old != new:
        yield path, Kind.UPDATE, (path,)


def _pair(old: Value, new: Value, path: str) -> Iterator[RawChange]:
    if old is None and new is None:
        return
    if old is None:
        yield path, Kind.ADD, tuple(_leaves(new, path))
    elif new is None:
        yield path, Kind.DELETE, tuple(_leaves(old, path))
    else:
        yield from _changes(old, new, path)


def _leaves(value: Value, path: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    else:
        yield path
