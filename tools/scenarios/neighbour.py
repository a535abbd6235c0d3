"""llm-d-planner's published answer to one task, and outlay's, step by step from one to the other.

The answer is that of llm-d-planner 0.3.3 (PyPI), run offline: Llama-3.1-8B, 10 requests/s of 512 +
256 tokens: 4 x H100, each a replica, at $18 an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import Catalog, Market
from outlay.planning.plan import Plan
from outlay.planning.whatif import WhatIf
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.what import gpus
from outlay.settings import parse_settings

TASK: Mapping[str, object] = {
    "model": "llama-3.1-8b",
    "targetRps": 10,
    "inputTokens": 512,
    "outputTokens": 256,
}
THEIR_GPUS = 4
THEIR_USD_PER_HOUR = Decimal(18)
ON_DEMAND: Mapping[str, object] = {"markets": "on-demand"}
STRICT: Mapping[str, object] = {"ttftMs": 200, "tpotMs": 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One answer, and what differs from the one before."""

    what: str
    gpus: str
    usd_per_month: Decimal
    why: str


def steps(catalog: Catalog) -> tuple[Step, ...]:
    """Return the way from their answer to ours."""
    h100 = _plan(catalog, {**ON_DEMAND, "gpus": "H100"})
    capacity = h100.placements[0].shape.capacity_rps
    price = _cheapest_h100(catalog)
    return (
        Step(
            what="llm-d-planner",
            gpus=f"{THEIR_GPUS} x H100",
            usd_per_month=THEIR_USD_PER_HOUR * HOURS_PER_MONTH,
            why="2.5 requests/s a GPU: its table for one H100 ends at 3; $4.50 a GPU-hour, GPUs only",
        ),
        Step(
            what="the same GPUs at the book's price",
            gpus=f"{THEIR_GPUS} x H100",
            usd_per_month=price * THEIR_GPUS * HOURS_PER_MONTH,
            why=f"the cheapest H100 on demand that outlay can provision: ${price:.2f} a GPU-hour",
        ),
        _step(
            "outlay, H100 on demand only",
            h100,
            f"one H100 holds {capacity.low:.0f} requests/s on the safe side ({capacity.expected:.0f}"
            " expected); cluster, router, disks and egress are counted",
        ),
        _step("outlay, on demand only", _plan(catalog, ON_DEMAND), "any GPU type"),
        _step(
            "outlay",
            _plan(catalog, {}),
            "spot too; half of the demand survives the loss of one spot pool",
        ),
        _step(
            "outlay, TTFT 200 ms, TPOT 20 ms",
            _plan(catalog, STRICT),
            "a far stricter SLO than the default of 2,000 and 50 ms",
        ),
    )


def _plan(catalog: Catalog, limits: Mapping[str, object]) -> Plan:
    settings = parse_settings({**TASK, **limits}, catalog, source="the task")
    return WhatIf(settings, catalog).plan()


def _step(what: str, plan: Plan, why: str) -> Step:
    return Step(what=what, gpus=gpus(plan), usd_per_month=plan.usd_per_month, why=why)


def _cheapest_h100(catalog: Catalog) -> Decimal:
    return min(
        offer.usd_per_gpu_hour
        for offer in catalog.offers
        if offer.gpu == "H100" and offer.market is Market.ON_DEMAND
    )
