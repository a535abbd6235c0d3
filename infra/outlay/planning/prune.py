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
    """Return the sites and offers that can be part of a cheapest plan."""
    survive = settings.survive_domain
    spot_domains = DOMAINS_PER_PLAN if survive is SurviveDomain.SPOT else 1
    slim = [_prune_offers(site, spot_domains=spot_domains) for site in sites]
    alone = survive in (SurviveDomain.NONE, SurviveDomain.PROVIDER)
    rivals = 1 if alone else DOMAINS_PER_PLAN
    return tuple(s for s in slim if sum(_beats_site(r, s) for r in slim) < rivals)


def _prune_offers(site: Site, *, spot_domains: int) -> Site:
    field = site.candidates
    kept = tuple(c for c in field if not _is_beaten(c, field, spot_domains))
    return replace(site, candidates=kept)


def _is_beaten(candidate: Candidate, field: Sequence[Candidate], spot_domains: int) -> bool:
    """Whether rivals of the same GPU, or of enough other GPUs, make the candidate pointless."""
    domains = spot_domains if candidate.offer.market is Market.SPOT else 1
    gpus = {rival.offer.gpu for rival in field if _beats(rival, candidate)}
    return candidate.offer.gpu in gpus or len(gpus) >= domains


def _beats(rival: Candidate, candidate: Candidate) -> bool:
    """Whether nodes of the rival hold whatever the candidate's node holds, for no more money."""
    one, other = rival.offer, candidate.offer
    if one.market is not other.market or one.key == other.key:
        return False
    nodes = -(-other.gpus_per_node // one.gpus_per_node)
    if one.gpus_per_node * nodes % other.gpus_per_node and one.gpus_per_node < other.gpus_per_node:
        return False
    if not all(_holds(rival, option) for option in candidate.options):
        return False
    return _is_cheaper(rival.usd_per_hour * nodes, candidate.usd_per_hour, one.key, other.key)


def _holds(rival: Candidate, option: Option) -> bool:
    """Whether the rival can run the option's workload on as few GPUs with as much safe capacity."""
    return any(
        own.workload == option.workload
        and own.shape.gpus <= option.shape.gpus
        and own.shape.capacity_rps.low >= option.shape.capacity_rps.low
        for own in rival.options
    )


def _beats_site(rival: Site, site: Site) -> bool:
    if rival.provider != site.provider or rival.key == site.key:
        return False
    offers = {(c.offer.instance_type, c.offer.market): c.usd_per_hour for c in rival.candidates}
    for candidate in site.candidates:
        price = offers.get((candidate.offer.instance_type, candidate.offer.market))
        if price is None or price > candidate.usd_per_hour:
            return False
    return _is_cheaper(_standing(rival), _standing(site), rival.key, site.key) and all(
        ours <= theirs
        for ours, theirs in zip(rival.egress_usd_per_hour, site.egress_usd_per_hour, strict=True)
    )


def _standing(site: Site) -> Decimal:
    cpu = min((choice.usd_per_hour for choice in site.cpu_choices), default=Decimal(0))
    return cpu + sum((line.usd_per_hour for line in site.standing), Decimal(0))


def _is_cheaper(ours: Decimal, theirs: Decimal, our_key: str, their_key: str) -> bool:
    return ours < theirs or (ours == theirs and our_key < their_key)
