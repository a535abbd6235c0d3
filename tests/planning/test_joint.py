"""Several workloads at once: as cheap as the whole program, never dearer than a simpler plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from outlay.catalog import Offer
from outlay.errors import NoFeasiblePlanError
from outlay.planning.candidates import field
from outlay.planning.fleet import FleetProgram
from outlay.planning.planner import make_plan
from outlay.planning.sites import sites
from outlay.planning.solve import cheapest_fleet
from outlay.settings import Settings
from tests.planning.builders import BARE_METAL, REAL, REGIONS, catalog, settings
from tests.planning.check import broken
from tests.planning.test_optimal import SURVIVE, offers

EVERYWHERE = st.sampled_from(
    [(p, r) for regions in (REGIONS, BARE_METAL) for p, places in regions.items() for r in places]
)
QUOTAS = st.fixed_dictionaries(
    {"provider": st.sampled_from(["aws", "gcp"]), "gpus": st.sampled_from([0, 2, 4])},
    optional={"gpu": st.sampled_from(["L4", "H100"]), "market": st.sampled_from(["spot"])},
)
MODELS = ("llama-3.1-8b", "mistral-7b", "qwen3-8b")
SIX = [
    {"model": "llama-3.1-8b", "targetRps": 10},
    {"model": "qwen2.5-72b", "targetRps": 4},
    {"model": "qwen3-32b", "targetRps": 25},
    {"model": "mistral-7b", "targetRps": 1},
    {"model": "gpt-oss-20b", "targetRps": 60},
    {"model": "gemma-2-27b", "targetRps": 7},
]


@st.composite
def asked(draw: st.DrawFn) -> Settings:
    """Draw one to three workloads."""
    return settings(
        workloads=[
            {"model": model, "targetRps": draw(st.sampled_from([1, 4, 10]))}
            for model in MODELS[: draw(st.integers(1, 3))]
        ],
        surviveDomain=draw(SURVIVE),
        surviveFraction=draw(st.sampled_from([0.0, 0.3, 0.5])),
        maxSpotShare=draw(st.sampled_from([0.0, 1.0])),
        egressBytesPerOutputToken=draw(st.sampled_from([0, 250])),
        maxClusters=draw(st.sampled_from([None, None, 1, 2])),
        quotas=draw(st.lists(QUOTAS, max_size=2)),
    )


@budget(max_examples=60)
@given(asked(), offers(most=5, places=EVERYWHERE))
def test_ways_and_single_replicas_have_the_same_optimum(
    asked: Settings, on_sale: list[Offer]
) -> None:
    """Two formulations, one answer, and both prove it."""
    on_offer = catalog(on_sale)
    possible, _ = sites(field(asked, on_offer).candidates, asked, on_offer)
    if not possible:
        return
    whole = FleetProgram(possible, asked).solve()
    found = cheapest_fleet(possible, asked)
    assert (whole is None) == (found is None)
    if whole is not None and found is not None:
        assert (whole.gap, found.gap) == (0, 0)
        assert float(found.all_usd_per_hour) == pytest.approx(
            float(whole.all_usd_per_hour), abs=1e-4
        )


@budget(max_examples=60)
@given(asked(), offers(most=6, places=EVERYWHERE))
def test_every_plan_keeps_every_promise(asked: Settings, on_sale: list[Offer]) -> None:
    """The plan itself is checked, by rules written down once more."""
    try:
        plan = make_plan(asked, catalog(on_sale))
    except NoFeasiblePlanError:
        return
    assert not broken(
        plan,
        max_spot_share=asked.max_spot_share,
        survive_domain=asked.survive_domain,
        survive_fraction=asked.survive_fraction,
    )


@pytest.mark.slow
def test_many_workloads_cost_no_more_than_each_provider_alone_or_the_workloads_apart() -> None:
    """On the shipped price book, with a gap that is said."""
    together = make_plan(settings(workloads=SIX), REAL)
    assert not broken(together)
    assert together.mip_gap < 0.05
    for provider in ("aws", "gcp", "azure"):
        alone = make_plan(settings(workloads=SIX, providers=[provider]), REAL)
        assert together.usd_per_hour <= alone.usd_per_hour
    apart = sum(make_plan(settings(workloads=[w]), REAL).usd_per_hour for w in SIX)
    assert together.usd_per_hour <= apart
