"""Resolve what a user typed to the one name of the catalogue, or say what is near."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outlay.errors import UnknownNameError

# A part of a name is a hint from so many characters on: one letter is in every second name.
LEAST_PART = 3
# So many names are shown whole when none looks like what was typed.
FEW = 5


def normalise(name: str) -> str:
    """Fold case and separators, so that `H100_80GB-SXM` and `h100 80gb sxm` are one key."""
    return re.sub(r"[\s_/]+", "-", name.strip().lower())


@dataclass(frozen=True, slots=True)
class Names:
    """One kind of name with its aliases."""

    kind: str
    canonical: Mapping[str, str]

    @classmethod
    def build(cls, kind: str, rows: Iterable[tuple[str, Iterable[str]]]) -> Names:
        """Index canonical names and aliases; a canonical name wins over an alias of another row."""
        pairs = [(name, tuple(aliases)) for name, aliases in rows]
        index: dict[str, str] = {}
        for name, aliases in pairs:
            for alias in aliases:
                index.setdefault(normalise(alias), name)
        index.update({normalise(name): name for name, _ in pairs})
        return cls(kind, index)

    def resolve(self, name: str) -> str:
        """Return the canonical name.

        Raises:
            UnknownNameError: no such name or alias; carries up to three near ones.
        """
        key = normalise(name)
        if key in self.canonical:
            return self.canonical[key]
        raise UnknownNameError(self.kind, name, self.nearest(key))

    def nearest(self, key: str) -> tuple[str, ...]:
        """Return up to three canonical names that look like the key; all of them when they are few."""
        close = difflib.get_close_matches(key, list(self.canonical), n=6, cutoff=0.6)
        if len(key) >= LEAST_PART:
            close += [candidate for candidate in sorted(self.canonical) if key in candidate]
        names = tuple(sorted(set(self.canonical.values())))
        if not close and len(names) <= FEW:
            return names
        return tuple(dict.fromkeys(self.canonical[match] for match in close))[:3]
