"""Prices of CoreWeave resources: nodes are bought by a NodePool object, the rest is included."""

from __future__ import annotations

from outlay.catalog import Market
from outlay.pricing.inputs import Inputs, NoPriceError
from outlay.pricing.metered import GB_MONTH, Meter, by_use
from outlay.pricing.rates import Rates
from outlay.pricing.rules import Nodes, NodeType, Request, Rule, first_region, free, pool_cost
from outlay.pricing.types import Cost, Unpriced

PROVIDER = "coreweave"
NODE_POOL = "compute.coreweave.com"
MARKETS = {"default": Market.ON_DEMAND, "Spot": Market.SPOT}
# Source: CoreWeave documentation of NVL72 instances.
NODES_PER_RACK = 18


def node_pool(request: Request) -> Cost:
    """Price a NodePool object of compute.coreweave.com; disks are included in the node."""
    spec = request.inputs.child("spec")
    compute_class = spec.optional_text("computeClass") or "default"
    if compute_class not in MARKETS:
        raise NoPriceError(f"spec.computeClass {compute_class} has no price rule")
    instance_type, market = spec.text("instanceType"), MARKETS[compute_class]
    node = NodeType(
        provider=PROVIDER,
        region=request.region or _any_region(request.rates, instance_type, market),
        instance_types=(instance_type,),
        market=market,
    )
    return pool_cost(request.rates, node, _nodes(spec))


def _any_region(rates: Rates, instance_type: str, market: Market) -> str:
    """Return a region that sells the type; the object names none, so the price must not depend on it."""
    prices = {
        site: rates.node(provider=PROVIDER, region=site, instance_type=instance_type, market=market)
        for site in _sites(rates)
    }
    known = {site: usd for site, usd in prices.items() if not isinstance(usd, Unpriced)}
    if not known:
        raise NoPriceError(f"no {market} price for {PROVIDER} {instance_type}")
    if len(set(known.values())) > 1:
        raise NoPriceError(
            f"the price of {instance_type} varies by region, and the object names none"
        )
    return next(iter(known))


def _sites(rates: Rates) -> list[str]:
    sites = {(offer.provider, offer.region) for offer in rates.catalog.offers}
    sites |= {(offer.provider, offer.region) for offer in rates.catalog.cpu_offers}
    return sorted(region for provider, region in sites if provider == PROVIDER)


def _nodes(spec: Inputs) -> Nodes:
    if spec.given("targetRacks"):
        target = spec.count("targetRacks") * NODES_PER_RACK
    else:
        target = spec.count("targetNodes")
    if not spec.flag("autoscaling"):
        return Nodes.exactly(target)
    return Nodes.between(spec.count("minNodes"), spec.count("maxNodes"), declared=target)


def _zone(request: Request) -> str:
    return first_region(request, ("zone",))


OBJECTS = Meter(provider=PROVIDER, what="objects kept", unit=GB_MONTH, service="object_storage")

RULES: dict[str, Rule] = {
    "coreweave:index/objectStorageBucket": by_use(OBJECTS, region=_zone),
    "coreweave:index/cksCluster": free("included in the price of the nodes"),
    "coreweave:index/networkingVpc": free("included in the price of the nodes"),
}
