"""Expected availability and cost of a plan with spot nodes. docs/spot.md states the model.

A spot node is interrupted at a hazard, and capacity can be had for a share of the time; both are the
means of a prior updated by the user's own events. Spot nodes of one GPU type in a region go together,
and so, less often, do all spot nodes of a region; regions are independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from outlay.catalog import Catalog, Market
from outlay.catalog.spot_priors import load_spot_priors, prior_of
from outlay.planning.plan import Plan, Pool, Served, SpotPool, SpotRisk, Workload
from outlay.planning.ready import WHOLE, Distribution, all_or_none, nodes, served, together, whole
from outlay.planning.spot_events import SpotEvents, load_spot_events
from outlay.pricing.rates import Rates
from outlay.settings import Settings

# Correlation of the availability of zones of one region (public spot traces: AWS, nine zones, 45 days).
REGION_CORRELATION = 0.43


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How spot nodes of one GPU type behave in one region: means of the posterior."""

    hazard_per_hour: float
    available_share: float
    cold_start_hours: float
    own_hours: float
    own_launches: int

    @property
    def up_share(self) -> float:
        """Share of the time in which a node that can be had is not starting."""
        return 1 / (1 + self.hazard_per_hour * self.cold_start_hours)

    @property
    def ready_share(self) -> float:
        """Share of the time in which a planned node serves."""
        return self.available_share * self.up_share

    @property
    def common_share(self) -> float:
        """Share of the time in which the whole region has none, so that zones correlate as measured."""
        gone = REGION_CORRELATION * (1 - self.available_share)
        return gone / (self.available_share + gone)


def behaviour(pool: Pool, events: Iterable[SpotEvents]) -> Behaviour:
    """Return what to expect of a pool's spot nodes: conjugate updates of both priors."""
    prior = prior_of(load_spot_priors(), provider=pool.provider, gpu=pool.gpu)
    own = [e for e in events if e.concern(provider=pool.provider, region=pool.region, gpu=pool.gpu)]
    hours, launches = sum(e.instance_hours for e in own), sum(e.launches for e in own)
    interruptions = prior.interruptions + sum(e.interruptions for e in own)
    launched = prior.launched + launches - sum(e.failed_launches for e in own)
    return Behaviour(
        hazard_per_hour=interruptions / (prior.instance_hours + hours),
        available_share=launched / (prior.launches + launches),
        cold_start_hours=prior.cold_start_hours,
        own_hours=hours,
        own_launches=launches,
    )


def with_spot_risk(plan: Plan, settings: Settings, catalog: Catalog) -> Plan:
    """Return the plan with its risk filled in, learnt from the files that the settings name.

    Raises:
        InputError: as load_spot_events.
    """
    events = load_spot_events(settings.spot_events, catalog)
    return replace(plan, spot_risk=spot_risk(plan, catalog, events))


def spot_risk(plan: Plan, catalog: Catalog, events: Sequence[SpotEvents] = ()) -> SpotRisk:
    """Return what a plan serves and costs in expectation."""
    spot = [(pool, behaviour(pool, events)) for pool in plan.pools if pool.market is Market.SPOT]
    shares = tuple(_served(plan, workload, _regional(spot)) for workload in plan.workloads)
    missing = [pool.usd_per_hour * _exact(1 - b.available_share) for pool, b in spot]
    fallback = _fallback_usd(spot, Rates(catalog))
    expected = plan.usd_per_hour - sum(missing, Decimal(0))
    replaced = tuple(_served(plan, w, _replaced(spot)) for w in plan.workloads)
    return SpotRisk(
        pools=tuple(_spot_pool(pool, b, catalog) for pool, b in spot),
        served=shares,
        share=_mean(plan, shares),
        usd_per_hour=expected,
        fallback_usd_per_hour=None if fallback is None else expected + fallback,
        fallback_share=None if fallback is None else _mean(plan, replaced),
    )


def _exact(share: float) -> Decimal:
    return Decimal(repr(round(share, 12)))


def _mean(plan: Plan, shares: Iterable[Served]) -> float:
    """The share of all requests that are served."""
    rates = [float(w.mean_rps) for w in plan.workloads]
    return sum(s.share * rps for s, rps in zip(shares, rates, strict=True)) / sum(rates)


def _spot_pool(pool: Pool, found: Behaviour, catalog: Catalog) -> SpotPool:
    is_aws = pool.provider == "aws"
    return SpotPool(
        pool=pool.name,
        cluster=pool.cluster,
        hazard_per_hour=found.hazard_per_hour,
        available_share=found.available_share,
        ready_share=found.ready_share,
        usd_per_useful_hour=pool.usd_per_node_hour / _exact(found.up_share),
        own_hours=found.own_hours,
        own_launches=found.own_launches,
        bucket=catalog.interruption_bucket(pool.region, pool.instance_type) if is_aws else None,
    )


def without_ondemand(plan: Plan, catalog: Catalog) -> tuple[Pool, ...]:
    """Return the spot pools whose machines have no on-demand price in their region."""
    rates = Rates(catalog)
    spot = (pool for pool in plan.pools if pool.market is Market.SPOT)
    return tuple(pool for pool in spot if _listed_usd(pool, rates) is None)


def _listed_usd(pool: Pool, rates: Rates) -> Decimal | None:
    listed = rates.gpu_offer(
        provider=pool.provider,
        region=pool.region,
        instance_type=pool.instance_type,
        market=Market.ON_DEMAND,
    )
    return listed.usd_per_hour if listed else None


def _fallback_usd(spot: Iterable[tuple[Pool, Behaviour]], rates: Rates) -> Decimal | None:
    """On-demand nodes for all that are missing, by the hour; None where one has no price."""
    total = Decimal(0)
    for pool, found in spot:
        listed = _listed_usd(pool, rates)
        if listed is None:
            return None
        total += listed * pool.mean_nodes * _exact(1 - found.ready_share)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Spot nodes of one GPU type in a region: up together for a share, then each ready for a share."""

    pools: tuple[Pool, ...]
    up: float
    ready: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    """All spot nodes of a region, and the share of the time in which it has any."""

    up: float
    groups: tuple[_Group, ...]


def _place(pair: tuple[Pool, Behaviour]) -> tuple[str, str]:
    return pair[0].provider, pair[0].region


def _gpu(pair: tuple[Pool, Behaviour]) -> str:
    return pair[0].gpu


def _regional(spot: Sequence[tuple[Pool, Behaviour]]) -> list[_Region]:
    regions: list[_Region] = []
    for _, inside in groupby(sorted(spot, key=lambda p: (*_place(p), _gpu(p))), key=_place):
        pairs = list(inside)
        # The region cannot be gone for longer than the GPU type that is there the longest.
        least = min(1 - b.available_share for _, b in pairs)
        gone = min(max(b.common_share for _, b in pairs), least)
        groups = [list(group) for _, group in groupby(pairs, key=_gpu)]
        regions.append(_Region(up=1 - gone, groups=tuple(_group(group, gone) for group in groups)))
    return regions


def _group(pairs: list[tuple[Pool, Behaviour]], gone: float) -> _Group:
    found = pairs[0][1]
    return _Group(
        pools=tuple(pool for pool, _ in pairs),
        up=min(1.0, found.available_share / (1 - gone)),
        ready=found.up_share,
    )


def _replaced(spot: Sequence[tuple[Pool, Behaviour]]) -> list[_Region]:
    """The same with on-demand in place of what is missing: gone only while that starts.

    Every interruption counts as one of the whole region, which is the worst case.
    """
    return [
        _Region(
            up=min(b.up_share for _, b in pairs),
            groups=(_Group(pools=tuple(pool for pool, _ in pairs), up=1.0, ready=1.0),),
        )
        for pairs in (list(g) for _, g in groupby(sorted(spot, key=_place), key=_place))
    ]


def _served(plan: Plan, workload: Workload, regions: Iterable[_Region]) -> Served:
    capacity = together(
        all_or_none((_capacity(plan, workload, g) for g in region.groups), up=region.up)
        for region in regions
    )
    stays = [p for p in plan.pools if p.market is not Market.SPOT]
    certain = sum(_node_share(plan, workload, pool) * pool.nodes for pool in stays)
    kept = min(WHOLE, int(certain))
    return Served(
        workload=workload.name,
        share=served(capacity, certain=kept),
        whole_share=whole(capacity, certain=kept),
    )


def _capacity(plan: Plan, workload: Workload, group: _Group) -> Distribution:
    each = [(pool, _node_share(plan, workload, pool)) for pool in group.pools]
    return all_or_none(
        (nodes(pool.nodes, ready=group.ready, each=share) for pool, share in each if share),
        up=group.up,
    )


def _node_share(plan: Plan, workload: Workload, pool: Pool) -> float:
    """The share of the demand that one node carries, at the safe end of its capacity."""
    held = sum(
        p.shape.capacity_rps.low * p.replicas
        for p in plan.placements
        if (p.cluster, p.pool, p.workload) == (pool.cluster, pool.name, workload.name)
    )
    return held / pool.nodes / workload.target_rps * WHOLE
