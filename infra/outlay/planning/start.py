"""A good fleet, soon: a way for each workload, chosen by local search over shared nodes and clusters.

Several searches start from different places: everything at once, each provider alone, and the
workloads apart. The best of what they find is never dearer than any of these, and is where the proof
(`solve.py`) starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from outlay.catalog import Market
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.arrays import Bools, Floats, Ints
from outlay.planning.candidates import Option
from outlay.planning.fleet import BoughtNodes, Fleet, OpenedSite
from outlay.planning.market import offers
from outlay.planning.sites import CpuChoice, Site
from outlay.planning.ways import Need, Ways, kinds, slots, used, ways
from outlay.settings import Settings

MOST_SWEEPS = 12
SAVING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The best fleet found, what it costs, and the ways that were looked at.

    A way is what it uses: GPUs of some slots. Those of the best fleet come first. The fleet's gap is 1:
    nothing is proven.
    """

    fleet: Fleet
    usd: float
    ways: tuple[tuple[tuple[tuple[int, int], ...], ...], ...]


def good_start(sites: Sequence[Site], settings: Settings) -> Start | None:
    """Return a good fleet that keeps every promise, or None when the search finds none."""
    search = _Search(sites, settings)
    best = min(search.choices(), key=lambda choice: choice.usd, default=None)
    if best is None:
        return None
    return Start(fleet=search.fleet(best), usd=best.usd, ways=tuple(search.ways(best)))


@dataclass(frozen=True, slots=True)
class _Choice:
    """One way for each workload, by number, and what all of it costs an hour."""

    ways: tuple[int, ...]
    usd: float


@dataclass(frozen=True, slots=True)
class _Columns:
    """The ways of one workload, and what each uses: GPUs by slot and sites, two columns each."""

    ways: Ways
    slot: Ints
    gpus: Ints
    site: Ints
    is_second_site: Ints


class _State:
    """What the chosen ways use: GPUs by slot, served workloads by site; -1 is no way yet."""

    def __init__(self, *, slots: int, sites: int, workloads: int) -> None:
        self.gpus: Ints = np.zeros(slots, dtype=np.int64)
        self.least_nodes: Ints = np.zeros(slots, dtype=np.int64)
        self.served: Ints = np.zeros(sites, dtype=np.int64)
        self.ways = [-1] * workloads

    def put(self, workload: int, columns: _Columns, way: int, *, sign: int = 1) -> None:
        """Add a workload's way, or take it back."""
        for k in (0, 1):
            self.gpus[columns.slot[way, k]] += sign * columns.gpus[way, k]
        self.served[columns.site[way, 0]] += sign
        self.served[columns.site[way, 1]] += sign * columns.is_second_site[way]
        self.ways[workload] = way if sign > 0 else -1


class _Search:
    def __init__(self, sites: Sequence[Site], settings: Settings) -> None:
        self._sites, self._settings = sites, settings
        self._slots = slots(sites)
        self._market = offers(sites, settings)
        self._usd = np.array([float(slot.candidate.usd_per_hour) for slot in self._slots])
        self._node_gpus = np.array([slot.candidate.offer.gpus_per_node for slot in self._slots])
        self._fixed = np.array([_fixed_usd(site, len(settings.workloads)) for site in sites])
        self._provider = np.array([site.provider for site in sites])
        self._kinds = [
            kinds(self._slots, sites, settings, workload)
            for workload in range(len(settings.workloads))
        ]
        self._columns = [self._columns_of(w) for w in range(len(self._kinds))]

    def choices(self) -> Iterator[_Choice]:
        """Yield what each search finds."""
        everywhere: Bools = np.ones(len(self._sites), dtype=np.bool_)
        # Workloads apart may break what all must keep together.
        limited = self._market.quotas or self._market.max_clusters < len(self._sites)
        starts = [None if limited else self._apart(), self._greedy(everywhere)]
        alone = [self._provider == provider for provider in sorted(set(self._provider))]
        if self._market.max_clusters == 1:
            alone += list(np.eye(len(self._sites), dtype=np.bool_))
        settled = [self._settled(start, here) for here in alone if (start := self._greedy(here))]
        for state in (*starts, *settled):
            if state is not None:
                self._settled(state, everywhere)
                self._close_sites(state)
                self._try_large_nodes(state, everywhere)
                if self._is_within_limits(state):
                    yield _Choice(tuple(state.ways), self._total(state))

    def ways(self, choice: _Choice) -> Iterator[tuple[tuple[tuple[int, int], ...], ...]]:
        """Yield what the ways of each workload use, the chosen one first."""
        for columns, chosen in zip(self._columns, choice.ways, strict=True):
            others = [way for way in range(len(columns.gpus)) if way != chosen]
            yield tuple(_uses(columns, way) for way in (chosen, *others))

    def fleet(self, choice: _Choice) -> Fleet:
        """Return the fleet of a choice."""
        placed: dict[int, dict[Option, int]] = {}
        routers: dict[int, set[int]] = {}
        for workload, way in enumerate(choice.ways):
            found, columns = self._kinds[workload], self._columns[workload]
            for kind, count in zip(
                columns.ways.kind[way].tolist(), columns.ways.count[way].tolist(), strict=True
            ):
                if count:
                    here = placed.setdefault(int(found.slot[kind]), {})
                    option = found.options[kind]
                    here[option] = here.get(option, 0) + count
                    routers.setdefault(int(found.site[kind]), set()).add(workload)
        opened = [self._opened(site, placed, routers[site]) for site in sorted(routers)]
        return Fleet(opened=tuple(shared_out(opened, self._settings)), gap=1.0)

    def _columns_of(self, workload: int) -> _Columns:
        found, need = self._kinds[workload], self._need(workload)
        everywhere: Bools = np.ones(len(found.slot), dtype=np.bool_)
        providers = sorted(set(self._provider))
        groups = [everywhere, *(self._provider[found.site] == p for p in providers)]
        proposed = [
            ways(
                found,
                group,
                need,
                usd=self._usd,
                gpus=self._node_gpus,
                fixed_usd=self._fixed[:, 1],
            )
            for group in groups
            if group.any()
        ]
        kind = np.concatenate([np.empty((0, 2), dtype=np.int64), *(w.kind for w in proposed)])
        count = np.concatenate([np.empty((0, 2), dtype=np.int64), *(w.count for w in proposed)])
        egress = np.concatenate([np.empty(0), *(w.egress_usd for w in proposed)])
        _, once = np.unique(np.concatenate([kind, count], 1), axis=0, return_index=True)
        once.sort()
        merged = Ways(kind[once], count[once], egress[once])
        slot, gpus = used(found, merged.kind, merged.count)
        site = found.site[merged.kind]
        second = (site[:, 0] != site[:, 1]) & (merged.count[:, 1] > 0)
        site[:, 1] = np.where(second, site[:, 1], site[:, 0])
        return _Columns(merged, slot, gpus, site, second.astype(np.int64))

    def _need(self, workload: int) -> Need:
        settings = self._settings
        rps = settings.workloads[workload].target_rps
        return Need(
            rps=rps * settings.headroom,
            kept_rps=rps * settings.survive_fraction,
            spot_share=settings.max_spot_share,
            egress_usd=np.array([float(s.egress_usd_per_hour[workload]) for s in self._sites]),
        )

    def _empty(self) -> _State:
        return _State(slots=len(self._slots), sites=len(self._sites), workloads=len(self._columns))

    def _apart(self) -> _State | None:
        """Each workload as if it were the only one."""
        everywhere: Bools = np.ones(len(self._sites), dtype=np.bool_)
        state = self._empty()
        for workload, columns in enumerate(self._columns):
            way = self._cheapest(self._empty(), workload, everywhere)
            if way is None:
                return None
            state.put(workload, columns, way)
        return state

    def _greedy(self, allowed: Bools) -> _State | None:
        """One workload after the other, each as cheaply as what is there allows; large ones first."""
        state = self._empty()
        alone = {w: self._cost(state, w, allowed) for w in range(len(self._columns))}
        if any(not len(cost) or cost.min() == float("inf") for cost in alone.values()):
            return None
        for workload in sorted(alone, key=lambda w: (-float(alone[w].min()), w)):
            way = self._cheapest(state, workload, allowed)
            if way is None:
                return None
            state.put(workload, self._columns[workload], way)
        return state

    def _settled(self, state: _State, allowed: Bools) -> _State:
        """Let each workload change its way until none can save money by it."""
        for _ in range(MOST_SWEEPS):
            before = list(state.ways)
            for workload, columns in enumerate(self._columns):
                old = state.ways[workload]
                state.put(workload, columns, old, sign=-1)
                cost = self._cost(state, workload, allowed)
                best = int(cost.argmin())
                # Where the old way no longer fits (a node that was tried is gone), it stays all the same.
                better = cost[best] < cost[old] - SAVING and np.isfinite(cost[old])
                state.put(workload, columns, best if better else old)
            if state.ways == before:
                break
        return state

    def _close_sites(self, state: _State) -> None:
        """Try to do without each cluster."""
        for site in [int(s) for s in np.flatnonzero(state.served)]:
            without: Bools = np.ones(len(self._sites), dtype=np.bool_)
            without[site] = False
            kept, total = list(state.ways), self._total(state)
            if not (self._moved(state, site, without) and self._total(state) < total - SAVING):
                self._reset(state, kept)

    def _try_large_nodes(self, state: _State, allowed: Bools) -> None:
        """Try one more node of each offer, as if it were paid: workloads may fill it only together."""
        tried = np.unique(np.concatenate([columns.slot.ravel() for columns in self._columns]))
        for slot in tried[self._node_gpus[tried] > 1].tolist():
            kept, total = list(state.ways), self._total(state)
            state.least_nodes[slot] = -(-state.gpus[slot] // self._node_gpus[slot]) + 1
            self._settled(state, allowed)
            state.least_nodes[slot] = 0
            self._settled(state, allowed)
            if self._total(state) > total - SAVING or not self._is_within_limits(state):
                self._reset(state, kept)

    def _moved(self, state: _State, site: int, allowed: Bools) -> bool:
        """Move what is served at a site elsewhere; whether that can be done."""
        for workload, columns in enumerate(self._columns):
            old = state.ways[workload]
            if old >= 0 and site in columns.site[old]:
                state.put(workload, columns, old, sign=-1)
                way = self._cheapest(state, workload, allowed)
                if way is None:
                    return False
                state.put(workload, columns, way)
        self._settled(state, allowed)
        return True

    def _reset(self, state: _State, ways_: Sequence[int]) -> None:
        state.gpus[:] = 0
        state.served[:] = 0
        for workload, way in enumerate(ways_):
            state.put(workload, self._columns[workload], way)

    def _cheapest(self, state: _State, workload: int, allowed: Bools) -> int | None:
        cost = self._cost(state, workload, allowed)
        if not len(cost) or cost.min() == float("inf"):
            return None
        return int(cost.argmin())

    def _cost(self, state: _State, workload: int, allowed: Bools) -> Floats:
        """What each way of a workload adds to what is there, infinite where it is not allowed."""
        columns = self._columns[workload]
        node, have = self._node_gpus[columns.slot], state.gpus[columns.slot]
        least = state.least_nodes[columns.slot]
        after, before = -(-(have + columns.gpus) // node), -(-have // node)
        more = np.maximum(after, least) - np.maximum(before, least)
        served = state.served[columns.site]
        opened = self._fixed[columns.site, served + 1] - self._fixed[columns.site, served]
        opened[:, 1] *= columns.is_second_site
        cost = (self._usd[columns.slot] * more + opened).sum(1) + columns.ways.egress_usd
        fits = allowed[columns.site].all(1)
        market = self._market
        if market.max_clusters < len(self._sites):
            new = (served == 0) * np.stack([np.ones(len(cost)), columns.is_second_site], 1)
            fits &= np.count_nonzero(state.served) + new.sum(1) <= market.max_clusters
        if market.quotas:
            nodes = np.maximum(-(-state.gpus // self._node_gpus), state.least_nodes)
            for quota in market.quotas:
                held = (nodes * self._node_gpus)[quota.counts].sum()
                added = (more * node * quota.counts[columns.slot]).sum(1)
                fits &= (added == 0) | (held + added <= quota.gpus)
        result: Floats = np.where(fits, cost, np.inf)
        return result

    def _is_within_limits(self, state: _State) -> bool:
        gpus = -(-state.gpus // self._node_gpus) * self._node_gpus
        return int(np.count_nonzero(state.served)) <= self._market.max_clusters and all(
            int(gpus[quota.counts].sum()) <= quota.gpus for quota in self._market.quotas
        )

    def _total(self, state: _State) -> float:
        nodes = -(-state.gpus // self._node_gpus)
        fixed = self._fixed[np.arange(len(self._sites)), state.served]
        egress = sum(
            float(columns.ways.egress_usd[way])
            for columns, way in zip(self._columns, state.ways, strict=True)
        )
        return float((self._usd * nodes).sum() + fixed.sum()) + egress

    def _opened(
        self, number: int, placed: dict[int, dict[Option, int]], routers: set[int]
    ) -> OpenedSite:
        site = self._sites[number]
        bought = []
        for slot, here in sorted(placed.items()):
            if self._slots[slot].site == number:
                gpus = sum(option.shape.gpus * count for option, count in here.items())
                candidate = self._slots[slot].candidate
                in_order = sorted(here.items(), key=lambda pair: candidate.options.index(pair[0]))
                bought.append(
                    BoughtNodes(
                        candidate=candidate,
                        nodes=-(-gpus // candidate.offer.gpus_per_node),
                        replicas=tuple(in_order),
                    )
                )
        return OpenedSite(
            site=site,
            bought=tuple(bought),
            cpu_nodes=_cpu_nodes(site, bought, routers=len(routers)),
            shares=(0.0,) * len(self._kinds),
        )


def _uses(columns: _Columns, way: int) -> tuple[tuple[int, int], ...]:
    pairs = zip(columns.slot[way].tolist(), columns.gpus[way].tolist(), strict=True)
    return tuple((slot, gpus) for slot, gpus in pairs if gpus)


def _fixed_usd(site: Site, workloads: int) -> list[float]:
    """What a cluster costs that serves no workload, one, and so on."""
    costs = [float(site.fixed_usd_per_hour(routers=count)) for count in range(1, workloads + 1)]
    return [0.0, *costs]


def _cpu_nodes(
    site: Site, bought: Sequence[BoughtNodes], *, routers: int
) -> tuple[tuple[CpuChoice, int], ...]:
    stays = any(b.candidate.offer.market is Market.ON_DEMAND for b in bought)
    if not site.cpu_choices or (stays and site.provider in ROUTERS_ON_GPU_NODES):
        return ()
    counted = [(choice, -(-routers // choice.routers_per_node)) for choice in site.cpu_choices]
    return (min(counted, key=lambda pair: pair[0].usd_per_hour * pair[1]),)


def shared_out(opened: Sequence[OpenedSite], settings: Settings) -> Iterator[OpenedSite]:
    """Let the sites where answers cost least serve what they can of each workload."""
    left = [1.0] * len(settings.workloads)
    shares = [[0.0] * len(left) for _ in opened]
    for workload, asked in enumerate(settings.workloads):
        order = sorted(
            range(len(opened)), key=lambda n: opened[n].site.egress_usd_per_hour[workload]
        )
        for number in order:
            rps = sum(
                option.shape.capacity_rps.low * count
                for bought in opened[number].bought
                for option, count in bought.replicas
                if option.workload == workload
            )
            share = min(left[workload], rps / (asked.target_rps * settings.headroom))
            shares[number][workload] = share
            left[workload] -= share
    for one, answered in zip(opened, shares, strict=True):
        yield replace(one, shares=tuple(answered))
