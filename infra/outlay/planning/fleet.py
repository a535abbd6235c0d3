"""The fleet as a mixed-integer linear program: which nodes to buy and which replicas to put on them.

Integers: nodes per offer, replicas per offer, workload and shape, CPU nodes per site. Binaries: a
site's cluster is opened; a workload is served there (and has a router there). Shares: the part of
a workload's demand that a site answers. docs/planning.md states the program in full.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from outlay.catalog import Market
from outlay.catalog.providers import ROUTERS_ON_GPU_NODES
from outlay.planning.candidates import Candidate, Option
from outlay.planning.domains import NO_DOMAIN, domain
from outlay.planning.market import quotas
from outlay.planning.milp import Program, Solution
from outlay.planning.sites import CpuChoice, Site
from outlay.settings import Settings, SurviveDomain

# For the start and for the proof each; a plan that ran into it says by how much it may be beaten.
TIME_LIMIT_S = 20.0
# Far below a cent a month, far above the solver's tolerance: equals are always ordered the same way.
TIE_USD_PER_HOUR = 1e-6
LEAST_USED = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtNodes:
    """Nodes of one offer with the replicas on them."""

    candidate: Candidate
    nodes: int
    replicas: tuple[tuple[Option, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSite:
    """A cluster that the solution opens."""

    site: Site
    bought: tuple[BoughtNodes, ...]
    cpu_nodes: tuple[tuple[CpuChoice, int], ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What to buy, and the proven relative gap to the best possible."""

    opened: tuple[OpenedSite, ...]
    gap: float

    @property
    def usd_per_hour(self) -> Decimal:
        """Nodes, disks and standing costs; answers on their way to clients not included."""
        parts = [b.candidate.usd_per_hour * b.nodes for o in self.opened for b in o.bought]
        parts += [o.site.fixed_usd_per_hour(routers=0) for o in self.opened]
        parts += [c.usd_per_hour * count for o in self.opened for c, count in o.cpu_nodes]
        return sum(parts, Decimal(0))

    @property
    def all_usd_per_hour(self) -> Decimal:
        """All of it, with what answers cost on their way to clients."""
        egress = [
            Decimal(repr(share)) * usd
            for o in self.opened
            for share, usd in zip(o.shares, o.site.egress_usd_per_hour, strict=True)
        ]
        return self.usd_per_hour + sum(egress, Decimal(0))


@dataclass(frozen=True, slots=True)
class _Replicas:
    index: int
    site: int
    candidate: Candidate
    option: Option

    @property
    def safe_rps(self) -> float:
        return self.option.shape.capacity_rps.low


class FleetProgram:
    """Builds the program for some sites, solves it and reads the answer."""

    def __init__(self, sites: Sequence[Site], settings: Settings) -> None:
        self._sites = sites
        self._settings = settings
        self._demands = [w.target_rps * settings.headroom for w in settings.workloads]
        self._enough = [
            _enough_rps(number, demand, sites, settings)
            for number, demand in enumerate(self._demands)
        ]
        self._program = Program()
        self._nodes: dict[tuple[int, int], int] = {}
        self._cpu_nodes: dict[tuple[int, int], int] = {}
        self._shares: dict[tuple[int, int], int] = {}
        self._replicas: list[_Replicas] = []
        self._opened_sites: list[tuple[int, float]] = []
        for number, site in enumerate(sites):
            self._add_site(number, site)
        self._add_limits()
        for workload in range(len(self._demands)):
            self._add_demand(workload)
            self._add_spot_limit(workload)
            self._add_survival(workload)

    def solve(self, *, time_limit_s: float = TIME_LIMIT_S) -> Fleet | None:
        """Return the cheapest fleet, or None when no fleet keeps the promise."""
        relaxed = self._program.relax()
        if relaxed is None:
            return None
        start = self._good_start(relaxed, time_limit_s)
        solution = self._program.solve(
            time_limit_s=time_limit_s,
            without=_hopeless(self._program, relaxed, start) if start else (),
            start=start.values if start else None,
        )
        if solution is None:
            return None
        values = [round(value) for value in solution.values]
        opened = [
            self._opened(n, site, values, solution.values) for n, site in enumerate(self._sites)
        ]
        return Fleet(opened=tuple(o for o in opened if o is not None), gap=solution.gap)

    def _good_start(self, relaxed: Solution, time_limit_s: float) -> Solution | None:
        """Solve with the sites that the linear relaxation uses: mostly the optimum, soon found."""
        used = {r.site for r in self._replicas if relaxed.values[r.index] > LEAST_USED}
        without = [v for (site, _), v in self._nodes.items() if site not in used]
        without += [r.index for r in self._replicas if r.site not in used]
        return self._program.solve(time_limit_s=time_limit_s, without=without)

    def _add_site(self, number: int, site: Site) -> None:
        program = self._program
        standing = float(site.fixed_usd_per_hour(routers=0))
        opened = program.binary(cost=standing + TIE_USD_PER_HOUR * (number + 1))
        self._opened_sites.append((opened, 1.0))
        served = [program.binary() for _ in self._demands]
        for node_number, candidate in enumerate(site.candidates):
            self._add_nodes(number, node_number, candidate)
        for workload, is_served in enumerate(served):
            self._add_served(number, workload, is_served)
            program.row({opened: 1.0, is_served: -1.0}, lower=0.0)
        self._add_routers(number, site, served)

    def _add_routers(self, number: int, site: Site, served: list[int]) -> None:
        """One router per served workload, on CPU nodes of one type or beside engines that stay."""
        program, workloads = self._program, len(self._demands)
        room: list[tuple[int, float]] = []
        chosen: list[int] = []
        for i, choice in enumerate(site.cpu_choices):
            nodes = program.variable(
                cost=float(choice.usd_per_hour) + TIE_USD_PER_HOUR, upper=workloads
            )
            is_chosen = program.binary()
            program.row({is_chosen: float(workloads), nodes: -1.0}, lower=0.0)
            self._cpu_nodes[number, i] = nodes
            room.append((nodes, float(min(choice.routers_per_node, workloads))))
            chosen.append(is_chosen)
        if chosen:
            program.row([(is_chosen, 1.0) for is_chosen in chosen], upper=1.0)
        if site.provider in ROUTERS_ON_GPU_NODES:
            room += [
                (self._nodes[number, i], float(workloads))
                for i, candidate in enumerate(site.candidates)
                if candidate.offer.market is Market.ON_DEMAND
            ]
        program.row([*room, *((is_served, -1.0) for is_served in served)], lower=0.0)

    def _add_nodes(self, number: int, node_number: int, candidate: Candidate) -> None:
        program = self._program
        gpus = candidate.offer.gpus_per_node
        added: list[_Replicas] = []
        for option in candidate.options:
            most = self._most_replicas(candidate, option)
            added.append(_Replicas(program.variable(upper=most), number, candidate, option))
        most_gpus = sum(self._most_replicas(candidate, o) * o.shape.gpus for o in candidate.options)
        rank = TIE_USD_PER_HOUR * (1 + node_number / 1000)
        nodes = program.variable(
            cost=float(candidate.usd_per_hour) + rank, upper=-(-most_gpus // gpus)
        )
        self._nodes[number, node_number] = nodes
        self._replicas += added
        # A node's GPUs beyond what could ever be used are worth nothing: cut off, the relaxation
        # cannot buy an eighth of a node that only one replica would use.
        packed = [(r.index, -float(r.option.shape.gpus)) for r in added]
        program.row([(nodes, float(min(gpus, most_gpus))), *packed], lower=0.0)

    def _most_replicas(self, candidate: Candidate, option: Option) -> int:
        enough = self._enough[option.workload][candidate.offer.market]
        return ceil(enough / option.shape.capacity_rps.low)

    def _add_served(self, number: int, workload: int, is_served: int) -> None:
        program = self._program
        egress = float(self._sites[number].egress_usd_per_hour[workload])
        share = program.variable(cost=egress, upper=1.0, integer=False)
        self._shares[number, workload] = share
        here = [r for r in self._of(workload) if r.site == number]
        demand = self._demands[workload]
        program.row({is_served: 1.0, share: -1.0}, lower=0.0)
        program.row([*_useful(here, demand), (share, -demand)], lower=0.0)
        for replicas in here:
            most = float(self._most_replicas(replicas.candidate, replicas.option))
            program.row({is_served: most, replicas.index: -1.0}, lower=0.0)

    def _add_demand(self, workload: int) -> None:
        shares = [(self._shares[number, workload], 1.0) for number in range(len(self._sites))]
        self._program.row(shares, lower=1.0, upper=1.0)

    def _add_limits(self) -> None:
        """The number of clusters and of GPUs that an account may have."""
        if self._settings.max_clusters is not None:
            self._program.row(self._opened_sites, upper=float(self._settings.max_clusters))
        pairs = [(v, self._sites[i].candidates[k]) for (i, k), v in self._nodes.items()]
        for quota in quotas([candidate for _, candidate in pairs], self._settings):
            gpus = [
                (nodes, float(candidate.offer.gpus_per_node))
                for (nodes, candidate), counts in zip(pairs, quota.counts.tolist(), strict=True)
                if counts
            ]
            self._program.row(gpus, upper=float(quota.gpus))

    def _add_spot_limit(self, workload: int) -> None:
        limit = self._settings.max_spot_share
        if limit >= 1:
            return
        terms = [
            (r.index, r.safe_rps * (limit - (r.candidate.offer.market is Market.SPOT)))
            for r in self._of(workload)
        ]
        self._program.row(terms, lower=0.0)

    def _add_survival(self, workload: int) -> None:
        needed = self._settings.survive_fraction * self._settings.workloads[workload].target_rps
        domains: dict[str, list[_Replicas]] = defaultdict(list)
        for replicas in self._of(workload):
            domains[domain(replicas.candidate.offer, self._settings)].append(replicas)
        if not domains.keys() - {NO_DOMAIN} or needed <= 0:
            return
        # The whole is a variable of its own: a row per domain then names that domain's replicas only.
        whole = self._program.variable(integer=False)
        everything = _useful(self._of(workload), needed)
        self._program.row([*everything, (whole, -1.0)], lower=0.0, upper=0.0)
        for name, lost in domains.items():
            if name != NO_DOMAIN:
                gone = [(index, -rps) for index, rps in _useful(lost, needed)]
                self._program.row([(whole, 1.0), *gone], lower=needed)

    def _of(self, workload: int) -> Iterator[_Replicas]:
        return (r for r in self._replicas if r.option.workload == workload)

    def _opened(
        self, number: int, site: Site, values: Sequence[int], exact: Sequence[float]
    ) -> OpenedSite | None:
        placed: dict[str, list[tuple[Option, int]]] = defaultdict(list)
        for replicas in self._replicas:
            if replicas.site == number and values[replicas.index]:
                placed[replicas.candidate.offer.key].append(
                    (replicas.option, values[replicas.index])
                )
        bought = [
            BoughtNodes(
                candidate=c,
                nodes=values[self._nodes[number, i]],
                replicas=tuple(placed[c.offer.key]),
            )
            for i, c in enumerate(site.candidates)
            if values[self._nodes[number, i]]
        ]
        if not bought:
            return None
        cpu = [(c, values[self._cpu_nodes[number, i]]) for i, c in enumerate(site.cpu_choices)]
        return OpenedSite(
            site=site,
            bought=tuple(bought),
            cpu_nodes=tuple((choice, count) for choice, count in cpu if count),
            shares=tuple(exact[self._shares[number, w]] for w in range(len(self._demands))),
        )


def _enough_rps(
    workload: int, demand: float, sites: Sequence[Site], settings: Settings
) -> dict[Market, float]:
    """Return the capacity beyond which no pool of a market grows: the demand, whatever else is lost.

    Where spot must stay when a region or provider is lost, and may be only a share of the whole,
    on-demand nodes elsewhere may have to make up the rest of that whole.
    """
    limit = settings.max_spot_share
    is_wide = settings.survive_domain in (SurviveDomain.REGION, SurviveDomain.PROVIDER)
    spot = [
        option.shape.capacity_rps.low
        for site in sites
        for candidate in site.candidates
        for option in candidate.options
        if option.workload == workload and candidate.offer.market is Market.SPOT
    ]
    beside = (1 - limit) / limit * (demand + max(spot)) if spot and is_wide and limit > 0 else 0.0
    return {Market.SPOT: demand, Market.ON_DEMAND: max(demand, beside)}


def _useful(replicas: Iterable[_Replicas], needed: float) -> list[tuple[int, float]]:
    """Capacity terms of a covering row; what one replica has beyond the need is cut off.

    No integer solution changes, and the linear relaxation cannot buy a fraction of a big replica.
    """
    return [(r.index, min(r.safe_rps, needed)) for r in replicas]


def _hopeless(program: Program, relaxed: Solution, start: Solution) -> list[int]:
    """Variables that no better solution uses: one unit of them costs more than the start saves.

    Exact: the relaxation's cost plus a variable's reduced cost bounds every solution that uses it.
    """
    saving = start.objective - relaxed.objective + LEAST_USED
    return [
        index
        for index, cost in enumerate(relaxed.reduced_costs)
        if program.integers[index] and relaxed.values[index] < LEAST_USED and cost > saving
    ]
