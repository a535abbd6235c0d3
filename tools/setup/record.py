"""Which engine set-up chose, written down for the Makefile, the tests and the next set-up."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.setup.errors import SetupError
from tools.setup.layout import Layout

RECORD = "engine.json"


@dataclass(frozen=True)
class Engine:
    """A Pulumi command line that runs Python programs.

    Attributes:
        origin: `path` (the user's own), `official` (downloaded) or `built` (from tools/engine).
        bin: The real folder of `pulumi` and its language host.
        version: Without a leading v.
        basis: What the choice rests on; the choice is made again when this changes.
    """

    origin: str
    bin: Path
    version: str
    basis: str

    @property
    def pulumi(self) -> Path:
        """The command itself."""
        return self.bin / "pulumi"


def write_record(layout: Layout, engine: Engine) -> None:
    """Write the choice to `.outlay/engine.json`, whole or not at all."""
    layout.private.mkdir(exist_ok=True)
    target = layout.private / RECORD
    scratch = target.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(asdict(engine) | {"bin": str(engine.bin)}, indent=2) + "\n")
    scratch.replace(target)


def read_record(layout: Layout) -> Engine | None:
    """Return the recorded choice, or None when there is none that can be read."""
    try:
        values = json.loads((layout.private / RECORD).read_text())
        return Engine(**values | {"bin": Path(values["bin"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def chosen_engine(layout: Layout) -> Engine:
    """Return the engine that set-up recorded.

    Raises:
        SetupError: Set-up has not run, or the engine has gone since.
    """
    engine = read_record(layout)
    if engine is None or not engine.pulumi.exists():
        raise SetupError(f"no engine is recorded in {layout.private / RECORD}", fix="make setup")
    return engine
