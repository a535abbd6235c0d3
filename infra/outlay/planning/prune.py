"""Drop offers and sites that no cheapest plan needs, so that the program stays small.

An offer is beaten by another of the same market in the same site when nodes of the other hold the
same replicas, or better ones, for no more money. A site is beaten by another of the same provider
when all its offers can be had there for no more money. Where survival asks for several failure
domains, what is beaten by fewer rivals than a plan has domains may still be wanted: it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from outlay.catalog import Market
from outlay.planning.candidates import Candidate, Option
from outlay.planning.sites import Site
from outlay.settings import Settings, SurviveDomain

# Exact for plans that use up to three clusters of one provider, and three spot GPU types of one site.
DOMAINS_PER_PLAN = 3


def prune(sites: Sequence[Site], settings: Settings) -> tuple[Site, ...]:
    """Return the sites and offers that can be part of a cheapest plan.

    Under quotas everything can: what is better may be used up.
    """
    if settings.quotas:
        return tuple(sites)
    survive = settings.survive_domain
    spot_domains = DOMAINS_PER_PLAN if survive is SurviveDomain.SPOT else 1
    share_is_tight = 0 < settings.max_spot_share < 1
    slim = [
        _prune_offers(site, spot_domains=spot_domains, spot_must_match=share_is_tight)
        for site in sites
    ]
    alone = survive in (SurviveDomain.NONE, SurviveDomain.PROVIDER)
    rivals = 1 if alone else DOMAINS_PER_PLAN
    return tuple(s for s in slim if sum(_beats_site(r, s) for r in slim) < rivals)


def _prune_offers(site: Site, *, spot_domains: int, spot_must_match: bool) -> Site:
    by_cost = sorted(site.candidates, key=lambda c: (c.usd_per_hour, c.offer.key))

    def is_beaten(candidate: Candidate) -> bool:
        """Whether rivals of the same GPU, or of enough other GPUs, make the candidate pointless."""
        is_spot = candidate.offer.market is Market.SPOT
        # Under a largest spot share more capacity on spot may be too much: only the same will do.
        exactly = is_spot and spot_must_match
        gpus: set[str] = set()
        for rival in by_cost:
            if rival is candidate:
                return False  # what follows is dearer
            if rival.offer.gpu not in gpus and _beats(rival, candidate, exactly=exactly):
                gpus.add(rival.offer.gpu)
                if candidate.offer.gpu in gpus or len(gpus) >= (spot_domains if is_spot else 1):
                    return True
        return False

    return replace(site, candidates=tuple(c for c in site.candidates if not is_beaten(c)))


def _beats(rival: Candidate, candidate: Candidate, *, exactly: bool) -> bool:
    """Whether nodes of a rival that comes first by cost hold what the candidate's node holds."""
    one, other = rival.offer, candidate.offer
    if one.market is not other.market:
        return False
    nodes = -(-other.gpus_per_node // one.gpus_per_node)
    if one.gpus_per_node * nodes % other.gpus_per_node and one.gpus_per_node < other.gpus_per_node:
        return False
    if nodes > 1 and not _is_cheaper(
        rival.usd_per_hour * nodes, candidate.usd_per_hour, one.key, other.key
    ):
        return False
    return all(_holds(rival, option, exactly=exactly) for option in candidate.options)


def _holds(rival: Candidate, option: Option, *, exactly: bool) -> bool:
    """Whether the rival can run the workload on as few GPUs with at least, or just, the capacity."""
    needed_rps = option.shape.capacity_rps.low
    return any(
        own.workload == option.workload
        and own.shape.gpus <= option.shape.gpus
        and own.shape.capacity_rps.low >= needed_rps
        and not (exactly and own.shape.capacity_rps.low > needed_rps)
        for own in rival.options
    )


def _beats_site(rival: Site, site: Site) -> bool:
    if rival.provider != site.provider or rival.key == site.key:
        return False
    if site.cpu_choices and not rival.cpu_choices:
        return False  # its routers need an engine that stays
    offers = {(c.offer.instance_type, c.offer.market): c.usd_per_hour for c in rival.candidates}
    for candidate in site.candidates:
        price = offers.get((candidate.offer.instance_type, candidate.offer.market))
        if price is None or price > candidate.usd_per_hour:
            return False
    return all(
        ours <= theirs for ours, theirs in zip(_costs(rival), _costs(site), strict=True)
    ) and _is_cheaper(_costs(rival)[0], _costs(site)[0], rival.key, site.key)


def _costs(site: Site) -> tuple[Decimal, ...]:
    """What a cluster costs with one router, with two, up to one a workload; then egress by workload."""
    egress = site.egress_usd_per_hour
    routers = range(1, len(egress) + 1)
    return (*(site.fixed_usd_per_hour(routers=count) for count in routers), *egress)


def _is_cheaper(ours: Decimal, theirs: Decimal, our_key: str, their_key: str) -> bool:
    return ours < theirs or (ours == theirs and our_key < their_key)
