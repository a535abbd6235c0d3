"""Leaving out what is out of reach changes no plan, and leaves out a lot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outlay.catalog import Offer
from outlay.planning.bounds import within_reach
from outlay.planning.candidates import field
from outlay.planning.fleet import FleetProgram
from outlay.planning.sites import sites
from outlay.settings import Settings
from tests.planning.builders import BARE_METAL, REAL, REGIONS, catalog, settings
from tests.planning.test_optimal import asked, offers

EVERYWHERE = st.sampled_from(
    [(p, r) for regions in (REGIONS, BARE_METAL) for p, places in regions.items() for r in places]
)
TWO = [{"model": "llama-3.1-8b", "targetRps": 4}, {"model": "mistral-7b", "targetRps": 9}]


@given(asked(), offers(most=6, places=EVERYWHERE), st.booleans())
def test_no_cheapest_fleet_is_out_of_reach(
    asked: Settings, on_sale: list[Offer], two: bool
) -> None:
    """The whole field and what is within reach cost the same, for one workload and for two."""
    if two:
        workloads = settings(workloads=TWO).workloads
        asked = asked.model_copy(update={"workloads": workloads})
    on_offer = catalog(on_sale)
    possible, _ = sites(field(asked, on_offer).candidates, asked, on_offer)
    if not possible:
        return
    whole = FleetProgram(possible, asked).solve()
    near = FleetProgram(within_reach(possible, asked), asked).solve()
    assert (whole is None) == (near is None)
    if whole is not None and near is not None:
        assert near.usd_per_hour == whole.usd_per_hour


def test_most_of_the_price_book_is_out_of_reach_of_one_small_model() -> None:
    asked = settings()
    possible, _ = sites(field(asked, REAL).candidates, asked, REAL)
    near = within_reach(possible, asked)
    before, after = (sum(len(s.candidates) for s in group) for group in (possible, near))
    assert after < before / 4
