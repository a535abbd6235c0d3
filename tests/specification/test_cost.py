"""The specification's rows on the calculator that are about money; each test is named after its row."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from outlay.errors import SettingsError, UnknownNameError
from outlay.planning.compare import compare
from outlay.planning.forecast import demand, forecast
from outlay.planning.planner import make_plan
from outlay.planning.whatif import By, WhatIf
from outlay.pricing.legacy import legacy_cost, requests_of_demand
from outlay.pricing.types import Category
from outlay.refresh.check import check
from outlay.reporting.as_json import plan_json
from tests.planning.builders import REAL, catalog, offer, settings

# Llama-3.1-8B in 16 bit: 8e9 x 2 bytes, which the chapter divides by 1024^3 and calls GB.
WEIGHTS_GB = Decimal(16_000_000_000) / 1024**3
CHAPTER = legacy_cost("coreweave", "a100_40gb", gpus=4, weights_gb=WEIGHTS_GB)
PENCE = Decimal("0.01")


def test_cost_per_request_from_demand() -> None:
    """10 rps, 730 h -> 26.28 M requests; chapter fleet -> $0.000221."""
    requests = requests_of_demand(Decimal(10))
    assert requests == Decimal("26.28e6")
    assert CHAPTER.total / requests == pytest.approx(Decimal("0.000221"), abs=Decimal("5e-7"))
    plan = make_plan(settings(), catalog([offer()]))
    assert plan.requests_per_hour * 730 == requests
    assert plan.usd_per_request == pytest.approx(plan.usd_per_month / requests)


def test_cost_per_request_from_demand_in_the_chapter() -> None:
    """Its own count, 204,400, makes a request 128.6 times dearer: $0.028453."""
    assert CHAPTER.requests == 204_400
    assert CHAPTER.usd_per_request == pytest.approx(Decimal("0.028453"), abs=Decimal("1e-6"))
    assert float(requests_of_demand(Decimal(10)) / CHAPTER.requests) == pytest.approx(
        128.6, abs=0.05
    )


def test_hours_scale_both_sides() -> None:
    """Cost per request the same at 100 h and 730 h when demand is constant."""
    plan = make_plan(settings(), catalog([offer()]))
    each = {
        hours: plan.usd_per_hour * hours / requests_of_demand(Decimal(10), hours=hours)
        for hours in (100, 730)
    }
    assert each[100] == pytest.approx(each[730]) == pytest.approx(plan.usd_per_request)
    # The chapter scales the cost alone: at 100 h a request costs $0.0040 there.
    short = legacy_cost("coreweave", "a100_40gb", gpus=4, weights_gb=WEIGHTS_GB, hours=100)
    assert short.usd_per_request == pytest.approx(Decimal("0.0040"), abs=Decimal("1e-4"))


def test_breakdown() -> None:
    """Keys identical for amount and share; shares sum to 100; no KeyError."""
    assert CHAPTER.parts.keys() == CHAPTER.shares.keys()
    assert sum(CHAPTER.shares.values()) == pytest.approx(1)
    assert {name: round(share * 100, 2) for name, share in CHAPTER.shares.items()} == {
        "gpu": Decimal("94.89"),
        "storage": Decimal("0.02"),
        "network": Decimal("0.34"),
        "management": Decimal("4.74"),
    }
    plan = make_plan(settings(), catalog([offer()]))
    shares = {part: amount / plan.usd_per_hour for part, amount in plan.breakdown.items()}
    assert list(shares) == list(Category)
    assert sum(shares.values()) == pytest.approx(1)


def test_all_providers_compete() -> None:
    """H100, T4, Azure rows present or listed as rejected with reason."""
    on_sale = catalog(
        [
            offer(),
            offer(gpu="T4", instance_type="g4dn.xlarge", usd_per_hour="0.526"),
            offer(gpu="H100", instance_type="p5.4xlarge", usd_per_hour="6.88"),
            offer(provider="azure", region="eastus", instance_type="Standard_NC40ads_H100_v5",
                  gpu="H100-NVL", usd_per_hour="6.98"),
        ]
    )  # fmt: skip
    gpus = {row.name: row for row in compare(settings(), on_sale, by=By.GPU)}
    assert set(gpus) == {"L40S", "T4", "H100", "H100-NVL"}
    assert gpus["H100"].plan is not None
    t4 = gpus["T4"]
    assert t4.plan is not None or t4.reasons
    providers = {row.name: row for row in compare(settings(), on_sale, by=By.PROVIDER)}
    azure = providers["azure"]
    assert azure.plan is not None or azure.reasons
    assert all(row.plan is not None or row.reasons for row in providers.values())


def test_whole_nodes() -> None:
    """AWS A100-40 is bought in eights."""
    plan = make_plan(settings(providers="aws", gpus="A100-40", surviveDomain="none"), REAL)
    assert {pool.instance_type for pool in plan.pools} == {"p4d.24xlarge"}
    assert {pool.gpus_per_node for pool in plan.pools} == {8}
    needed = sum(p.replicas * p.shape.gpus for p in plan.placements)
    assert needed < 8 * sum(pool.nodes for pool in plan.pools)


def test_dated_prices() -> None:
    """Every row has source and date; old date warns."""
    gpu = [(o.source, o.as_of) for o in REAL.offers]
    cpu = [(o.source, o.as_of) for o in REAL.cpu_offers]
    services = [(s.source, s.as_of) for s in REAL.service_prices]
    for source, day in (*gpu, *cpu, *services):
        assert source
        assert date.fromisoformat(day) > date(2022, 12, 31)
    found = check(REAL, today=date(2027, 6, 1), max_age_days=90)
    assert sum(old.count for old in found.old) == found.prices
    old = replace(offer(), as_of="2025-01-01")
    (warning,) = (w for w in make_plan(settings(), catalog([old])).warnings if "2025-01-01" in w)
    assert "g6e.xlarge on-demand in us-east-1" in warning
    assert not any(
        "asks for newer" in w for w in make_plan(settings(), catalog([offer()])).warnings
    )


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"targetRps": 0}, "targetRps"),
        ({"targetRps": -1}, "targetRps"),
        ({"model": "llama-99"}, "unknown model 'llama-99'"),
        ({"providers": "oracle"}, "unknown provider 'oracle'"),
        ({"gpus": "B9000"}, "unknown GPU 'B9000'"),
    ],
)
def test_validation(raw: dict[str, object], named: str) -> None:
    """Rps <= 0, unknown model/provider/GPU -> named error."""
    with pytest.raises((SettingsError, UnknownNameError), match=named):
        settings(**raw)


def test_storage_network_overhead() -> None:
    """$1.03, $20.00, $275.94 for the 4 x A100-40 legacy case."""
    assert {name: amount.quantize(PENCE) for name, amount in CHAPTER.parts.items()} == {
        "gpu": Decimal("5518.80"),
        "storage": Decimal("1.03"),
        "network": Decimal("20.00"),
        "management": Decimal("275.94"),
    }
    assert CHAPTER.total.quantize(PENCE) == Decimal("5815.77")


def test_storage_network_overhead_of_a_plan() -> None:
    """Each is an amount of its own, from prices by place: disks, address and egress, control plane."""
    shown = json.loads(json.dumps(plan_json(make_plan(settings(), catalog([offer()])))))
    for part in ("storage", "network", "management"):
        costs = [c["usd_per_hour"] for c in shown["fixed_costs"] if c["category"] == part]
        assert costs
        assert sum(costs) == pytest.approx(shown["breakdown"][part], abs=1e-6)


@pytest.mark.parametrize("growth", [0.0, 0.03, 0.1, -0.05])
def test_forecast(growth: float) -> None:
    """12 months at g % growth equals the closed form."""
    whole = 12 if growth == 0 else ((1 + growth) ** 12 - 1) / growth
    assert sum(demand(1, growth=growth, months=12)) == pytest.approx(whole)
    # A fleet that can be bought in any fraction costs in proportion: the closed form of its cost.
    chapter = [CHAPTER.gpu * Decimal(repr(rps)) for rps in demand(1, growth=growth, months=12)]
    assert float(sum(chapter)) == pytest.approx(float(CHAPTER.gpu) * whole)


def test_forecast_of_a_plan_states_whole_nodes() -> None:
    """Each month's cost is that of its own plan, so that the sum is at least the cheapest per request."""
    found = forecast(WhatIf(settings(), catalog([offer()])), growth=0.1, months=12)
    assert [m.rps for m in found.months] == pytest.approx(demand(10, growth=0.1, months=12))
    for month in found.months:
        assert month.plan is not None
        assert month.plan.capacity_rps("llama-3-1-8b").low >= month.rps * (1 - 1e-6)
