"""Where set-up reads and writes: this repository and the user's cache folder, nowhere else."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """Folders of one checkout.

    Attributes:
        root: The checkout.
        cache: What checkouts share; safe to delete, costs a download or a build.
    """

    root: Path
    cache: Path

    @classmethod
    def of(cls, root: Path) -> Layout:
        """Return the layout of a checkout, with the cache folder that the environment asks for."""
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(root=root, cache=Path(base) / "outlay")

    @property
    def venv(self) -> Path:
        """The virtual environment that Pulumi.yaml names."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The virtual environment's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def private(self) -> Path:
        """Everything that this checkout keeps and git ignores."""
        return self.root / ".outlay"

    @property
    def engine_sources(self) -> Path:
        """The Go module with the pinned engine and the language host."""
        return self.root / "tools" / "engine"


def python_version() -> str:
    """Return the running interpreter's version, for instance `3.11.7`."""
    return ".".join(map(str, sys.version_info[:3]))
