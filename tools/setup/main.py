"""Set up this checkout: `.venv`, then an engine. Does nothing when both are there."""

from __future__ import annotations

import sys
import time

from tools.setup.engine import ensure_engine
from tools.setup.errors import SetupError
from tools.setup.layout import REPOSITORY, Layout
from tools.setup.progress import duration, say
from tools.setup.record import Engine
from tools.setup.venv import ensure_venv

ORIGINS = {
    "path": "your own, from PATH",
    "official": "official release, in the cache folder",
    "built": "built from tools/engine, in the cache folder",
}


def main() -> int:
    """Run set-up and return the exit code: 0 done, 1 something is missing, 130 interrupted."""
    start = time.monotonic()
    layout = Layout.of(REPOSITORY)
    try:
        worked = ensure_venv(layout)
        engine, chosen = ensure_engine(layout)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again to go on", file=sys.stderr)
        return 130
    if worked or chosen:
        _report(engine, took_s=time.monotonic() - start)
    return 0


def _report(engine: Engine, *, took_s: float) -> None:
    say(f"engine: Pulumi {engine.version} ({ORIGINS[engine.origin]}): {engine.pulumi}")
    say(f"ready after {duration(took_s)}")
