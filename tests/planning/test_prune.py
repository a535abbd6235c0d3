"""A site is left out only for one that is no dearer, whatever the plan needs there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from outlay.planning.candidates import field
from outlay.planning.prune import prune
from outlay.planning.sites import CpuChoice, Site, sites
from outlay.settings import Settings
from tests.planning.builders import catalog, offer, settings

WORKLOADS = [
    {"model": "llama-3.1-8b", "targetRps": 1},
    {"model": "mistral-7b", "targetRps": 1},
    {"model": "qwen2.5-7b", "targetRps": 1},
]


def two_sites(asked: Settings, *, provider: str, regions: tuple[str, str]) -> tuple[Site, ...]:
    """Return two sites that sell the same for the same."""
    on_sale = catalog([offer(provider=provider, region=region) for region in regions])
    found, _ = sites(field(asked, on_sale).candidates, asked, on_sale)
    return found


def cpu(site: Site, *, usd_per_hour: str, routers_per_node: int) -> Site:
    """Return the site with one CPU node type."""
    choice = site.cpu_choices[0]
    small = CpuChoice(
        offer=replace(choice.offer, usd_per_hour=Decimal(usd_per_hour)),
        routers_per_node=routers_per_node,
        disk_usd_per_hour=choice.disk_usd_per_hour,
    )
    return replace(site, cpu_choices=(small,))


def test_a_site_with_cheaper_small_cpu_nodes_does_not_beat_one_with_large_ones() -> None:
    """Three routers need three of the nodes at 0.50, or one of those at 0.90."""
    asked = settings(workloads=WORKLOADS, surviveDomain="none", egressBytesPerOutputToken=0)
    one, other = two_sites(asked, provider="aws", regions=("us-east-1", "us-east-2"))
    small = cpu(one, usd_per_hour="0.50", routers_per_node=1)
    large = cpu(other, usd_per_hour="0.90", routers_per_node=3)
    assert prune((small, large), asked) == (small, large)


def test_a_site_is_beaten_when_it_is_dearer_for_every_number_of_routers() -> None:
    asked = settings(workloads=WORKLOADS, surviveDomain="none", egressBytesPerOutputToken=0)
    one, other = two_sites(asked, provider="aws", regions=("us-east-1", "us-east-2"))
    cheap = cpu(one, usd_per_hour="0.50", routers_per_node=3)
    dear = cpu(other, usd_per_hour="0.60", routers_per_node=3)
    assert prune((cheap, dear), asked) == (cheap,)


def test_a_site_without_cpu_nodes_does_not_beat_one_whose_routers_need_no_gpu_node() -> None:
    """At CoreWeave a plan of spot nodes alone needs CPU nodes for its routers."""
    asked = settings(surviveDomain="none", egressBytesPerOutputToken=0)
    found = two_sites(asked, provider="coreweave", regions=("RNO2A", "US-WEST-02B"))
    assert [bool(site.cpu_choices) for site in found] == [True, False]
    assert found[0] in prune(found, asked)
