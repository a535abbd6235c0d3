"""What a promise costs: the same question with one promise looser and tighter."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from outlay.catalog import Catalog
from outlay.planning.compare import Comparison
from outlay.planning.whatif import WhatIf
from outlay.settings import Settings

SURVIVE_FRACTIONS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99)
SPOT_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
TTFT_FACTORS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class Promise(StrEnum):
    """Which promise is varied."""

    SURVIVE_FRACTION = "survive-fraction"
    MAX_SPOT_SHARE = "max-spot-share"
    TTFT = "ttft"


def frontier(settings: Settings, catalog: Catalog, *, promise: Promise) -> tuple[Comparison, ...]:
    """Return the cost at each value of a promise, in the order of the values."""
    what_if = WhatIf(settings, catalog)
    rows: list[Comparison] = []
    for name, changed in _variants(settings, promise):
        outcome = what_if.answer(changed)
        rows.append(Comparison(name=name, plan=outcome.plan, reasons=outcome.reasons))
    return tuple(rows)


def _variants(settings: Settings, promise: Promise) -> Iterator[tuple[str, Settings]]:
    match promise:
        case Promise.SURVIVE_FRACTION:
            for share in sorted({*SURVIVE_FRACTIONS, settings.survive_fraction}):
                yield f"{share:.0%}", settings.model_copy(update={"survive_fraction": share})
        case Promise.MAX_SPOT_SHARE:
            for share in sorted({*SPOT_SHARES, settings.max_spot_share}):
                yield f"{share:.0%}", settings.model_copy(update={"max_spot_share": share})
        case Promise.TTFT:
            yield from (_with_ttft(settings, factor) for factor in TTFT_FACTORS)


def _with_ttft(settings: Settings, factor: float) -> tuple[str, Settings]:
    workloads = [w.model_copy(update={"ttft_ms": w.ttft_ms * factor}) for w in settings.workloads]
    values = {w.ttft_ms for w in workloads}
    name = f"{values.pop():g} ms" if len(values) == 1 else f"{factor:g} x each"
    return name, settings.model_copy(update={"workloads": tuple(workloads)})
