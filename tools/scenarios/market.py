"""What the plain strategies see: the same offers, sizes, fixed costs and promises as the planner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from outlay.catalog import Catalog
from outlay.planning.assemble import assemble
from outlay.planning.candidates import Candidate, Option, field
from outlay.planning.domains import domain
from outlay.planning.feasible import broken_promises
from outlay.planning.fleet import BoughtNodes, Fleet, OpenedSite
from outlay.planning.plan import Plan
from outlay.planning.planner import DEFAULT_IDENTITY
from outlay.planning.rebuild import Opened, answered
from outlay.planning.sites import CpuChoice, Site, sites
from outlay.settings import Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """One shape of one workload on one offer."""

    site: Site
    candidate: Candidate
    option: Option

    @property
    def rps(self) -> float:
        """Safe capacity of one replica."""
        return self.option.shape.capacity_rps.low

    @property
    def per_node(self) -> int:
        """Replicas that a node holds."""
        return self.candidate.offer.gpus_per_node // self.option.shape.gpus

    @property
    def usd_per_gpu_hour(self) -> Decimal:
        """Price of one GPU of the node."""
        return self.candidate.offer.usd_per_gpu_hour


@dataclass(frozen=True, slots=True)
class Buy:
    """Replicas of one choice."""

    choice: Choice
    replicas: int


class Shop:
    """Everything on sale for one question, and the bill of what a strategy takes."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.settings = settings
        self._catalog = catalog
        found = field(settings, catalog)
        self._sites, _ = sites(found.candidates, settings, catalog)

    def choices(self, workload: int) -> list[Choice]:
        """Return every way to run a workload, in a fixed order."""
        return [
            Choice(site, candidate, option)
            for site in self._sites
            for candidate in site.candidates
            for option in candidate.options
            if option.workload == workload
        ]

    def demand(self, workload: int) -> float:
        """Return the requests per second to hold, headroom included."""
        return self.settings.workloads[workload].target_rps * self.settings.headroom

    def kept(self, workload: int) -> float:
        """Return the requests per second that must survive the loss of a domain."""
        return self.settings.workloads[workload].target_rps * self.settings.survive_fraction

    def domain(self, choice: Choice) -> str:
        """Return what takes a choice away when it is lost; empty for nothing."""
        return domain(choice.candidate.offer, self.settings)

    def usd_per_hour(self, buys: Iterable[Buy]) -> Decimal:
        """Return the cost of what was taken, egress not included: it hardly tells offers apart."""
        return self._fleet(buys).usd_per_hour

    def _fleet(self, buys: Iterable[Buy]) -> Fleet:
        opened = _opened(buys)
        parts = zip(opened, answered(opened, self.settings), strict=True)
        return Fleet(
            opened=tuple(
                OpenedSite(site=site, bought=bought, cpu_nodes=cpu, shares=shares)
                for (site, bought, cpu), shares in parts
            ),
            gap=0.0,
        )

    def plan(self, buys: Iterable[Buy]) -> Plan | None:
        """Return the plan of what was taken, whole nodes and fixed costs included.

        None when it breaks a promise: a strategy is compared at equal safety only.
        """
        plan = assemble(
            self._fleet(buys),
            settings=self.settings,
            catalog=self._catalog,
            identity=DEFAULT_IDENTITY,
            left_out=(),
        )
        return None if broken_promises(plan, self.settings) else plan


def replicas_for(rps: float, choice: Choice) -> int:
    """Return how many replicas hold a rate."""
    return max(1, ceil(rps / choice.rps - 1e-9))


def _opened(buys: Iterable[Buy]) -> list[Opened]:
    by_site: dict[str, list[Buy]] = {}
    for buy in buys:
        by_site.setdefault(buy.choice.site.key, []).append(buy)
    opened: list[Opened] = []
    for key in sorted(by_site):
        group = by_site[key]
        site = group[0].choice.site
        served = len({buy.choice.option.workload for buy in group})
        cpu = _cpu(site, served)
        opened.append((site, tuple(_bought(group)), cpu))
    return opened


def _bought(group: list[Buy]) -> Iterable[BoughtNodes]:
    by_offer: dict[str, list[Buy]] = {}
    for buy in group:
        by_offer.setdefault(buy.choice.candidate.offer.key, []).append(buy)
    for same in by_offer.values():
        candidate = same[0].choice.candidate
        gpus = sum(buy.replicas * buy.choice.option.shape.gpus for buy in same)
        counts: dict[Option, int] = {}
        for buy in same:
            counts[buy.choice.option] = counts.get(buy.choice.option, 0) + buy.replicas
        yield BoughtNodes(
            candidate=candidate,
            nodes=-(-gpus // candidate.offer.gpus_per_node),
            replicas=tuple(counts.items()),
        )


def _cpu(site: Site, served: int) -> tuple[tuple[CpuChoice, int], ...]:
    """Return the cheapest CPU nodes for one router a workload; none where engines share theirs."""
    counted = [(choice, -(-served // choice.routers_per_node)) for choice in site.cpu_choices]
    cheapest = sorted(counted, key=lambda pair: pair[0].usd_per_hour * pair[1])[:1]
    return tuple(cheapest)
