"""The program over ways: which way each unit takes, and the nodes and clusters for all of them.

Variables: a way is taken; nodes per offer and period; a cluster stands; a workload is served there; CPU
nodes. Its relaxation knows that replicas are whole and that what must survive is held twice, and that a
workload which uses an offer needs whole nodes of it, so little is left to prove.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.arrays import Floats
from outlay.planning.demand import Unit
from outlay.planning.entries import Frontiers
from outlay.planning.market import Offers
from outlay.planning.milp import INFINITY, Program, Solution

# Steps of a unit's frontiers, one an offer.
Way = tuple[int, ...]
Terms = list[tuple[int, float]]
# Far below a cent a month, far above the solver's tolerance: equals are always ordered the same way.
TIE_USD_PER_HOUR = 1e-6


@dataclass(frozen=True)
class Question:
    """What is on sale, what is needed, and what each offer can do for each unit.

    `weights` are the shares of all hours that the periods have.
    """

    offers: Offers
    units: tuple[Unit, ...]
    frontiers: tuple[Frontiers, ...]
    weights: tuple[float, ...]

    @cached_property
    def _known_egress_usd(self) -> dict[tuple[int, Way], float]:
        return {}

    def egress_usd(self, unit: int, way: Way) -> float:
        """Return what a unit's answers cost when the cheaper sites answer what they can."""
        known = self._known_egress_usd.get((unit, way))
        if known is None:
            known = self._known_egress_usd[unit, way] = self._egress_usd(unit, way)
        return known

    def _egress_usd(self, unit: int, way: Way) -> float:
        asked, found = self.units[unit], self.frontiers[unit]
        rps: dict[int, float] = defaultdict(float)
        for step in way:
            rps[int(found.site[step])] += float(found.rps[step])
        usd = {site: float(self.offers.egress_usd[site, asked.workload]) for site in rps}
        left, total = 1.0, 0.0
        for site in sorted(rps, key=lambda s: usd[s]):
            share = min(left, rps[site] / asked.rps)
            total += share * usd[site]
            left -= share
        return total


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices under which ways are compared: the relaxation's duals, made whole for all offers.

    `gpu_usd` by period and slot; `node_usd` by period, unit and slot, for each node of which the unit
    needs a part; `site_usd` by unit and site; `limits_usd` is what keeping to quotas and to the number of clusters
    costs, and is part of every price.
    """

    gpu_usd: Floats
    node_usd: Floats
    site_usd: Floats
    limits_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A way for each unit, nodes by period and slot, CPU nodes by site and type, and what it costs.

    `gap` is what the program's own proof leaves open among the ways that it was given.
    """

    ways: tuple[Way, ...]
    nodes: dict[tuple[int, int], int]
    cpu_nodes: dict[int, tuple[int, ...]]
    usd: float
    gap: float


@dataclass(slots=True)
class _Site:
    """Variables and rows of one site: room for its routers and a node for them, by period."""

    cpu: list[int] = field(default_factory=list)
    needs_room: dict[int, int] = field(default_factory=dict)
    needs_node: dict[int, int] = field(default_factory=dict)


class Joint:
    """One program over some ways of each unit: a relaxation, or whole."""

    def __init__(self, question: Question, ways: Sequence[Sequence[Way]], *, whole: bool) -> None:
        self._question, self._whole = question, whole
        self._program = Program()
        self._ways: list[list[tuple[int, Way]]] = []
        self._one_each: list[int] = []
        self._nodes: dict[tuple[int, int], int] = {}
        self._gpu_rows: dict[tuple[int, int], int] = {}
        self._node_rows: dict[tuple[int, int, int], int] = {}
        self._site_rows: dict[tuple[int, int], int] = {}
        self._served: dict[tuple[int, int], int] = {}
        self._sites: dict[int, _Site] = {}
        uses: dict[tuple[int, int], Terms] = defaultdict(list)
        stands: dict[tuple[int, int], Terms] = defaultdict(list)
        for unit, mine in enumerate(ways):
            self._add_ways(unit, mine, uses, stands)
        self._opened: Terms = []
        self._add_nodes(uses)
        self._add_sites(stands)
        self._limits = tuple(self._add_limits())

    def relaxed(self) -> tuple[float, Prices]:
        """Return the optimum of the relaxation and its prices."""
        solution = self._program.relax(central=True)
        if solution is None:  # each unit has a way, and nodes have no limit
            raise AssertionError("the relaxation has a solution")
        return solution.objective, self._prices(solution)

    def solved(self, *, time_limit_s: float, gap: float) -> Choice | None:
        """Return the cheapest choice, or the best in the time; None when there was none."""
        solution = self._program.solve(time_limit_s=time_limit_s, gap=gap)
        if solution is None:
            return None
        values = solution.values
        return Choice(
            ways=tuple(max(mine, key=lambda pair: values[pair[0]])[1] for mine in self._ways),
            nodes={key: round(values[v]) for key, v in self._nodes.items()},
            cpu_nodes={
                site: tuple(round(values[v]) for v in here.cpu)
                for site, here in self._sites.items()
            },
            usd=solution.objective,
            gap=solution.gap,
        )

    def _add_ways(
        self,
        unit: int,
        mine: Sequence[Way],
        uses: dict[tuple[int, int], Terms],
        stands: dict[tuple[int, int], Terms],
    ) -> None:
        question, program = self._question, self._program
        found = question.frontiers[unit]
        added: list[tuple[int, Way]] = []
        for way in mine:
            taken = program.variable(
                cost=question.egress_usd(unit, way), upper=1.0 if self._whole else INFINITY
            )
            added.append((taken, way))
            for step in way:
                uses[unit, int(found.slot[step])].append((taken, float(step)))
            for site in sorted({int(found.site[step]) for step in way}):
                stands[unit, site].append((taken, -1.0))
        self._ways.append(added)
        self._one_each.append(program.row([(v, 1.0) for v, _ in added], lower=1.0, upper=1.0))

    def _add_nodes(self, uses: Mapping[tuple[int, int], Terms]) -> None:
        """Nodes for all GPUs in use, and at least those that each unit alone needs."""
        question, program, offers = self._question, self._program, self._question.offers
        packed: dict[tuple[int, int], Terms] = defaultdict(list)
        all_periods = range(len(question.weights))
        for (unit, slot), terms in uses.items():
            for period in all_periods:
                gpus = question.frontiers[unit].gpus_in[period]
                packed[period, slot] += [(v, -float(gpus[int(step)])) for v, step in terms]
        for slot in self._cheapest_hosts({int(offers.site[slot]) for _, slot in packed}):
            for period in all_periods:
                packed.setdefault((period, slot), [])
        for period, slot in sorted(packed):
            usd = float(offers.usd[slot]) + TIE_USD_PER_HOUR * (1 + slot / 10_000)
            nodes = program.variable(cost=usd * question.weights[period])
            self._nodes[period, slot] = nodes
            self._gpu_rows[period, slot] = program.row(
                [(nodes, float(offers.gpus[slot])), *packed[period, slot]], lower=0.0
            )
        for (unit, slot), terms in uses.items():
            for period in all_periods:
                alone = question.frontiers[unit].nodes_in[period]
                needs = [(v, -float(alone[int(step)])) for v, step in terms]
                self._node_rows[period, unit, slot] = program.row(
                    [(self._nodes[period, slot], 1.0), *needs], lower=0.0
                )

    def _cheapest_hosts(self, sites: set[int]) -> Iterator[int]:
        """Where routers stand beside engines, a node may be bought for them alone."""
        offers = self._question.offers
        for site in sites:
            hosts = np.flatnonzero(offers.hosts_routers & (offers.site == site))
            if len(hosts):
                yield int(hosts[offers.usd[hosts].argmin()])

    def _add_limits(self) -> Iterator[tuple[int, float]]:
        """Rows of quotas and of the number of clusters, with what they allow."""
        offers, program = self._question.offers, self._program
        if offers.max_clusters < len(offers.sites):
            most = float(offers.max_clusters)
            yield program.row(self._opened, upper=most), most
        periods = {period for period, _ in self._nodes}
        for quota in offers.quotas:
            for period in sorted(periods):
                gpus = [
                    (nodes, float(offers.gpus[slot]))
                    for (at, slot), nodes in self._nodes.items()
                    if at == period and quota.counts[slot]
                ]
                if gpus:
                    yield program.row(gpus, upper=float(quota.gpus)), float(quota.gpus)

    def _add_sites(self, stands: Mapping[tuple[int, int], Terms]) -> None:
        by_site: dict[int, dict[int, Terms]] = defaultdict(dict)
        for (unit, site), terms in stands.items():
            by_site[site][unit] = terms
        for site in sorted(by_site):
            self._add_site(site, by_site[site])

    def _add_site(self, number: int, units: Mapping[int, Terms]) -> None:
        program, site = self._program, self._question.offers.sites[number]
        here = self._sites[number] = _Site()
        standing = float(site.standing_usd_per_hour) + TIE_USD_PER_HOUR * (number + 1)
        opened = program.variable(cost=standing, integer=False)
        self._opened.append((opened, 1.0))
        room = self._add_cpu_nodes(number, here)
        served: Terms = []
        for unit, terms in sorted(units.items()):
            workload = self._question.units[unit].workload
            if (number, workload) not in self._served:
                is_served = self._served[number, workload] = program.variable(integer=False)
                program.row({opened: 1.0, is_served: -1.0}, lower=0.0)
                served.append((is_served, -1.0))
            self._site_rows[unit, number] = program.row(
                [(self._served[number, workload], 1.0), *terms], lower=0.0
            )
        for period, hosts in self._hosts(number).items():
            places = [*room, *hosts]
            here.needs_room[period] = program.row([*places, *served], lower=0.0)
            at_least_one = [(nodes, 1.0) for nodes, _ in places]
            here.needs_node[period] = program.row([*at_least_one, (opened, -1.0)], lower=0.0)

    def _add_cpu_nodes(self, number: int, here: _Site) -> Terms:
        """CPU nodes of one type for the routers, with the room that they have."""
        program, question = self._program, self._question
        site, count = question.offers.sites[number], float(len(question.units))
        room: Terms = []
        chosen: Terms = []
        for choice in site.cpu_choices:
            nodes = program.variable(cost=float(choice.usd_per_hour) + TIE_USD_PER_HOUR)
            here.cpu.append(nodes)
            room.append((nodes, min(float(choice.routers_per_node), count)))
            if self._whole:
                is_chosen = program.binary()
                program.row({is_chosen: count, nodes: -1.0}, lower=0.0)
                chosen.append((is_chosen, 1.0))
        if chosen:
            program.row(chosen, upper=1.0)
        return room

    def _hosts(self, number: int) -> dict[int, Terms]:
        """Engines' nodes that stay and take routers, by period; one empty period where none do."""
        question = self._question
        offers, count = question.offers, float(len(question.units))
        if offers.sites[number].provider not in ROUTERS_ON_GPU_NODES:
            return {0: []}
        hosts: dict[int, Terms] = {period: [] for period in range(len(question.weights))}
        for (period, slot), nodes in self._nodes.items():
            if offers.site[slot] == number and offers.hosts_routers[slot]:
                hosts[period].append((nodes, count))
        return hosts

    def _prices(self, solution: Solution) -> Prices:
        duals, units = solution.duals, self._question.units
        gpu_usd = self._unused_gpu_usd(duals)
        for (period, slot), row in self._gpu_rows.items():
            gpu_usd[period, slot] = duals[row]
        weights, slots = self._question.weights, len(self._question.offers.usd)
        node_usd = np.zeros((len(weights), len(units), slots))
        for key, row in self._node_rows.items():
            node_usd[key] = duals[row]
        # A row that limits from above has a price of 0 or less.
        limits_usd = -sum(duals[row] * allowed for row, allowed in self._limits)
        return Prices(gpu_usd, node_usd, self._site_usd(duals), limits_usd)

    def _unused_gpu_usd(self, duals: Sequence[float]) -> Floats:
        """What no way uses yet costs what a node costs, less what it is worth as a host of routers."""
        question, offers = self._question, self._question.offers
        weights = np.array(question.weights)
        worth = np.zeros((len(weights), len(offers.sites)))
        for site, here in self._sites.items():
            for period, row in here.needs_room.items():
                worth[period, site] = (
                    len(question.units) * duals[row] + duals[here.needs_node[period]]
                )
        usd = weights[:, None] * offers.usd
        usd -= np.where(offers.hosts_routers, worth[:, offers.site], 0.0)
        result: Floats = np.maximum(usd, 0.0) / offers.gpus
        return result

    def _site_usd(self, duals: Sequence[float]) -> Floats:
        """What it costs each unit to be served at a site; a new site's cluster is shared by all."""
        units, offers = self._question.units, self._question.offers
        usd = np.tile(offers.first_usd / len(units), (len(units), 1))
        for site, here in self._sites.items():
            room = sum(duals[row] for row in here.needs_room.values())
            for number, unit in enumerate(units):
                is_known = (site, unit.workload) in self._served
                usd[number, site] = 0.0 if is_known else room
        for (unit_number, site), row in self._site_rows.items():
            usd[unit_number, site] = duals[row]
        return usd
