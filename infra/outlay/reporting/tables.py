"""Plans and comparisons as terminal tables. Colours are rich's affair: off in pipes and with NO_COLOR."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from outlay.planning.plan import Placement, Plan, Pool, Workload
from outlay.planning.scaling import worst_case_usd_per_hour
from outlay.pricing.types import HOURS_PER_MONTH, Category
from outlay.reporting.layout import line, table
from outlay.reporting.money import usd
from outlay.reporting.output import forget_output
from outlay.reporting.risk import expectation
from outlay.sizing.types import Interval

# Wide enough for every column when output is piped and no terminal says how wide it is.
PIPE_WIDTH = 160


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Go on in silence: rich would leave with exit code 1, which means a problem in the input."""
        self.quiet = True
        forget_output()


def console() -> Console:
    """Return a console for standard output."""
    plain = _Console(highlight=False)
    return plain if plain.is_terminal else _Console(highlight=False, width=PIPE_WIDTH)


def print_plan(plan: Plan) -> None:
    """Print a plan: headline, pools, workloads, other costs, who was left out, warnings."""
    out = console()
    line(out, _headline(plan))
    out.print()
    out.print(_pools(plan))
    for workload in plan.workloads:
        out.print()
        line(out, _demand(plan, workload))
        out.print(_replicas(plan, workload))
    out.print()
    out.print(_other_costs(plan))
    out.print()
    left_out = ((left.reason, left.what) for left in plan.left_out)
    for reason, names in by_reason(left_out):
        line(out, f"Left out: {names}: {reason}", style="dim")
    for warning in plan.warnings:
        line(out, f"Warning: {warning}", style="yellow")


def _headline(plan: Plan) -> Text:
    text = Text()
    text.append(f"{usd(plan.usd_per_month)}/month", style="bold")
    text.append(f"   {usd(plan.usd_per_million_tokens)} per million tokens")
    text.append(f"   {usd(plan.usd_per_million_output_tokens)} per million output tokens")
    text.append(f"\n{_breakdown(plan)}\n{_proof(plan)}")
    if plan.spot_risk is not None and plan.spot_risk.pools:
        text.append(f"\n{expectation(plan.spot_risk)}")
    if any(pool.max_nodes > pool.nodes for pool in plan.pools):
        text.append(f"\n{_worst_case(plan)}")
    if plan.budget_usd_per_month is not None:
        text.append(f"\n{_against(plan, plan.budget_usd_per_month)}")
    return text


def _breakdown(plan: Plan) -> str:
    paid = [(part, amount) for part, amount in plan.breakdown.items() if amount]
    return " + ".join(f"{part} {usd(amount * HOURS_PER_MONTH)}" for part, amount in paid)


def _proof(plan: Plan) -> str:
    proof = "proven cheapest" if plan.mip_gap == 0 else f"within {plan.mip_gap:.2%} of the cheapest"
    return f"{proof} for the prices of {plan.price_book.date} (book {plan.price_book.version})"


def _worst_case(plan: Plan) -> str:
    most = worst_case_usd_per_hour(plan) * HOURS_PER_MONTH
    budget = plan.budget_usd_per_month
    over = "" if budget is None or most <= budget else ", over the budget"
    return f"{usd(most)}/month with every pool at its most nodes{over}"


def _against(plan: Plan, budget: Decimal) -> str:
    share = plan.usd_per_month / budget
    if share > 1:
        return f"OVER the budget of {usd(budget)}/month by {usd(plan.usd_per_month - budget)}"
    return f"{share:.0%} of the budget of {usd(budget)}/month"


def _pools(plan: Plan) -> Table:
    names = ("Where", "Market", "Nodes", "GPUs of each", ">$/node-h", ">$/month")
    shown = table(*names, wrapped={"Nodes", "GPUs of each"})
    for pool in plan.pools:
        shown.add_row(*_pool_cells(pool))
    return shown


def _pool_cells(pool: Pool) -> tuple[str, ...]:
    return (
        f"{pool.provider} {pool.region}",
        pool.market,
        f"{_nodes(pool)} x {pool.instance_type}",
        f"{pool.gpus_per_node} x {pool.gpu}",
        usd(pool.usd_per_node_hour),
        usd(pool.usd_per_hour * HOURS_PER_MONTH),
    )


def _nodes(pool: Pool) -> str:
    """Planned nodes, their bounds where these differ, and how many are paid for on average."""
    if pool.min_nodes == pool.nodes == pool.max_nodes:
        return str(pool.nodes)
    mean = f", mean {float(pool.mean_nodes):.3g}" if pool.paid_share < 1 else ""
    return f"{pool.nodes} ({pool.min_nodes}-{pool.max_nodes}{mean})"


def _demand(plan: Plan, workload: Workload) -> Text:
    text = Text(workload.name, style="bold")
    capacity = _range(plan.capacity_rps(workload.name), digits=1)
    rest = (
        f"  {workload.model}, {_rate(workload)} req/s of {workload.input_tokens} + {workload.output_tokens} tokens;"
        f" capacity {capacity} req/s"
    )
    text.append(rest, style="not bold")
    return text


def _rate(workload: Workload) -> str:
    mean = f" (mean {float(workload.mean_rps):.3g})" if workload.mean_share < 1 else ""
    return f"{workload.target_rps:g}{mean}"


def _replicas(plan: Plan, workload: Workload) -> Table:
    names = ("Replicas", "Grade", ">Req/s each", ">TTFT ms", ">TPOT ms")
    shown = table(*names, wrapped={"Replicas"})
    for placement in plan.placements:
        if placement.workload == workload.name:
            shown.add_row(*_placement_cells(placement))
    return shown


def _placement_cells(placement: Placement) -> tuple[str, ...]:
    shape = placement.shape
    return (
        f"{placement.replicas} on {shape.gpus} x {shape.gpu} {shape.weight_precision}",
        shape.grade,
        _range(shape.capacity_rps, digits=1),
        f"{shape.ttft_ms.expected:.0f}",
        f"{shape.tpot_ms.expected:.0f}",
    )


def _range(interval: Interval, *, digits: int) -> str:
    return f"{interval.expected:.{digits}f} ({interval.low:.{digits}f}-{interval.high:.{digits}f})"


def _other_costs(plan: Plan) -> Table:
    """One row per cluster and category; the JSON has every single cost."""
    where = {cluster.name: f"{cluster.provider} {cluster.region}" for cluster in plan.clusters}
    shown = table("Where", "Also paid", "What", ">$/month", wrapped={"What"})
    groups: dict[tuple[str, Category], list[tuple[str, Decimal]]] = {}
    for cost in plan.fixed_costs:
        what = cost.what + (" (usage)" if cost.is_usage else "")
        groups.setdefault((cost.cluster, cost.category), []).append((what, cost.usd_per_hour))
    for (cluster, category), costs in groups.items():
        total = sum((amount for _, amount in costs), Decimal(0))
        names = ", ".join(what for what, _ in costs)
        shown.add_row(where[cluster], category, names, usd(total * HOURS_PER_MONTH))
    return shown


def by_reason(pairs: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Join the names that share a reason, so that forty regions without a price take one line."""
    names: dict[str, list[str]] = {}
    for reason, name in pairs:
        names.setdefault(reason, []).append(name)
    return ((reason, ", ".join(group)) for reason, group in names.items())
