"""The cheapest fleet for some sites: a good start, then a proof by lists of ways or by the whole program.

One workload is settled by one list: every way that costs no more than the start. Several share nodes, so
ways are priced (`search.py`). Where lists do not say all (a spot share that is neither nothing nor
everything, demands of hundreds of GPUs), the program over single replicas (`fleet.py`) decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from outlay.catalog import Market
from outlay.planning.assemble import paid_share
from outlay.planning.bounds import within_reach
from outlay.planning.candidates import Option
from outlay.planning.demand import Unit, periods, units
from outlay.planning.entries import Frontiers, options
from outlay.planning.fleet import BoughtNodes, Fleet, FleetProgram, OpenedSite
from outlay.planning.joint import Choice, Question, Way
from outlay.planning.listing import Need, TooManyWaysError, cheapest
from outlay.planning.market import Offers, offers
from outlay.planning.search import Search
from outlay.planning.sites import CpuChoice, Site
from outlay.planning.start import Start, good_start, shared_out
from outlay.settings import Settings, SurviveDomain

TIME_LIMIT_S = 20.0
# More steps of frontiers than that make lists too long.
MOST_STEPS = 500_000
SLACK_USD_PER_HOUR = 1e-6


def cheapest_fleet(sites: Sequence[Site], settings: Settings) -> Fleet | None:
    """Return the cheapest fleet with its proven gap, or None when no fleet keeps the promise.

    It is never dearer than the start: the best of one provider, and of the workloads apart.
    """
    if settings.max_spot_share == 0:
        sites = tuple(_without_spot(sites))
    if not sites or _loses_its_only_cluster(settings):
        return None
    start = good_start(sites, settings)
    found = _by_lists(sites, settings, start) if start else None
    if found is None:
        # What is within reach is so by a plan without limits.
        near = sites if settings.quotas or settings.max_clusters else within_reach(sites, settings)
        found = FleetProgram(near, settings).solve()
    if start is None or found is None:
        return start.fleet if start else found
    found_usd, start_usd = (_average_usd(fleet, settings) for fleet in (found, start.fleet))
    if found_usd <= start_usd:
        return found
    return replace(start.fleet, gap=max(0.0, 1 - found_usd * (1 - found.gap) / start_usd))


def _average_usd(fleet: Fleet, settings: Settings) -> float:
    """Cost of an average hour: nodes that a profile gives back are not paid."""
    saved = (
        bought.candidate.usd_per_hour * bought.nodes * (1 - paid_share(bought, settings))
        for opened in fleet.opened
        for bought in opened.bought
    )
    return float(fleet.all_usd_per_hour - sum(saved, Decimal(0)))


def _loses_its_only_cluster(settings: Settings) -> bool:
    is_wide = settings.survive_domain in (SurviveDomain.REGION, SurviveDomain.PROVIDER)
    return settings.max_clusters == 1 and is_wide and settings.survive_fraction > 0


def _by_lists(sites: Sequence[Site], settings: Settings, start: Start) -> Fleet | None:
    """Return the fleet that lists of ways prove, or None where they do not apply."""
    if 0 < settings.max_spot_share < 1:
        return None
    market = offers(sites, settings)
    asked = units(settings)
    week = periods(settings)
    # Over a day or week a fleet may be cheaper than at the highest demand, which the start is for.
    least = [_least_usd(market, unit) if len(week) == 1 else 0.0 for unit in asked]
    frontiers = tuple(
        Frontiers(
            market,
            unit.workload,
            needed_rps=unit.rps,
            # What is left for it when the others cost the least that they can.
            most_usd=start.usd - sum(least) + least[unit.workload],
            shares=[period.shares[unit.workload] for period in week],
        )
        for unit in asked
    )
    if not all(found.is_whole for found in frontiers):
        return None
    if sum(len(found.steps) for found in frontiers) > MOST_STEPS:
        return None
    question = Question(market, asked, frontiers, tuple(period.weight for period in week))
    if len(asked) == 1:
        return _single(question, settings, start)
    return _several(question, settings, start)


def _least_usd(market: Offers, unit: Unit) -> float:
    """Return a lower bound on what a unit's GPUs cost at their highest demand."""
    usd_per_rps = (
        usd / gpus * option.shape.gpus / option.shape.capacity_rps.low
        for candidate, usd, gpus in zip(
            market.candidates, market.usd.tolist(), market.gpus.tolist(), strict=True
        )
        for option in options(candidate, unit.workload)
    )
    return unit.rps * min(usd_per_rps, default=0.0)


def _without_spot(sites: Sequence[Site]) -> Iterator[Site]:
    for site in sites:
        stays = tuple(c for c in site.candidates if c.offer.market is not Market.SPOT)
        if stays:
            yield replace(site, candidates=stays)


def _single(question: Question, settings: Settings, start: Start) -> Fleet | None:
    """Look at every way that costs no more than the start; the cheapest is the optimum."""
    market, asked, found = question.offers, question.units[0], question.frontiers[0]
    usd = market.usd[found.slot] * (np.array(question.weights) @ found.nodes_in)
    known = [c for c in (_alone(question, w) for w in _steps(question, 0, start)) if c is not None]
    limit = min((c.usd for c in known), default=start.usd) + SLACK_USD_PER_HOUR
    entries, steps = found.entries(usd, below_usd=limit)
    need = Need(rps=asked.rps, kept_rps=asked.kept_rps)
    try:
        listed = cheapest(entries, need, market.first_usd, limit_usd=limit)
    except TooManyWaysError:
        return None
    ways = [tuple(int(steps[e]) for e in row if e >= 0) for row in listed.entries.tolist()]
    choices = [c for c in (_alone(question, way) for way in ways) if c is not None]
    choices = [choice for choice in choices if _is_within_limits(market, choice)]
    best = min(choices, key=_order, default=None)
    return None if best is None else _fleet(question, settings, best)


def _is_within_limits(market: Offers, choice: Choice) -> bool:
    """Whether the clusters are not too many and the nodes within all quotas."""
    gpus = np.zeros(len(market.gpus), dtype=np.int64)
    for (_, slot), nodes in choice.nodes.items():
        gpus[slot] = max(gpus[slot], nodes * market.gpus[slot])
    return len(choice.cpu_nodes) <= market.max_clusters and all(
        int(gpus[quota.counts].sum()) <= quota.gpus for quota in market.quotas
    )


def _order(choice: Choice) -> tuple[float, int, tuple[int, ...]]:
    """By cost; equals by fewer nodes, then by the order of offers."""
    nodes = sum(choice.nodes.values())
    slots = tuple(sorted({slot for _, slot in choice.nodes}))
    return round(choice.usd, 7), nodes, slots


def _alone(question: Question, way: Way) -> Choice | None:
    """Return a way as the only one, with what its clusters need; None where routers have no place."""
    market, found = question.offers, question.frontiers[0]
    nodes = {
        (period, int(found.slot[step])): int(found.nodes_in[period, step])
        for period in range(len(question.weights))
        for step in way
    }
    cpu: dict[int, tuple[int, ...]] = {}
    usd = question.egress_usd(0, way)
    for number in sorted({int(found.site[step]) for step in way}):
        site = market.sites[number]
        usd += float(site.standing_usd_per_hour)
        cpu[number] = (0,) * len(site.cpu_choices)
        here = sorted({slot for _, slot in nodes if market.site[slot] == number})
        if market.hosts_routers[here].any():
            continue
        hosts = np.flatnonzero(market.hosts_routers & (market.site == number))
        host = min(hosts.tolist(), key=lambda slot: market.usd[slot], default=None)
        choice = site.cpu_choices[0] if site.cpu_choices else None
        if choice is not None and (host is None or float(choice.usd_per_hour) <= market.usd[host]):
            cpu[number] = (1, *cpu[number][1:])
        elif host is not None:
            nodes.update({(period, host): 1 for period in range(len(question.weights))})
        else:
            return None
    usd += sum(
        float(market.usd[slot]) * count * question.weights[period]
        for (period, slot), count in nodes.items()
    )
    usd += sum(
        float(market.sites[n].cpu_choices[0].usd_per_hour)
        for n, counts in cpu.items()
        if any(counts)
    )
    return Choice(ways=(way,), nodes=nodes, cpu_nodes=cpu, usd=usd, gap=0.0)


def _several(question: Question, settings: Settings, start: Start) -> Fleet | None:
    ways = [_steps(question, unit, start) for unit in range(len(question.units))]
    choice = Search(question, ways).solve(known_usd=start.usd, time_limit_s=TIME_LIMIT_S)
    return None if choice is None else _fleet(question, settings, choice)


def _steps(question: Question, unit: int, start: Start) -> Iterator[Way]:
    """The start's ways as steps; those of which a part alone costs more than the start have none."""
    asked, found = question.units[unit], question.frontiers[unit]
    pairs = zip(found.slot.tolist(), found.gpus.tolist(), strict=True)
    numbers = {pair: number for number, pair in enumerate(pairs)}
    most = dict(numbers.keys())  # the last of a slot is its largest
    for uses in start.ways[asked.workload]:
        steps: list[int] = []
        for slot, gpus in uses:
            largest = numbers.get((slot, most.get(slot, 0)))
            if largest is None or (found.gpus[largest] < gpus and found.rps[largest] < asked.rps):
                break
            # More GPUs that hold no more are no step of their own.
            steps.append(next(numbers[slot, g] for g in range(gpus, 0, -1) if (slot, g) in numbers))
        else:
            yield tuple(steps)


def _fleet(question: Question, settings: Settings, choice: Choice) -> Fleet:
    market = question.offers
    placed: dict[int, dict[Option, int]] = defaultdict(dict)
    for unit, way in enumerate(choice.ways):
        found, workload = question.frontiers[unit], question.units[unit].workload
        for step in way:
            slot = int(found.slot[step])
            shapes = options(market.candidates[slot], workload)
            counts = found.steps[step].counts
            placed[slot].update((o, n) for o, n in zip(shapes, counts, strict=True) if n)
    opened = [
        OpenedSite(
            site=site,
            bought=tuple(_bought(market, number, choice, placed)),
            cpu_nodes=_cpu_nodes(site, choice.cpu_nodes.get(number, ())),
            shares=(0.0,) * len(settings.workloads),
        )
        for number, site in enumerate(market.sites)
    ]
    in_use = [site for site in opened if site.bought]
    return Fleet(opened=tuple(shared_out(in_use, settings)), gap=choice.gap)


def _bought(
    market: Offers, site: int, choice: Choice, placed: Mapping[int, Mapping[Option, int]]
) -> Iterator[BoughtNodes]:
    most: dict[int, int] = defaultdict(int)
    for (_, slot), nodes in choice.nodes.items():
        most[slot] = max(most[slot], nodes)
    for slot, nodes in sorted(most.items()):
        if nodes and market.site[slot] == site:
            candidate = market.candidates[slot]
            in_order = [
                (o, placed[slot][o]) for o in candidate.options if o in placed.get(slot, {})
            ]
            yield BoughtNodes(candidate=candidate, nodes=nodes, replicas=tuple(in_order))


def _cpu_nodes(site: Site, counts: Sequence[int]) -> tuple[tuple[CpuChoice, int], ...]:
    pairs = zip(site.cpu_choices, counts, strict=False)
    return tuple((choice, count) for choice, count in pairs if count)
