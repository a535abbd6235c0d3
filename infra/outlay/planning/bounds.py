"""Leave out offers that cannot be part of any plan as cheap as one that is already known.

A few small knapsacks give both sides. The known plan is simple: each workload on nodes of one kind,
and on another kind outside their failure domain for what must stay (an upper bound). For each
offer, every plan that buys a node of it costs at least its site's fixed cost, its nodes, and the
cheapest cover of what they leave, where no domain covers its own loss (a lower bound). An offer
whose lower bound is above the known plan is left out; no cheapest plan changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from outlay.catalog import Market
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.candidates import Candidate, Option
from outlay.planning.domains import NO_DOMAIN, domain
from outlay.planning.sites import Site
from outlay.settings import Settings, SurviveDomain

# Capacity is counted in shares of the demand; finer steps give tighter bounds for more time.
STEPS = 48
ROUNDING = 1e-9
SLACK_USD_PER_HOUR = 1e-4
# From so many nodes on, their own price alone is bound enough.
MANY_NODES = 8


def within_reach(sites: Sequence[Site], settings: Settings) -> tuple[Site, ...]:
    """Return the sites with only the offers that a cheapest plan can use."""
    places = [_place(site, settings) for site in sites]
    known_usd = _known_plan(places, settings)
    if not math.isfinite(known_usd):
        return tuple(sites)
    reach = _Reach(places, settings)
    slim = (replace(p.site, candidates=reach.below(known_usd, p)) for p in places)
    return tuple(site for site in slim if site.candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """One node of an offer, with the most requests/s of each workload that it can hold alone."""

    candidate: Candidate
    usd: float
    rps: tuple[float, ...]
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A piece of capacity for one workload at a price: a node, or a share of one."""

    usd: float
    rps: float
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One site: its fixed cost with one router, and with one for each workload; its nodes."""

    site: Site
    fixed_usd: float
    full_usd: float
    nodes: tuple[_Node, ...]


def _place(site: Site, settings: Settings) -> _Place:
    # Where routers may stand beside engines, the least is no CPU node at all.
    beside_engines = site.provider in ROUTERS_ON_GPU_NODES
    full = site.fixed_usd_per_hour(routers=len(settings.workloads))
    return _Place(
        site=site,
        fixed_usd=float(site.fixed_usd_per_hour(routers=0 if beside_engines else 1)),
        full_usd=float(full + sum(site.egress_usd_per_hour, Decimal(0))),
        nodes=tuple(_node(candidate, settings) for candidate in site.candidates),
    )


def _node(candidate: Candidate, settings: Settings) -> _Node:
    return _Node(
        candidate=candidate,
        usd=float(candidate.usd_per_hour),
        rps=tuple(
            max((o.shape.capacity_rps.low / o.shape.gpus for o in options), default=0.0)
            * candidate.offer.gpus_per_node
            for options in _by_workload(candidate, len(settings.workloads))
        ),
        domain=domain(candidate.offer, settings),
    )


def _by_workload(candidate: Candidate, workloads: int) -> Iterator[list[Option]]:
    for workload in range(workloads):
        yield [option for option in candidate.options if option.workload == workload]


class _Cover:
    """The least cost to reach any capacity up to the demand with parts of a set."""

    def __init__(self, parts: Iterable[_Part], unit_rps: float) -> None:
        self._unit_rps = unit_rps
        cheapest: dict[int, float] = {}
        for part in parts:
            steps = min(STEPS, math.ceil(part.rps / unit_rps - ROUNDING))
            cheapest[steps] = min(part.usd, cheapest.get(steps, math.inf))
        sizes = list(cheapest.items())
        self._costs = [0.0]
        for need in range(1, STEPS + 1):
            reached = (usd + self._costs[max(0, need - steps)] for steps, usd in sizes)
            self._costs.append(min(reached, default=math.inf))

    def usd(self, rps: float) -> float:
        """Return a lower bound on the cost of a capacity; infinite when it cannot be reached."""
        return self._costs[max(0, min(STEPS, math.ceil(rps / self._unit_rps - ROUNDING)))]


@dataclass(frozen=True, slots=True)
class _Covers:
    """Covers of one workload with all parts, and with all but those of one domain."""

    whole: _Cover
    without: dict[str, _Cover]

    @classmethod
    def of(cls, parts: Sequence[_Part], unit_rps: float) -> _Covers:
        lost = {part.domain for part in parts if part.domain != NO_DOMAIN}
        return cls(
            _Cover(parts, unit_rps),
            {d: _Cover((p for p in parts if p.domain != d), unit_rps) for d in lost},
        )

    def usd(self, *, lost: str, rps: float) -> float:
        return self.without.get(lost, self.whole).usd(rps) if rps > 0 else 0.0


class _Reach:
    """Lower bounds for every offer."""

    def __init__(self, places: Sequence[_Place], settings: Settings) -> None:
        self._demands = [w.target_rps * settings.headroom for w in settings.workloads]
        self._needed = [w.target_rps * settings.survive_fraction for w in settings.workloads]
        self._fixed_usd = min(place.fixed_usd for place in places)
        self._anywhere = self._covers([node for place in places for node in place.nodes])

    def below(self, known_usd: float, place: _Place) -> tuple[Candidate, ...]:
        """Return the candidates of a site whose lower bound is not above the known plan."""
        here = self._covers(place.nodes)
        limit = known_usd + SLACK_USD_PER_HOUR
        return tuple(n.candidate for n in place.nodes if self._least_usd(n, place, here) <= limit)

    def _covers(self, nodes: Sequence[_Node]) -> list[_Covers]:
        return [
            _Covers.of([p for n in nodes for p in self._parts(n, workload)], demand / STEPS)
            for workload, demand in enumerate(self._demands)
        ]

    def _parts(self, node: _Node, workload: int) -> Iterator[_Part]:
        """What the node offers a workload: itself, or shares where workloads may share it."""
        if node.rps[workload] <= 0:
            return
        if len(self._demands) == 1:
            yield _Part(usd=node.usd, rps=node.rps[0], domain=node.domain)
            return
        gpus = node.candidate.offer.gpus_per_node
        for option in node.candidate.options:
            if option.workload == workload:
                usd = node.usd * option.shape.gpus / gpus
                yield _Part(usd=usd, rps=option.shape.capacity_rps.low, domain=node.domain)

    def _least_usd(self, node: _Node, place: _Place, here: list[_Covers]) -> float:
        few = (
            count * node.usd + self._rest_usd(node, count, here) for count in range(1, MANY_NODES)
        )
        return place.fixed_usd + min(*few, MANY_NODES * node.usd)

    def _rest_usd(self, node: _Node, count: int, here: list[_Covers]) -> float:
        """All in the same site, or some of it elsewhere for the price of one more cluster."""
        same = [self._cover_usd(node, count, workload, here) for workload in range(len(here))]
        other = [
            self._cover_usd(node, count, workload, self._anywhere) for workload in range(len(here))
        ]
        mixed = sum(min(pair) for pair in zip(same, other, strict=True))
        return min(sum(same), self._fixed_usd + mixed)

    def _cover_usd(self, node: _Node, count: int, workload: int, covers: list[_Covers]) -> float:
        left = self._demands[workload] - count * node.rps[workload]
        cost = covers[workload].usd(lost=NO_DOMAIN, rps=left)
        if node.domain == NO_DOMAIN:
            return cost
        kept = covers[workload].usd(lost=node.domain, rps=self._needed[workload])
        return max(cost, kept)


def _known_plan(places: Sequence[_Place], settings: Settings) -> float:
    """Return the cost of the cheapest simple plan, infinite when there is none."""
    if settings.survive_domain in (SurviveDomain.REGION, SurviveDomain.PROVIDER):
        pairs = product(places, places)
        return min((_pair_usd(one, other, settings) for one, other in pairs), default=math.inf)
    return min((place.full_usd + _site_usd(place, settings) for place in places), default=math.inf)


def _site_usd(place: _Place, settings: Settings) -> float:
    return sum(
        min((_kept_usd(n, place, workload, settings) for n in place.nodes), default=math.inf)
        for workload in range(len(settings.workloads))
    )


def _kept_usd(node: _Node, place: _Place, workload: int, settings: Settings) -> float:
    """One kind of node for the demand, another outside its domain for what must stay."""
    asked = settings.workloads[workload]
    cost = _alone_usd(node, workload, asked.target_rps * settings.headroom, settings)
    if node.domain == NO_DOMAIN or not math.isfinite(cost):
        return cost
    stays = asked.target_rps * settings.survive_fraction
    others = (n for n in place.nodes if n.domain != node.domain)
    return cost + min((_alone_usd(n, workload, stays, settings) for n in others), default=math.inf)


def _pair_usd(one: _Place, other: _Place, settings: Settings) -> float:
    """The demand in one domain, what must stay of it in another."""
    if not one.nodes or not other.nodes or one.nodes[0].domain == other.nodes[0].domain:
        return math.inf
    cost = one.full_usd + other.full_usd
    for workload, asked in enumerate(settings.workloads):
        stays = asked.target_rps * settings.survive_fraction
        cost += _cheapest_usd(one, workload, asked.target_rps * settings.headroom, settings)
        cost += _cheapest_usd(other, workload, stays, settings)
    return cost


def _cheapest_usd(place: _Place, workload: int, rps: float, settings: Settings) -> float:
    return min((_alone_usd(n, workload, rps, settings) for n in place.nodes), default=math.inf)


def _alone_usd(node: _Node, workload: int, rps: float, settings: Settings) -> float:
    """Cost of a capacity with one kind of node, each filled with its best whole replicas.

    Infinite for spot where it may not be all, or where routers need a node that stays.
    """
    offer = node.candidate.offer
    needs_others = settings.max_spot_share < 1 or offer.provider in ROUTERS_ON_GPU_NODES
    if offer.market is Market.SPOT and needs_others:
        return math.inf
    whole = max(
        (
            o.shape.capacity_rps.low * (offer.gpus_per_node // o.shape.gpus)
            for o in node.candidate.options
            if o.workload == workload
        ),
        default=0.0,
    )
    return node.usd * math.ceil(rps / whole - ROUNDING) if whole > 0 else math.inf
