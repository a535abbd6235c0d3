"""All offers as columns: what a node costs, how many GPUs it has, where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from outlay.catalog import Market, Offer
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.catalog.regions import matches
from outlay.planning.arrays import Bools, Floats, Ints
from outlay.planning.candidates import Candidate
from outlay.planning.domains import NO_DOMAIN, domain
from outlay.planning.sites import Site
from outlay.settings import QuotaSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Which slots it counts, and how many GPUs their nodes may have together."""

    counts: Bools
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """One row an offer, in the order of sites; a slot is a row's number.

    `domain` is -1 where nothing is lost together. `hosts_routers` marks nodes that stay and take routers
    beside engines. `first_usd` is the least cost of each site's cluster with one router.
    """

    sites: tuple[Site, ...]
    candidates: tuple[Candidate, ...]
    site: Ints
    domain: Ints
    usd: Floats
    gpus: Ints
    hosts_routers: Bools
    first_usd: Floats
    egress_usd: Floats
    quotas: tuple[Quota, ...]
    max_clusters: int


def offers(sites: Sequence[Site], settings: Settings) -> Offers:
    """Number the offers of all sites."""
    pairs = [(number, c) for number, site in enumerate(sites) for c in site.candidates]
    domains: dict[str, int] = {NO_DOMAIN: -1}
    lost = [domains.setdefault(domain(c.offer, settings), len(domains) - 1) for _, c in pairs]
    return Offers(
        sites=tuple(sites),
        candidates=tuple(c for _, c in pairs),
        site=np.array([number for number, _ in pairs], dtype=np.int64),
        domain=np.array(lost, dtype=np.int64),
        usd=np.array([float(c.usd_per_hour) for _, c in pairs]),
        gpus=np.array([c.offer.gpus_per_node for _, c in pairs], dtype=np.int64),
        hosts_routers=np.array([_hosts_routers(c) for _, c in pairs], dtype=np.bool_),
        first_usd=np.array([_first_usd(site) for site in sites]),
        egress_usd=np.array([[float(usd) for usd in site.egress_usd_per_hour] for site in sites]),
        quotas=tuple(quotas([c for _, c in pairs], settings)),
        max_clusters=settings.max_clusters or len(sites),
    )


def quotas(candidates: Sequence[Candidate], settings: Settings) -> Iterator[Quota]:
    """Yield the quotas of the settings over some offers."""
    for quota in settings.quotas:
        counts = [_counts(quota, candidate.offer) for candidate in candidates]
        yield Quota(counts=np.array(counts, dtype=np.bool_), gpus=quota.gpus)


def _counts(quota: QuotaSettings, offer: Offer) -> bool:
    return (
        offer.provider == quota.provider
        and quota.gpu in (None, offer.gpu)
        and quota.market in (None, offer.market)
        and (
            not quota.region or matches(quota.region, provider=offer.provider, region=offer.region)
        )
    )


def _hosts_routers(candidate: Candidate) -> bool:
    offer = candidate.offer
    return offer.provider in ROUTERS_ON_GPU_NODES and offer.market is Market.ON_DEMAND


def _first_usd(site: Site) -> float:
    # Where routers may stand beside engines, the least is no CPU node at all.
    beside_engines = site.provider in ROUTERS_ON_GPU_NODES
    return float(site.fixed_usd_per_hour(routers=0 if beside_engines else 1))
