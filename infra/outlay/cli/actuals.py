"""`outlay actuals`: what was really spent, against the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.stack_options import PROJECT_OPTION

if TYPE_CHECKING:
    from outlay.pricing.actuals import Planned

COST_COLUMNS = ("EffectiveCost", "BilledCost")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--stack", "-s", help="Compare with the plan of this stack.")
@PROJECT_OPTION
@click.option(
    "--label", default="team", show_default=True, help="Label of anomalies and chargeback."
)
@click.option(
    "--z-limit",
    type=click.FloatRange(min=0.1),
    default=3.5,
    show_default=True,
    help="Robust z-score from which a day is unusual.",
)
@click.option(
    "--cost-column",
    type=click.Choice(COST_COLUMNS),
    default=COST_COLUMNS[0],
    show_default=True,
    help="FOCUS column to count: EffectiveCost spreads commitments over what uses them.",
)
@JSON_OPTION
def actuals(
    *,
    file: Path,
    stack: str | None,
    project: Path,
    label: str,
    z_limit: float,
    cost_column: str,
    as_json: bool,
) -> None:
    """Compare a bill with the plan, find unusual days and charge teams.

    FILE is a billing export in FOCUS format (CSV) or the answer of OpenCost's /allocation (JSON),
    both in USD.
    """
    from outlay.errors import InputError
    from outlay.pricing.actuals import compare
    from outlay.pricing.billing import read_spend
    from outlay.reporting.actuals import actuals_json, print_actuals

    spend = read_spend(file, cost_column=cost_column)
    if not spend:
        raise InputError(f"{file} has no rows, so there is nothing to compare")
    planned = None if stack is None else _planned(stack, project)
    compared = compare(spend, planned, label=label, z_limit=z_limit)
    if as_json:
        print_json(actuals_json(compared))
    else:
        print_actuals(compared)


def _planned(stack: str, project: Path) -> Planned:
    from outlay.cli.options import Request
    from outlay.cli.planned import planned
    from outlay.pricing.actuals import STACK_LABELS, Planned, PlannedPool

    name = stack.rsplit("/", 1)[-1]
    plan = planned(Request(stack=name, settings_file=None, project=project, flags={}))
    gpu = [
        PlannedPool(cluster=pool.cluster, pool=pool.name, usd_per_hour=pool.usd_per_hour)
        for pool in plan.pools
    ]
    cpu = [
        PlannedPool(
            cluster=cluster.name,
            pool=cluster.cpu_pool.name,
            usd_per_hour=cluster.cpu_pool.usd_per_node_hour * cluster.cpu_pool.nodes,
        )
        for cluster in plan.clusters
        if cluster.cpu_pool is not None
    ]
    own = tuple(zip(STACK_LABELS, (plan.project, plan.stack), strict=True))
    return Planned(pools=(*gpu, *cpu), usd_per_hour=plan.usd_per_hour, labels=(*own, *plan.tags))
