"""Rules on machines: markets, failure domains, places, GPU types, pool sizes, reservations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from outlay.catalog import Market
from outlay.catalog.regions import matches
from outlay.errors import UnknownNameError
from outlay.pricing import aws_sites, gcp
from outlay.pricing.inputs import is_unknown
from outlay.pricing.reservations import TAG, reservation_named
from outlay.pricing.types import HOURS_PER_MONTH, NodeSet
from policies import declared as facts
from policies.declared import Declared
from policies.money import usd
from policies.options import TEXT, TEXTS, WHOLE, Option, OptionError
from policies.rule import (
    MANDATORY,
    STRICT_IN_PROD,
    Finding,
    ResourceRule,
    RestsError,
    Situation,
    StackRule,
)
from policies.stack import Stack

GLOBAL = "global"
PACKAGES = {
    "aws": "aws",
    "azure-native": "azure",
    "coreweave": "coreweave",
    "gcp": "gcp",
    "pulumi-python": "lambda",
}


def gpu_of(nodes: NodeSet) -> str | None:
    """Return the catalogue's name of the GPU in the nodes, None when they have none."""
    for offer in facts.rates().catalog.offers:
        if (offer.provider, offer.instance_type) == (nodes.provider, nodes.instance_types[0]):
            return offer.gpu
    return None


def gpus_per_node(nodes: NodeSet) -> int:
    """Return how many GPUs one node has at most, of the types that it may be; 0 for none."""
    types = set(nodes.instance_types)
    return max(
        (
            offer.gpus_per_node
            for offer in facts.rates().catalog.offers
            if offer.provider == nodes.provider and offer.instance_type in types
        ),
        default=0,
    )


def _gpu_nodes(declared: Declared) -> Iterator[tuple[NodeSet, str]]:
    for nodes in declared.nodes:
        gpu = gpu_of(nodes)
        if gpu is not None:
            yield nodes, gpu


SPOT = "spot"
ALLOWED, FORBIDDEN, REQUIRED = "allowed", "forbidden", "required"


def _wrong_market(declared: Declared, situation: Situation) -> Iterable[str]:
    asked = situation.options.text(SPOT)
    if asked == ALLOWED:
        raise RestsError("spot is allowed and not required")
    for nodes, gpu in _gpu_nodes(declared):
        is_spot = nodes.market is Market.SPOT
        if asked == FORBIDDEN and is_spot:
            yield f"{gpu} nodes on spot: the environment {situation.environment!r} forbids spot."
        if asked == REQUIRED and not is_spot and not nodes.reserved:
            yield f"{gpu} nodes on demand: the environment {situation.environment!r} asks for spot."


SPOT_USE = ResourceRule(
    name="spot-use",
    holds="GPU nodes are bought in the market that the environment asks for.",
    reason="Spot nodes are taken back at any time, and cost a fraction: each environment chooses.",
    remedy="Change the pool's market: outlay:markets or outlay:maxSpotShare of the stack.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={
        SPOT: Option(
            kind=TEXT,
            default=ALLOWED,
            choices=(ALLOWED, FORBIDDEN, REQUIRED),
            meaning="Whether GPU nodes may, must not or must be spot",
        )
    },
    check=_wrong_market,
)

DOMAINS = "domains"


def _one_domain(stack: Stack, situation: Situation) -> Iterable[Finding]:
    least = situation.options.whole(DOMAINS) or 1
    found = [pair for each in stack.resources for pair in _gpu_nodes(each)]
    running = [(nodes, gpu) for nodes, gpu in found if nodes.expected and not nodes.reserved]
    spot = {
        f"{gpu} in {nodes.provider} {nodes.region}"
        for nodes, gpu in running
        if nodes.market is Market.SPOT
    }
    safe = any(nodes.market is Market.ON_DEMAND for nodes, _ in running)
    if spot and not safe and len(spot) < least:
        yield Finding(
            f"all GPU nodes are spot, in {len(spot)} failure domain{'s' * (len(spot) > 1)}"
            f" ({', '.join(sorted(spot))}): when the cloud takes those back, nothing serves. At least"
            f" {least} domains, or some nodes on demand, are asked for."
        )


SPOT_SURVIVES = StackRule(
    name="spot-survives-a-loss",
    holds="Losing the spot nodes of one failure domain does not stop the service.",
    reason="One GPU type's spot nodes in a region are taken back together.",
    remedy="Set outlay:surviveDomain and outlay:surviveFraction, or lower outlay:maxSpotShare.",
    severity=Severity.HIGH,
    levels=STRICT_IN_PROD,
    options={
        DOMAINS: Option(
            kind=WHOLE,
            above=0,
            default=2,
            meaning="Least number of domains (GPU type and region) when all GPU nodes are spot",
        )
    },
    check=_one_domain,
)


def provider_of(resource_type: str) -> str | None:
    """Return the cloud that a type belongs to, None for what lies in a cluster or in the program."""
    if resource_type.startswith("kubernetes:compute.coreweave.com/"):
        return "coreweave"
    return PACKAGES.get(resource_type.partition(":")[0])


def region_of(declared: Declared) -> str | None:
    """Return the region that a resource lies in, None when neither it nor its provider names one."""
    if declared.nodes:
        return declared.nodes[0].region
    for source in (declared.inputs, declared.provider_inputs):
        for field in ("region", "location", "availabilityZone", "zone"):
            named = source.get(field)
            if isinstance(named, str) and named and not is_unknown(named):
                return _as_region(named, provider_of(declared.resource_type))
    return None


def _as_region(location: str, provider: str | None) -> str:
    if provider == "gcp":
        return gcp.as_region(location)
    zone = aws_sites.ZONE.fullmatch(location) if provider == "aws" else None
    return zone[1] if zone else location.replace(" ", "").lower()


PROVIDERS = "providers"


def _foreign_provider(declared: Declared, situation: Situation) -> Iterable[str]:
    allowed = situation.options.texts(PROVIDERS)
    if not allowed:
        raise RestsError(f"the pack's configuration sets no {PROVIDERS}")
    provider = provider_of(declared.resource_type)
    if declared.is_billable and provider is not None and provider not in allowed:
        yield f"it is on {provider}; allowed are {', '.join(allowed)}."


ALLOWED_PROVIDERS = ResourceRule(
    name="allowed-providers",
    holds="Money is spent at allowed providers only.",
    reason="Contracts, commitments and data agreements exist with some clouds only.",
    remedy="Set outlay:providers of the stack, or move the resource.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={
        PROVIDERS: Option(
            kind=TEXTS, meaning="aws, azure, coreweave, gcp, lambda; all when not set"
        )
    },
    check=_foreign_provider,
)

REGIONS = "regions"


def _foreign_region(declared: Declared, situation: Situation) -> Iterable[str]:
    patterns = situation.options.texts(REGIONS)
    if not patterns:
        raise RestsError(f"the pack's configuration sets no {REGIONS}")
    provider = provider_of(declared.resource_type)
    if provider is None or not declared.is_billable:
        return
    for region in _regions(declared):
        if not any(matches(each, provider=provider, region=region) for each in patterns):
            yield f"it is in {provider} {region}; allowed are {', '.join(patterns)}."


def _regions(declared: Declared) -> Iterable[str]:
    named: set[str] = {nodes.region for nodes in declared.nodes}
    alone = region_of(declared)
    if alone is not None:
        named.add(alone)
    return sorted(named - {GLOBAL})


ALLOWED_REGIONS = ResourceRule(
    name="allowed-regions",
    holds="Money is spent in allowed regions only.",
    reason="Prices differ by region, and so does the law that data falls under.",
    remedy="Set outlay:regions of the stack, or move the resource.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={
        REGIONS: Option(
            kind=TEXTS,
            meaning="Regions or patterns such as eu-* or aws/us-east-?; all when not set",
        )
    },
    check=_foreign_region,
)

GPUS = "gpus"


def _foreign_gpu(declared: Declared, situation: Situation) -> Iterable[str]:
    asked = situation.options.texts(GPUS)
    if not asked:
        raise RestsError(f"the pack's configuration sets no {GPUS}")
    allowed = [_resolved(name) for name in asked]
    for _, gpu in _gpu_nodes(declared):
        if gpu not in allowed:
            yield f"it has {gpu} GPUs; allowed are {', '.join(allowed)}."


def _resolved(name: str) -> str:
    try:
        return facts.rates().catalog.gpu(name).name
    except UnknownNameError as error:
        raise OptionError(f"{GPUS}: {error}") from None


ALLOWED_GPUS = ResourceRule(
    name="allowed-gpus",
    holds="Only allowed GPU types are bought.",
    reason="Some GPUs cost ten times others; an environment may not need them.",
    remedy="Set outlay:gpus of the stack, or choose another machine.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={
        GPUS: Option(
            kind=TEXTS, meaning="GPU types, by any name of the catalogue; all when not set"
        )
    },
    check=_foreign_gpu,
)

MAX_NODES, MAX_GPUS = "maxNodes", "maxGpus"


def _too_large(declared: Declared, situation: Situation) -> Iterable[str]:
    for nodes in declared.nodes:
        gpus = nodes.high * gpus_per_node(nodes)
        for size, key, what in ((nodes.high, MAX_NODES, "nodes"), (gpus, MAX_GPUS, "GPUs")):
            most = situation.options.whole(key)
            if most is not None and size > most:
                yield f"the pool may reach {size:,} {what}; one pool may have {most:,}."


LARGEST_POOL = ResourceRule(
    name="largest-pool",
    holds="No pool can grow beyond the largest size allowed.",
    reason="A digit too many is the dearest typing error there is.",
    remedy="Lower the pool's size or maximum, or allow larger pools in the pack's configuration.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    options={
        MAX_NODES: Option(kind=WHOLE, above=0, default=64, meaning="Most nodes in one pool"),
        MAX_GPUS: Option(kind=WHOLE, above=0, default=256, meaning="Most GPUs in one pool"),
    },
    check=_too_large,
)


def _idle(stack: Stack, _situation: Situation) -> Iterable[Finding]:
    names = {
        reservation_named(each.inputs)
        for each in stack.resources
        if any(nodes.reserved for nodes in each.nodes)
    }
    for pair in stack.reserving:
        if pair.idle:
            wasted = pair.idle * pair.reserved.usd_per_node_hour * HOURS_PER_MONTH
            yield Finding(
                f"{pair.idle} of {pair.reserved.expected} reserved {pair.reserved.instance_types[0]} in"
                f" {pair.reserved.region} stand idle: {usd(wasted)}/month for nothing. No on-demand pool"
                f" of that type and region carries the same tag {TAG}."
            )
    for each in stack.resources:
        claim = reservation_named(each.inputs)
        if claim is not None and claim not in names and each.nodes:
            yield Finding(
                f"it claims reservation {claim!r}, which the stack does not declare.", each.urn
            )


RESERVATION_USE = StackRule(
    name="reservation-use",
    holds="What is reserved is used, and what claims a reservation has one.",
    reason="A reservation costs as much as the nodes themselves, whether or not anything runs on it.",
    remedy=f"Give reservation and pool the same tag {TAG}, or reserve less.",
    severity=Severity.MEDIUM,
    levels=STRICT_IN_PROD,
    check=_idle,
)

RULES = (
    SPOT_USE,
    SPOT_SURVIVES,
    ALLOWED_PROVIDERS,
    ALLOWED_REGIONS,
    ALLOWED_GPUS,
    LARGEST_POOL,
    RESERVATION_USE,
)
