"""Ways around a budget that lie in settings, flags and the order of commands: each is a test of its own."""

from __future__ import annotations

from tests.engine.evasion.tricks import Run

RUNS: tuple[Run, ...] = ()
