"""Plans and comparisons as terminal tables. Colours are rich's affair: off in pipes and with NO_COLOR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from outlay.planning.plan import Placement, Plan
from outlay.planning.planner import Comparison
from outlay.pricing.types import HOURS_PER_MONTH
from outlay.reporting.as_json import gpus_by_type, markets
from outlay.reporting.money import usd
from outlay.sizing.types import Interval

# Wide enough for every column when output is piped and no terminal says how wide it is.
PIPE_WIDTH = 130


def console() -> Console:
    """Return a console for standard output."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def print_plan(plan: Plan) -> None:
    """Print a plan: headline, pools, workloads, other costs, who was left out, warnings."""
    out = console()
    out.print(_headline(plan))
    out.print(_pools(plan))
    out.print(_workloads(plan))
    out.print(_other_costs(plan))
    for left in _grouped(plan):
        out.print(Text(f"Left out: {left}", style="dim"))
    for warning in plan.warnings:
        out.print(Text(f"Warning: {warning}", style="yellow"))


def print_comparison(rows: Sequence[Comparison]) -> None:
    """Print one row per provider, cheapest first."""
    table = _table("Provider", ">$/month", ">$/M tokens", "GPUs", "Market", "Region", "Note")
    for row in rows:
        table.add_row(*_comparison_cells(row))
    console().print(table)


def _headline(plan: Plan) -> Text:
    text = Text()
    text.append(f"{usd(plan.usd_per_month)}/month", style="bold")
    text.append(f"   {usd(plan.usd_per_million_tokens)} per million tokens")
    text.append(f"   {usd(plan.usd_per_million_output_tokens)} per million output tokens")
    proof = "proven cheapest" if plan.mip_gap == 0 else f"within {plan.mip_gap:.2%} of the cheapest"
    text.append(
        f"\n{proof} for the prices of {plan.price_book.date} (book {plan.price_book.version})"
    )
    if plan.budget_usd_per_month is not None:
        share = plan.usd_per_month / plan.budget_usd_per_month
        text.append(f"; {share:.0%} of the budget of {usd(plan.budget_usd_per_month)}/month")
    return text


def _pools(plan: Plan) -> Table:
    table = _table(
        "Provider", "Region", "Instance", "Market", "GPUs", ">Nodes", ">$/node-h", ">$/month"
    )
    for pool in plan.pools:
        table.add_row(
            pool.provider,
            pool.region,
            pool.instance_type,
            pool.market,
            f"{pool.gpus_per_node} x {pool.gpu}",
            str(pool.nodes),
            usd(pool.usd_per_node_hour),
            usd(pool.usd_per_hour * HOURS_PER_MONTH),
        )
    return table


def _workloads(plan: Plan) -> Table:
    table = _table(
        "Model",
        ">Target req/s",
        ">Replicas",
        "Each on",
        "Precision",
        ">Req/s each",
        ">TTFT ms",
        ">TPOT ms",
        "Grade",
    )
    targets = {workload.name: workload for workload in plan.workloads}
    for placement in sorted(plan.placements, key=lambda p: p.workload):
        workload = targets[placement.workload]
        table.add_row(workload.model, f"{workload.target_rps:g}", *_placement_cells(placement))
    return table


def _placement_cells(placement: Placement) -> tuple[str, ...]:
    shape = placement.shape
    return (
        str(placement.replicas),
        f"{shape.gpus} x {shape.gpu}",
        shape.weight_precision,
        _range(shape.capacity_rps, digits=1),
        _range(shape.ttft_ms, digits=0),
        _range(shape.tpot_ms, digits=0),
        shape.grade,
    )


def _range(interval: Interval, *, digits: int) -> str:
    return f"{interval.expected:.{digits}f} ({interval.low:.{digits}f}-{interval.high:.{digits}f})"


def _other_costs(plan: Plan) -> Table:
    table = _table("Also paid", "Cluster", "For", ">$/month")
    for cost in plan.fixed_costs:
        usage = " (usage)" if cost.is_usage else ""
        amount = usd(cost.usd_per_hour * HOURS_PER_MONTH)
        table.add_row(cost.what + usage, cost.cluster, cost.category, amount)
    return table


def _grouped(plan: Plan) -> Iterable[str]:
    """One line per reason, so that forty regions without a price take one line."""
    by_reason: dict[str, list[str]] = {}
    for left in plan.left_out:
        by_reason.setdefault(left.reason, []).append(left.what)
    for reason, names in by_reason.items():
        yield f"{', '.join(names)}: {reason}"


def _comparison_cells(row: Comparison) -> tuple[str, ...]:
    if row.plan is None:
        return (row.provider, "-", "-", "-", "-", "-", row.reason)
    plan = row.plan
    return (
        row.provider,
        usd(plan.usd_per_month),
        usd(plan.usd_per_million_tokens),
        ", ".join(f"{count} x {gpu}" for gpu, count in gpus_by_type(plan).items()),
        " + ".join(markets(plan)),
        ", ".join(sorted({pool.region for pool in plan.pools})),
        row.reason,
    )


def _table(*columns: str) -> Table:
    """Return an empty table; a column that starts with `>` is right-aligned."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return table
