"""Good ways to serve one workload: one kind of replica, or two that survive each other's loss.

A kind is a replica shape on an offer. Ways are only proposals: which of them are bought, on shared
nodes, is for `start.py`, and what is cheaper still for the program (`fleet.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outlay.catalog import Market
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.arrays import Bools, Floats, Ints
from outlay.planning.candidates import Candidate, Option
from outlay.planning.domains import NO_DOMAIN, domain
from outlay.planning.sites import Site
from outlay.settings import Settings

# The kinds that pairs are made of: the best few of each domain, then of all, by each measure.
KINDS_PER_DOMAIN = 3
KINDS_PER_MEASURE = 12
MOST_WAYS = 150
# Counts of the first kind of a pair that are tried one by one; beyond, only those that fill a need.
FEW_REPLICAS = 8
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Slot:
    """One offer among all: where it stands and what a node costs."""

    site: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Kinds:
    """All kinds of one workload, as columns: `slot` numbers the offer, `domain` -1 means none."""

    options: tuple[Option, ...]
    slot: Ints
    site: Ints
    domain: Ints
    gpus: Ints
    rps: Floats
    spot: Bools

    def only(self, chosen: Ints) -> Kinds:
        """Return some of the kinds."""
        return Kinds(
            options=tuple(self.options[int(i)] for i in chosen),
            slot=self.slot[chosen],
            site=self.site[chosen],
            domain=self.domain[chosen],
            gpus=self.gpus[chosen],
            rps=self.rps[chosen],
            spot=self.spot[chosen],
        )


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to serve one workload: kinds by number and replica counts, two columns each.

    A second count of 0 means that there is only one kind. `egress_usd` is what the answers cost.
    """

    kind: Ints
    count: Ints
    egress_usd: Floats


def slots(sites: Sequence[Site]) -> tuple[Slot, ...]:
    """Number all offers."""
    return tuple(
        Slot(i, candidate) for i, site in enumerate(sites) for candidate in site.candidates
    )


def kinds(
    offered: Sequence[Slot], sites: Sequence[Site], settings: Settings, workload: int
) -> Kinds:
    """Return the workload's kinds; spot only where its routers have a place to stay."""
    domains: dict[str, int] = {NO_DOMAIN: -1}
    rows: list[tuple[int, int, int, int, float, bool]] = []
    options: list[Option] = []
    for number, slot in enumerate(offered):
        offer, site = slot.candidate.offer, sites[slot.site]
        is_spot = offer.market is Market.SPOT
        if is_spot and (settings.max_spot_share <= 0 or not _routers_stay(site)):
            continue
        lost = domains.setdefault(domain(offer, settings), len(domains) - 1)
        for option in slot.candidate.options:
            if option.workload == workload:
                options.append(option)
                rps = option.shape.capacity_rps.low
                rows.append((number, slot.site, lost, option.shape.gpus, rps, is_spot))
    whole = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
    return Kinds(
        options=tuple(options),
        slot=whole[:, 0],
        site=whole[:, 1],
        domain=whole[:, 2],
        gpus=whole[:, 3],
        rps=np.array([row[4] for row in rows], dtype=np.float64),
        spot=np.array([row[5] for row in rows], dtype=np.bool_),
    )


def _routers_stay(site: Site) -> bool:
    return bool(site.cpu_choices) or site.provider not in ROUTERS_ON_GPU_NODES


@dataclass(frozen=True, slots=True)
class Need:
    """What one workload needs: capacity, what of it must survive, and what its answers cost."""

    rps: float
    kept_rps: float
    spot_share: float
    egress_usd: Floats


def ways(
    found: Kinds, among: Bools, need: Need, *, usd: Floats, gpus: Ints, fixed_usd: Floats
) -> Ways:
    """Return the cheapest ways by two measures: nodes bought for it alone, and shares of nodes.

    `among` says which kinds to use. `usd` and `gpus` are of one node by slot; `fixed_usd` of one
    cluster by site.
    """
    chosen = np.flatnonzero(among)
    chosen = chosen[_promising(found.only(chosen), need, usd, gpus)]
    small = found.only(chosen)
    kind, count = _pairs(small, need)
    slot, bought = used(small, kind, count)
    shared = (usd[slot] * bought / gpus[slot]).sum(1)
    alone = (usd[slot] * -(-bought // gpus[slot])).sum(1)
    site = small.site[kind]
    two = (site[:, 0] != site[:, 1]) & (count[:, 1] > 0)
    fixed = fixed_usd[site[:, 0]] + np.where(two, fixed_usd[site[:, 1]], 0.0)
    egress = _egress(small, kind, count, need)
    measures = (alone + fixed + egress, shared + fixed / 4 + egress)
    best = np.unique(np.concatenate([np.argsort(m, kind="stable")[:MOST_WAYS] for m in measures]))
    return Ways(chosen[kind[best]], count[best], egress[best])


def used(found: Kinds, kind: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Return the slots of each way and the GPUs it uses there; one slot twice counts in the first."""
    slot, gpus = found.slot[kind], found.gpus[kind] * count
    together = (slot[:, 0] == slot[:, 1])[:, None]
    return slot, np.where(together, np.stack([gpus.sum(1), 0 * gpus[:, 1]], 1), gpus)


def _promising(found: Kinds, need: Need, usd: Floats, gpus: Ints) -> Ints:
    """The best kinds for the whole need and for what must survive, on shared and on own nodes."""
    chosen: dict[int, None] = {}
    for rps in (need.rps, need.kept_rps):
        replicas = np.ceil(rps / found.rps - ROUNDING).clip(1)
        used = replicas * found.gpus
        shared = usd[found.slot] * used / gpus[found.slot]
        alone = usd[found.slot] * np.ceil(used / gpus[found.slot])
        for cost in (shared, alone):
            left = dict.fromkeys([int(d) for d in found.domain], KINDS_PER_DOMAIN)
            taken = 0
            for i in (int(i) for i in np.argsort(cost, kind="stable")):
                if left[int(found.domain[i])] and taken < KINDS_PER_MEASURE:
                    left[int(found.domain[i])] -= found.domain[i] >= 0
                    taken += 1
                    chosen[i] = None
    return np.array(sorted(chosen), dtype=np.int64)


def _pairs(found: Kinds, need: Need) -> tuple[Ints, Ints]:
    """Return all pairs of kinds with minimal counts, and all kinds that need no second."""
    few = np.arange(1, FEW_REPLICAS + 1)
    fills = [need.rps, need.kept_rps, need.rps - need.kept_rps, need.rps / 2]
    filling = [np.ceil(f / found.rps - ROUNDING) for f in fills]
    filling += [np.floor((need.rps - need.kept_rps) / found.rps), np.floor(need.rps / found.rps)]
    first = np.concatenate(
        [np.broadcast_to(few, (len(found.rps), FEW_REPLICAS)), np.stack(filling, 1)], 1
    ).clip(1)
    most = np.ceil(need.rps / found.rps - ROUNDING).clip(1)
    first = np.minimum(first, most[:, None])
    rows, columns = len(found.rps), first.shape[1]
    one = np.broadcast_to(np.arange(rows)[:, None, None], (rows, columns, rows))
    other = np.broadcast_to(np.arange(rows)[None, None, :], (rows, columns, rows))
    count = np.broadcast_to(first[:, :, None], (rows, columns, rows))
    held = count * found.rps[:, None, None]
    is_lost = (found.domain >= 0)[:, None, None]
    rest = np.maximum(need.rps - held, np.where(is_lost, need.kept_rps, 0.0))
    second = np.ceil(rest / found.rps[None, None, :] - ROUNDING).clip(0)
    total = held + second * found.rps
    on_spot = held * found.spot[:, None, None] + second * (found.rps * found.spot)
    apart = (found.domain[:, None, None] != found.domain) | ~is_lost
    other_lost = (found.domain >= 0)[None, None, :] & (second > 0)
    keeps = (
        apart
        & (~other_lost | (held >= need.kept_rps - ROUNDING))
        & (on_spot <= need.spot_share * total + ROUNDING)
        # A kind that needs no second is listed once.
        & ((second > 0) | (one == other))
    )
    kind = np.stack([one[keeps], other[keeps]], 1)
    return kind, np.stack([count[keeps], second[keeps]], 1).astype(np.int64)


def _egress(found: Kinds, kind: Ints, count: Ints, need: Need) -> Floats:
    """The cheaper site answers what it can."""
    usd = need.egress_usd[found.site[kind]]
    can = np.minimum(1.0, count * found.rps[kind] / need.rps)
    first_is_cheap = (usd[:, 0] <= usd[:, 1]) | (count[:, 1] == 0)
    share = np.where(first_is_cheap, can[:, 0], 1 - can[:, 1])
    result: Floats = share * usd[:, 0] + (1 - share) * usd[:, 1]
    return np.where(count[:, 1] == 0, usd[:, 0], result)
