"""What people do instead, as plainly as it is done; each at equal safety, or not at all.

Each strategy decides by its own rule and is then billed like a plan: whole nodes, disks, clusters,
CPU nodes, egress. Where a rule knows nothing of losses, the same rule is asked again for what must
survive, and the cheapest of three usual layouts counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from outlay.catalog import Market
from outlay.planning.milp import Program
from outlay.planning.plan import Plan
from outlay.planning.whatif import By, WhatIf, names
from tools.scenarios.market import Buy, Choice, Shop, replicas_for

MOST_DOMAINS = 3
TIME_LIMIT_S = 10.0


def cheapest_gpu_hour(shop: Shop) -> Plan | None:
    """Take the offer with the lowest price of a GPU-hour that the model runs on."""
    buys: list[Buy] = []
    for workload in range(len(shop.settings.workloads)):
        ranked = sorted(shop.choices(workload), key=lambda c: (c.usd_per_gpu_hour, -_per_gpu(c)))
        chosen = _cheapest(shop, _layouts(shop, workload, ranked))
        if chosen is None:
            return None
        buys += chosen
    return shop.plan(buys)


def best_instance_type(shop: Shop) -> Plan | None:
    """Take for each model the one instance type and market that serves it alone for the least."""
    buys: list[Buy] = []
    for workload in range(len(shop.settings.workloads)):
        types: dict[tuple[str, ...], list[Choice]] = {}
        for choice in shop.choices(workload):
            offer = choice.candidate.offer
            key = (offer.provider, offer.instance_type, offer.market, choice.option.shape.key)
            types.setdefault(key, []).append(choice)
        layouts = (
            layout
            for same in types.values()
            for layout in _layouts(shop, workload, sorted(same, key=lambda c: c.usd_per_gpu_hour))
        )
        chosen = _cheapest(shop, layouts)
        if chosen is None:
            return None
        buys += chosen
    return shop.plan(buys)


def melange(shop: Shop) -> Plan | None:
    """Mix GPU types by an integer program over on-demand prices alone (Mélange's formulation).

    It knows one price for each size of node of a GPU type, no spot, regions or fixed costs; those are
    billed afterwards.
    """
    buys: list[Buy] = []
    for workload in range(len(shop.settings.workloads)):
        on_demand = [
            c for c in shop.choices(workload) if c.candidate.offer.market is Market.ON_DEMAND
        ]
        first = _mix(on_demand, shop.demand(workload))
        lost = {shop.domain(buy.choice) for buy in first} - {""}
        rest = [c for c in on_demand if shop.domain(c) not in lost]
        second = _mix(rest, shop.kept(workload)) if lost else []
        buys += [*first, *second]
    return shop.plan(buys) if buys else None


def on_demand_only(what_if: WhatIf) -> Plan | None:
    """Return the planner's answer without spot."""
    return what_if.alone(By.MARKET, Market.ON_DEMAND).plan


def one_provider(what_if: WhatIf) -> Plan | None:
    """Return the planner's answer at the provider that is cheapest alone."""
    found = [
        what_if.alone(By.PROVIDER, name)
        for name in names(what_if.settings, what_if.catalog, by=By.PROVIDER)
    ]
    plans = [outcome.plan for outcome in found if outcome.plan]
    return min(plans, key=lambda plan: plan.usd_per_hour, default=None)


BY_RULE: dict[str, Callable[[Shop], Plan | None]] = {
    "cheapest GPU-hour": cheapest_gpu_hour,
    "best instance type": best_instance_type,
    "Mélange": melange,
}
BY_PLANNER: dict[str, Callable[[WhatIf], Plan | None]] = {
    "on-demand only": on_demand_only,
    "one provider": one_provider,
}


def _per_gpu(choice: Choice) -> float:
    return choice.rps / choice.option.shape.gpus


def _layouts(shop: Shop, workload: int, ranked: Sequence[Choice]) -> Iterator[list[Buy]]:
    """Yield ways to hold the demand with the first of a ranking, and with the first of other domains.

    One pool alone; all on the first and a spare for what must survive; two or three equal pools.
    """
    demand, kept = shop.demand(workload), shop.kept(workload)
    apart: dict[str, Choice] = {}
    for choice in ranked:
        apart.setdefault(shop.domain(choice) or f"stays {choice.candidate.offer.key}", choice)
    pools = list(apart.values())[:MOST_DOMAINS]
    if pools and (shop.domain(pools[0]) == "" or kept <= 0):
        yield [_buy(pools[0], demand)]
    if len(pools) > 1:
        yield [_buy(pools[0], demand), _buy(pools[1], kept)]
    for count in range(2, len(pools) + 1):
        each = max(demand / count, kept / (count - 1))
        yield [_buy(pool, each) for pool in pools[:count]]


def _buy(choice: Choice, rps: float) -> Buy:
    return Buy(choice, replicas_for(rps, choice))


def _cheapest(shop: Shop, layouts: Iterable[list[Buy]]) -> list[Buy] | None:
    """Return the layout that costs least on its own workload's bill."""
    best: tuple[Decimal, list[Buy]] | None = None
    for layout in layouts:
        cost = shop.usd_per_hour(layout)
        if best is None or cost < best[0]:
            best = (cost, layout)
    return best[1] if best else None


def _mix(choices: Sequence[Choice], rps: float) -> list[Buy]:
    """Return the nodes with the least sum of prices that hold a rate; none when nothing does."""
    cheapest: dict[tuple[str, int], Choice] = {}
    for choice in sorted(choices, key=lambda c: c.candidate.offer.usd_per_hour):
        key = (choice.option.shape.key, choice.candidate.offer.gpus_per_node)
        cheapest.setdefault(key, choice)
    if not cheapest or rps <= 0:
        return []
    program = Program()
    kinds = list(cheapest.values())
    nodes = [
        program.variable(
            cost=float(kind.candidate.offer.usd_per_hour), upper=replicas_for(rps, kind)
        )
        for kind in kinds
    ]
    held = [(count, kind.rps * kind.per_node) for count, kind in zip(nodes, kinds, strict=True)]
    program.row(held, lower=rps)
    solution = program.solve(time_limit_s=TIME_LIMIT_S)
    if solution is None:
        return []
    taken = (
        (kind, round(solution.values[count])) for kind, count in zip(kinds, nodes, strict=True)
    )
    return [Buy(kind, count * kind.per_node) for kind, count in taken if count]
