"""Is it cheaper to prefill and decode on pools of their own? Both fleets for the same demand.

Compared at equal demand, SLO and market: the cheapest single pool that does both, and the cheapest
pair of pools in one provider and region (the KV cache crosses their network). Only GPU nodes are
counted; control planes and CPU nodes are the same for both. GPUs come in whole nodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from outlay.catalog import Catalog, Gpu, Market, Model, Offer, Precision
from outlay.errors import InputError, NoFeasiblePlanError
from outlay.planning.candidates import (
    GRADES,
    MOST_GPUS_PER_REPLICA,
    allowed_offers,
    precisions,
    traffic,
)
from outlay.settings import Settings, WorkloadSettings
from outlay.sizing.capacity import replica_shapes
from outlay.sizing.disaggregation import (
    Economics,
    PrefillReplica,
    Transfer,
    decode_replicas,
    prefill_replicas,
    transfer,
)
from outlay.sizing.types import Interval, ReplicaShape, Traffic

SECONDS_PER_HOUR = 3600
# Stated assumption: one 100 Gbit/s network card for the replicas of a node that exchange KV caches.
LINK_GBIT_PER_S = 100.0
SAME_COST = 0.02  # costs that differ by less are the same: no winner changes between them
RATIOS = tuple(4.0**step for step in range(-3, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One way to run one role on one GPU type, and what a replica of it holds."""

    shape: ReplicaShape
    capacity_rps: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedPool:
    """Replicas of one role on whole nodes of one offer; money in USD."""

    role: Role
    offer: Offer
    replicas: int
    nodes: int
    demand_rps: float

    @property
    def usd_per_hour(self) -> float:
        """Price of all nodes."""
        return self.nodes * float(self.offer.usd_per_hour)

    @property
    def gpus(self) -> int:
        """GPUs that replicas run on."""
        return self.replicas * self.role.shape.gpus

    @property
    def utilization(self) -> float:
        """Demand over what the replicas are expected to hold."""
        return self.demand_rps / (self.replicas * self.role.capacity_rps.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFleet:
    """A prefill and a decode pool in one network domain."""

    prefill: PricedPool
    decode: PricedPool
    transfer: Transfer
    prompt_s: float

    @property
    def usd_per_hour(self) -> float:
        """Price of both pools."""
        return self.prefill.usd_per_hour + self.decode.usd_per_hour

    @property
    def link_utilization(self) -> float:
        """Share of one prefill replica's link that transfers take at the demand."""
        return self.prefill.demand_rps / self.prefill.replicas * self.transfer.seconds

    @property
    def ttft_ms(self) -> float:
        """Expected mean TTFT: wait, prefill, transfer, first decode step."""
        busy = min(0.99, self.prefill.demand_rps * self.prompt_s / self.prefill.replicas)
        wait_s = busy * self.prompt_s / (2 * (1 - busy))
        first_ms = self.decode.role.shape.ttft_ms.expected
        return (wait_s + self.prompt_s + self.transfer.seconds) * 1e3 + first_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPoint:
    """Cost per million tokens at one prompt:output ratio, GPUs bought in fractions."""

    input_tokens: int
    output_tokens: int
    aggregated_usd_per_million_tokens: float | None
    split_usd_per_million_tokens: float | None

    @property
    def ratio(self) -> float:
        """Prompt tokens per output token."""
        return self.input_tokens / self.output_tokens

    @property
    def cost_ratio(self) -> float | None:
        """Split over aggregated, None when one of them cannot serve it."""
        if not (self.aggregated_usd_per_million_tokens and self.split_usd_per_million_tokens):
            return None
        return self.split_usd_per_million_tokens / self.aggregated_usd_per_million_tokens


@dataclass(frozen=True, kw_only=True)
class SplitComparison:
    """Both fleets for one workload, and how that changes with its lengths."""

    workload: WorkloadSettings
    market: Market
    aggregated: PricedPool
    split: SplitFleet
    prefill_on_spot_usd_per_hour: float | None
    ratios: tuple[RatioPoint, ...]

    @property
    def economics(self) -> Economics:
        """Costs at the demand."""
        requests = self.workload.target_rps * SECONDS_PER_HOUR
        return Economics(
            aggregated_usd_per_hour=self.aggregated.usd_per_hour,
            aggregated_requests_per_hour=requests,
            split_usd_per_hour=self.split.usd_per_hour,
            split_requests_per_hour=requests,
        )

    @property
    def uncertainty_share(self) -> float:
        """Largest share by which a pool's capacity may fall short of its expectation (80 %)."""
        roles = (self.aggregated.role, self.split.prefill.role, self.split.decode.role)
        return max(1 - role.capacity_rps.low / role.capacity_rps.expected for role in roles)

    @property
    def is_too_close(self) -> bool:
        """Whether the difference is smaller than the error of the estimates."""
        return abs(self.economics.saving_share) < self.uncertainty_share

    @cached_property
    def break_even_ratios(self) -> tuple[float, ...]:
        """Prompt:output ratios at which the cheaper of the two changes; empty when none does."""
        known = [
            (p.ratio, c)
            for p in self.ratios
            if (c := p.cost_ratio) is not None and abs(c - 1) >= SAME_COST
        ]
        return tuple(_crossing(a, b) for a, b in pairwise(known) if (a[1] - 1) * (b[1] - 1) < 0)


def _crossing(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Interpolate where the cost ratio is 1, in the logarithm of the prompt:output ratio."""
    share = (1 - a[1]) / (b[1] - a[1])
    return math.exp(math.log(a[0]) + share * (math.log(b[0]) - math.log(a[0])))


def compare_split(
    settings: Settings, catalog: Catalog, *, link_gbit_per_s: float = LINK_GBIT_PER_S
) -> SplitComparison:
    """Return the cheapest fleet of each kind for one workload.

    Raises:
        InputError: several workloads, or a link without bandwidth.
        NoFeasiblePlanError: one of the two cannot serve the workload at all.
    """
    if len(settings.workloads) != 1:
        raise InputError("a split is compared for one workload; name one model")
    if not (math.isfinite(link_gbit_per_s) and link_gbit_per_s > 0):
        raise InputError(f"the link must have a positive bandwidth, got {link_gbit_per_s} Gbit/s")
    market = Market.ON_DEMAND if Market.ON_DEMAND in settings.markets else settings.markets[0]
    workload = settings.workloads[0]
    field = _Field(settings, catalog, market=market, link_gbit_per_s=link_gbit_per_s)
    load = traffic(workload)
    aggregated = field.aggregated(load, workload.target_rps)
    split = field.split(load, workload.target_rps)
    if aggregated is None or split is None:
        what = "any fleet" if aggregated is None else "a split fleet"
        raise NoFeasiblePlanError(
            f"{what} cannot serve {workload.model} within the SLO on the GPUs allowed;"
            " relax ttftMs or tpotMs, allow more GPUs or a lower lowestGrade"
        )
    return SplitComparison(
        workload=workload,
        market=market,
        aggregated=aggregated,
        split=split,
        prefill_on_spot_usd_per_hour=field.on_spot(split.prefill),
        ratios=tuple(field.at_ratio(load, ratio) for ratio in RATIOS),
    )


class _Field:
    """Everything on offer for one workload in one market."""

    def __init__(
        self, settings: Settings, catalog: Catalog, *, market: Market, link_gbit_per_s: float
    ) -> None:
        self.settings = settings
        self.workload = settings.workloads[0]
        self.catalog = catalog
        self.model: Model = catalog.model(self.workload.model)
        self.link_gbit_per_s = link_gbit_per_s
        self.all_offers = allowed_offers(settings, catalog)
        self.offers = [offer for offer in self.all_offers if offer.market is market]
        self.gpus = sorted({offer.gpu for offer in self.offers})
        self.wanted: tuple[Precision, ...] = precisions(self.workload, self.model)

    def aggregated(self, load: Traffic, rps: float) -> PricedPool | None:
        return cheapest_pool(self._both(load), self.offers, self._demand(rps))

    def split(self, load: Traffic, rps: float) -> SplitFleet | None:
        prefill, decode, prompts = self._roles(load)
        best: SplitFleet | None = None
        for site in sorted({(offer.provider, offer.region) for offer in self.offers}):
            here = [o for o in self.offers if (o.provider, o.region) == site]
            first = cheapest_pool(prefill, here, self._demand(rps))
            then = cheapest_pool(decode, here, self._demand(rps))
            if first is None or then is None:
                continue
            fleet = SplitFleet(
                prefill=first,
                decode=then,
                transfer=self._transfer(load),
                prompt_s=prompts[first.role.shape.key],
            )
            if best is None or fleet.usd_per_hour < best.usd_per_hour:
                best = fleet
        return best

    def on_spot(self, pool: PricedPool) -> float | None:
        """Return the prefill pool's cheapest price on spot nodes in the same place."""
        spot = [
            offer
            for offer in self.all_offers
            if offer.market is Market.SPOT
            and (offer.provider, offer.region) == (pool.offer.provider, pool.offer.region)
        ]
        found = cheapest_pool([pool.role], spot, pool.demand_rps)
        return None if found is None else found.usd_per_hour

    def at_ratio(self, load: Traffic, ratio: float) -> RatioPoint:
        """Return costs at a prompt:output ratio with as many tokens in all."""
        total = load.input_tokens + load.output_tokens
        output = max(1, round(total / (1 + ratio)))
        other = _with_lengths(load, max(1, total - output), output)
        prefill, decode, _ = self._roles(other)
        both = self._usd_per_request(self._both(other))
        apart = self._split_usd_per_request(prefill, decode)
        return RatioPoint(
            input_tokens=other.input_tokens,
            output_tokens=other.output_tokens,
            aggregated_usd_per_million_tokens=None if both is None else both * 1e6 / total,
            split_usd_per_million_tokens=None if apart is None else apart * 1e6 / total,
        )

    def _demand(self, rps: float) -> float:
        return rps * self.settings.headroom

    def _transfer(self, load: Traffic) -> Transfer:
        return transfer(
            self.model,
            kv_precision=self.workload.kv_precision or Precision.BF16,
            prompt_tokens=load.input_tokens,
            link_gbit_per_s=self.link_gbit_per_s,
        )

    def _trusted(self, shapes: Iterable[object]) -> list[ReplicaShape]:
        lowest = GRADES.index(self.settings.lowest_grade)
        return [
            shape
            for shape in shapes
            if isinstance(shape, ReplicaShape) and GRADES.index(shape.grade) <= lowest
        ]

    def _cards(self) -> list[Gpu]:
        return [self.catalog.gpu(name) for name in self.gpus]

    def _both(self, load: Traffic) -> list[Role]:
        shapes = replica_shapes(
            self.model,
            self._cards(),
            traffic=load,
            precisions=self.wanted,
            max_gpus=MOST_GPUS_PER_REPLICA,
            kv_precision=self.workload.kv_precision,
        )
        return [Role(shape=s, capacity_rps=s.capacity_rps) for s in self._trusted(shapes)]

    def _roles(self, load: Traffic) -> tuple[list[Role], list[Role], dict[str, float]]:
        """Return prefill and decode roles, and the prefill time of a prompt by shape."""
        decode = self._decode(load)
        prefills = self._prefills(load)
        if not decode:
            return [], [], {}
        move_s = self._transfer(load).seconds
        # The slowest first step of all keeps the two choices independent, on the safe side.
        first_s = max(role.shape.ttft_ms.expected for role in decode) / 1e3
        roles = []
        for replica in prefills:
            slack_s = load.ttft_ms / 1e3 - replica.prompt_s - move_s - first_s
            capacity = replica.capacity_rps(slack_s=slack_s, transfer_s=move_s)
            if capacity is not None:
                roles.append(Role(shape=replica.shape, capacity_rps=capacity))
        return roles, decode, {p.shape.key: p.prompt_s for p in prefills}

    def _decode(self, load: Traffic) -> list[Role]:
        shapes = decode_replicas(
            self.model,
            self._cards(),
            traffic=load,
            precisions=self.wanted,
            max_gpus=MOST_GPUS_PER_REPLICA,
            kv_precision=self.workload.kv_precision,
        )
        return [Role(shape=s, capacity_rps=s.capacity_rps) for s in self._trusted(shapes)]

    def _prefills(self, load: Traffic) -> list[PrefillReplica]:
        found = [
            replica
            for replica in prefill_replicas(
                self.model,
                self._cards(),
                traffic=load,
                precisions=self.wanted,
                max_gpus=MOST_GPUS_PER_REPLICA,
                kv_precision=self.workload.kv_precision,
            )
            if isinstance(replica, PrefillReplica)
        ]
        trusted = {shape.key for shape in self._trusted(replica.shape for replica in found)}
        return [replica for replica in found if replica.shape.key in trusted]

    def _usd_per_request(
        self, roles: Sequence[Role], site: tuple[str, str] | None = None
    ) -> float | None:
        """Return the least cost of one request when GPUs can be bought in fractions."""
        prices = self._usd_per_gpu_hour(site)
        costs = [
            prices[role.shape.gpu] * role.shape.gpus / (role.capacity_rps.low * SECONDS_PER_HOUR)
            for role in roles
            if role.shape.gpu in prices
        ]
        return min(costs, default=None)

    def _split_usd_per_request(
        self, prefill: Sequence[Role], decode: Sequence[Role]
    ) -> float | None:
        costs = []
        for site in sorted({(offer.provider, offer.region) for offer in self.offers}):
            first = self._usd_per_request(prefill, site)
            then = self._usd_per_request(decode, site)
            if first is not None and then is not None:
                costs.append(first + then)
        return min(costs, default=None)

    def _usd_per_gpu_hour(self, site: tuple[str, str] | None) -> dict[str, float]:
        prices: dict[str, float] = {}
        for offer in self.offers:
            if site is None or (offer.provider, offer.region) == site:
                price = float(offer.usd_per_gpu_hour)
                prices[offer.gpu] = min(price, prices.get(offer.gpu, price))
        return prices


def cheapest_pool(
    roles: Sequence[Role], offers: Iterable[Offer], demand_rps: float
) -> PricedPool | None:
    """Return the cheapest whole nodes that hold a demand on the safe side of the estimate."""
    by_gpu: dict[str, list[Role]] = {}
    for role in roles:
        by_gpu.setdefault(role.shape.gpu, []).append(role)
    best: PricedPool | None = None
    for offer in offers:
        for role in by_gpu.get(offer.gpu, ()):
            pool = _pool(role, offer, demand_rps)
            if pool is not None and (best is None or pool.usd_per_hour < best.usd_per_hour):
                best = pool
    return best


def _pool(role: Role, offer: Offer, demand_rps: float) -> PricedPool | None:
    per_node = offer.gpus_per_node // role.shape.gpus
    if per_node == 0:
        return None
    replicas = math.ceil(demand_rps / role.capacity_rps.low)
    return PricedPool(
        role=role,
        offer=offer,
        replicas=replicas,
        nodes=math.ceil(replicas / per_node),
        demand_rps=demand_rps,
    )


def _with_lengths(load: Traffic, input_tokens: int, output_tokens: int) -> Traffic:
    return replace(load, input_tokens=input_tokens, output_tokens=output_tokens)
