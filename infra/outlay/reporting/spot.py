"""Spot risk as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from outlay.planning.plan import Plan, SpotPool
from outlay.planning.strategies import Strategy
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.layout import Json, line, percent, table
from outlay.reporting.money import usd
from outlay.reporting.risk import is_own, risk_json, rounded
from outlay.reporting.tables import console

BUCKETS = ("< 5 %", "5-10 %", "10-15 %", "15-20 %", "> 20 %")


def spot_json(plan: Plan, found: Sequence[Strategy]) -> Json:
    """Return the risk and the strategies as JSON values."""
    risk = plan.spot_risk
    return {
        "spot": None if risk is None else risk_json(risk),
        "strategies": [_strategy_json(s) for s in found],
    }


def _strategy_json(found: Strategy) -> Json:
    usd_per_hour = found.usd_per_hour
    return {
        "name": found.name,
        "feasible": found.plan is not None and usd_per_hour is not None,
        "reason": found.reason,
        "usd_per_month": None
        if usd_per_hour is None
        else rounded(float(usd_per_hour * HOURS_PER_MONTH)),
        "available_share": None if found.share is None else rounded(found.share),
    }


def print_spot(plan: Plan, found: Sequence[Strategy]) -> None:
    """Print the strategies, then what is expected of each spot pool and workload."""
    out = console()
    out.print(_strategies(found))
    risk = plan.spot_risk
    if risk is None or not risk.pools:
        out.print()
        line(out, "This plan has no spot nodes.")
        return
    out.print()
    out.print(_pools(plan, risk.pools))
    out.print()
    for served in risk.served:
        line(
            out,
            f"{served.workload}: {percent(served.share)} of requests served within the SLO,"
            f" the whole demand {percent(served.whole_share)} of the time",
        )
    line(out, "Capacity counts at its safe end. What AWS says ranks pools, and enters no figure.")
    for strategy in found:
        if strategy.reason:
            line(out, f"{strategy.name}: {strategy.reason}", style="dim")


def _strategies(found: Iterable[Strategy]) -> Table:
    shown = table("Strategy", ">$/month expected", ">Requests served", "Nodes", wrapped={"Nodes"})
    for strategy in found:
        if strategy.usd_per_hour is None or strategy.share is None or strategy.plan is None:
            shown.add_row(strategy.name, "-", "-", "not possible")
            continue
        pools = [f"{p.nodes} x {p.instance_type} {p.market}" for p in strategy.plan.pools]
        month = usd(strategy.usd_per_hour * HOURS_PER_MONTH)
        shown.add_row(strategy.name, month, percent(strategy.share), ", ".join(pools))
    return shown


def _riskiest_first(risk: SpotPool) -> tuple[float, int, str]:
    """By hazard; where that is the same, by how often AWS says that such nodes are taken."""
    return -risk.hazard_per_hour, -(risk.bucket or 0), risk.pool


def _pools(plan: Plan, risks: Iterable[SpotPool]) -> Table:
    names = (">Taken/h", ">Capacity", ">Ready", ">$/useful h", "Basis", ">AWS says")
    shown = table("Spot pool", *names, wrapped={"Spot pool"})
    pools = {(pool.cluster, pool.name): pool for pool in plan.pools}
    for risk in sorted(risks, key=_riskiest_first):
        pool = pools[risk.cluster, risk.pool]
        shown.add_row(
            f"{pool.nodes} x {pool.instance_type}, {pool.provider} {pool.region}",
            f"{risk.hazard_per_hour:.4f}",
            percent(risk.available_share),
            percent(risk.ready_share),
            usd(risk.usd_per_useful_hour),
            f"{risk.own_hours:,.0f} h of yours" if is_own(risk) else "prior",
            "-" if risk.bucket is None else BUCKETS[risk.bucket],
        )
    return shown
