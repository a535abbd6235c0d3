"""The planner's rules once more, by trying everything: slow, short and independent of the program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import ceil

from outlay.catalog import Catalog, Market
from outlay.planning.candidates import Candidate, Option, field
from outlay.planning.sites import Site, sites
from outlay.settings import Settings, SurviveDomain

SLACK = 1e-9


@dataclass(frozen=True)
class Replicas:
    """Some replicas of one shape on one offer."""

    site: Site
    candidate: Candidate
    option: Option
    count: int

    @property
    def rps(self) -> float:
        """Their safe capacity."""
        return self.option.shape.capacity_rps.low * self.count


def cheapest_usd_per_hour(settings: Settings, catalog: Catalog) -> Decimal | None:
    """Return the least cost of one workload over every combination of replicas, or None.

    Egress must be free (0 bytes per token).
    """
    possible, _ = sites(field(settings, catalog).candidates, settings, catalog)
    costs = [
        _cost(fleet, settings)
        for fleet in _fleets(possible, settings)
        if _keeps_promise(fleet, settings)
    ]
    return min(costs, default=None)


def _fleets(possible: tuple[Site, ...], settings: Settings) -> Iterator[list[Replicas]]:
    offered = [(s, c, option) for s in possible for c in s.candidates for option in c.options]
    enough = _enough_rps([(c, option) for _, c, option in offered], settings)
    choices = [
        [
            Replicas(site, candidate, option, count)
            for count in range(
                ceil(enough[candidate.offer.market] / option.shape.capacity_rps.low) + 1
            )
        ]
        for site, candidate, option in offered
    ]
    for fleet in product(*choices):
        yield [replicas for replicas in fleet if replicas.count]


def _enough_rps(offered: list[tuple[Candidate, Option]], settings: Settings) -> dict[Market, float]:
    """The demand; on demand also the share beside the spot that must stay elsewhere."""
    demand, share = settings.workloads[0].target_rps, settings.max_spot_share
    spot = [o.shape.capacity_rps.low for c, o in offered if c.offer.market is Market.SPOT]
    beside = 0.0
    if spot and share > 0 and settings.survive_domain in ("region", "provider"):
        beside = (1 - share) / share * (settings.survive_fraction * demand + max(spot))
    return {Market.SPOT: demand, Market.ON_DEMAND: max(demand, beside)}


def _keeps_promise(fleet: list[Replicas], settings: Settings) -> bool:
    demand = settings.workloads[0].target_rps
    total = sum(r.rps for r in fleet)
    spot = sum(r.rps for r in fleet if r.candidate.offer.market is Market.SPOT)
    if total < demand - SLACK or spot > settings.max_spot_share * total + SLACK:
        return False
    domains = {d for r in fleet if (d := _domain(r.candidate, settings))}
    needed = settings.survive_fraction * demand
    return all(
        sum(r.rps for r in fleet if _domain(r.candidate, settings) != lost) >= needed - SLACK
        for lost in domains
    )


def _domain(candidate: Candidate, settings: Settings) -> str:
    offer = candidate.offer
    match settings.survive_domain:
        case SurviveDomain.SPOT:
            return f"{offer.region}/{offer.gpu}" if offer.market is Market.SPOT else ""
        case SurviveDomain.REGION:
            return offer.region
        case SurviveDomain.PROVIDER:
            return offer.provider
        case SurviveDomain.NONE:
            return ""


def _cost(fleet: list[Replicas], settings: Settings) -> Decimal:
    """Nodes by the hour of the profile, in which each kind of replica shrinks alike, and clusters."""
    candidates = {r.candidate.offer.key: r.candidate for r in fleet}
    profile = settings.workloads[0].profile
    spans = [(p.to_hour - p.from_hour, p.share) for p in profile] or [(1, 1.0)]
    nodes = Decimal(0)
    for hours, share in spans:
        gpus: dict[str, int] = defaultdict(int)
        for r in fleet:
            left = max(1, ceil(Decimal(repr(share)) * r.count))
            gpus[r.candidate.offer.key] += r.option.shape.gpus * left
        for key, c in candidates.items():
            nodes += hours * c.usd_per_hour * ceil(gpus[key] / c.offer.gpus_per_node)
    opened = {r.site.key: r.site for r in fleet}
    standing = (
        sum((line.usd_per_hour for line in site.standing), Decimal(0))
        + min(choice.usd_per_hour for choice in site.cpu_choices)
        for site in opened.values()
    )
    return nodes / sum(hours for hours, _ in spans) + sum(standing, Decimal(0))
