"""Unit prices from the price book: the only place where a price is looked up.

The planner, the price of a declared resource and the policies all go through here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from outlay.catalog import Catalog, CpuOffer, Market, Offer
from outlay.pricing.types import Unpriced

# What a bare-metal provider includes in the node price, so that a missing row means free, not unknown.
INCLUDED: dict[str, frozenset[str]] = {
    "coreweave": frozenset({"control_plane", "nat_gateway", "block_storage", "internet_egress"}),
    "lambda": frozenset(
        {"control_plane", "nat_gateway", "public_ipv4", "block_storage", "internet_egress"}
    ),
}


@dataclass(frozen=True)
class Rates:
    """Look prices up in one catalogue. Every answer is an amount in USD or Unpriced with a reason."""

    catalog: Catalog

    @cached_property
    def _nodes(self) -> dict[tuple[str, str, str, Market], Offer]:
        return {(o.provider, o.region, o.instance_type, o.market): o for o in self.catalog.offers}

    @cached_property
    def _cpu_nodes(self) -> dict[tuple[str, str, str], CpuOffer]:
        return {(o.provider, o.region, o.instance_type): o for o in self.catalog.cpu_offers}

    def gpu_offer(
        self, *, provider: str, region: str, instance_type: str, market: Market
    ) -> Offer | None:
        """Return the GPU offer, or None when the type is not sold there in that market."""
        return self._nodes.get((provider, region, instance_type, market))

    def node(
        self, *, provider: str, region: str, instance_type: str, market: Market
    ) -> Decimal | Unpriced:
        """Return USD per hour of one GPU or CPU node."""
        offer = self.gpu_offer(
            provider=provider, region=region, instance_type=instance_type, market=market
        )
        if offer is not None:
            return offer.usd_per_hour
        cpu = self._cpu_nodes.get((provider, region, instance_type))
        if cpu is not None and market is Market.ON_DEMAND:
            return cpu.usd_per_hour
        return Unpriced(reason=f"no {market} price for {provider} {instance_type} in {region}")

    def cpu_offers(self, *, provider: str, region: str) -> tuple[CpuOffer, ...]:
        """Return the CPU instance types that are priced in the region."""
        return self._cpu_offers_by_site.get((provider, region), ())

    @cached_property
    def _cpu_offers_by_site(self) -> dict[tuple[str, str], tuple[CpuOffer, ...]]:
        sites: dict[tuple[str, str], tuple[CpuOffer, ...]] = {}
        for offer in self.catalog.cpu_offers:
            key = (offer.provider, offer.region)
            sites[key] = (*sites.get(key, ()), offer)
        return sites

    def is_gpu(self, *, provider: str, instance_type: str) -> bool:
        """Whether the instance type carries GPUs."""
        return (provider, instance_type) in self._gpu_types

    @cached_property
    def _gpu_types(self) -> frozenset[tuple[str, str]]:
        return frozenset((o.provider, o.instance_type) for o in self.catalog.offers)

    def service(self, *, provider: str, service: str, region: str) -> Decimal | Unpriced:
        """Return USD per unit of a service; zero only when the provider includes it."""
        price = self.catalog.service_price(provider, service, region)
        if price is not None:
            return price.usd
        if service in INCLUDED.get(provider, frozenset()):
            return Decimal(0)
        return Unpriced(reason=f"no price for {service} at {provider} in {region}")
