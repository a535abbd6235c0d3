"""`outlay cost`: what a state, a preview or a stack costs, of any Pulumi project."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.progress import progress
from outlay.cli.stack_options import PROJECT_OPTION, Usd

if TYPE_CHECKING:
    from outlay.pricing.documents import Declared
    from outlay.pricing.statement import Statement, Usage


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--stack", "-s", help="Price this stack's state, as the engine exports it.")
@click.option(
    "--planned",
    is_flag=True,
    help="With --stack: price what a preview would declare, and the usage that its plan expects.",
)
@PROJECT_OPTION
@click.option("--budget", type=Usd(), help="Exit with 3 when it costs more than this a month.")
@click.option(
    "--check-budget",
    is_flag=True,
    help="With --stack: the same, with the stack's own outlay:budgetUsdPerMonth.",
)
@JSON_OPTION
def cost(
    *,
    file: Path | None,
    stack: str | None,
    planned: bool,
    project: Path,
    budget: Decimal | None,
    check_budget: bool,
    as_json: bool,
) -> None:
    """Show what everything in FILE or in a stack costs, and what has no price.

    FILE is written by `pulumi stack export`, by `pulumi preview --json --show-sames`, or is an event
    log of the engine. Exit codes: 0 fine, 1 a problem in the input, 3 over the budget, or unpriced
    so that nobody knows.
    """
    from outlay.catalog import load_catalog
    from outlay.pricing.rates import Rates
    from outlay.pricing.statement import state_costs
    from outlay.reporting.cost import cost_json, print_cost

    _check_choice(file, stack, planned=planned, check_budget=check_budget)
    catalog = load_catalog()
    declared = _declared(file, stack, project=project, planned=planned)
    usage = _usage(stack, project) if planned and stack else ()
    statement = state_costs(declared, rates=Rates(catalog), usage=usage)
    book = catalog.price_book
    if as_json:
        print_json(cost_json(statement, book))
    else:
        print_cost(statement, book, is_planned=declared.is_preview)
    limit = own_budget(stack, project) if stack and check_budget else budget
    if limit is not None:
        hold_budget(statement, limit)


def _check_choice(
    file: Path | None, stack: str | None, *, planned: bool, check_budget: bool
) -> None:
    from outlay.errors import InputError

    if (file is None) == (stack is None):
        raise InputError("give either a FILE or --stack, for instance `outlay cost --stack dev`")
    if stack is None and (planned or check_budget):
        raise InputError("--planned and --check-budget are about a stack: add --stack")


def _declared(file: Path | None, stack: str | None, *, project: Path, planned: bool) -> Declared:
    from outlay.cli.engine import Engine, interruptible
    from outlay.pricing.declared import Surroundings
    from outlay.pricing.documents import Declared, parse_document, read_document

    if file is not None:
        return read_document(file)
    engine = Engine(project=project, stack=str(stack))
    if not planned:
        with progress(f"exporting stack {stack}"), interruptible():
            return parse_document(engine.export(), source=f"the export of stack {stack}")
    engine.check()
    with progress(f"previewing stack {stack}"), interruptible():
        preview = engine.preview(what=f"stack {stack}")
    resources = preview.planned
    around = Surroundings.of(resources, preview.config)
    return Declared(resources=resources, around=around, is_preview=True)


def _usage(stack: str, project: Path) -> tuple[Usage, ...]:
    """Return what the stack's plan expects to be paid by use; nothing when the project is not outlay's."""
    from outlay.cli.options import Request
    from outlay.cli.planned import planned as make_planned
    from outlay.pricing.statement import Usage
    from outlay.settings import raw_from_stack

    name = stack.rsplit("/", 1)[-1]
    raw = raw_from_stack(project, name)
    if not ("workloads" in raw or "model" in raw):
        return ()
    plan = make_planned(Request(stack=name, settings_file=None, project=project, flags={}))
    used = (each for each in plan.fixed_costs if each.is_usage)
    return tuple(
        Usage(what=each.what, cluster=each.cluster, usd_per_hour=each.usd_per_hour) for each in used
    )


def own_budget(stack: str, project: Path) -> Decimal:
    """Return the lower of the stack's and the runner's monthly budget, USD.

    Raises:
        InputError: there is none, or one of them is no amount above 0.
    """
    from outlay.errors import InputError
    from outlay.settings import raw_from_stack
    from outlay.variables import BUDGET_VARIABLE

    key = f"outlay:budgetUsdPerMonth of stack {stack}"
    raw = raw_from_stack(project, stack.rsplit("/", 1)[-1]).get("budgetUsdPerMonth")
    said = {key: raw, f"the variable {BUDGET_VARIABLE}": os.environ.get(BUDGET_VARIABLE)}
    limits = [_limit(value, where) for where, value in said.items() if value not in (None, "")]
    if not limits:
        raise InputError(f"{key} is not set; give --budget instead")
    return min(limits)


def _limit(value: object, where: str) -> Decimal:
    from outlay.cli.stack_options import amount
    from outlay.errors import InputError

    limit = amount(str(value))
    if limit is None or limit <= 0:
        raise InputError(f"{where} must be an amount above 0, got {value!r}; give --budget instead")
    return limit


def hold_budget(statement: Statement, limit: Decimal) -> None:
    """Raise OverLimitError when a month costs more than the limit, or cannot be shown to cost less."""
    from outlay.errors import OverLimitError
    from outlay.reporting.money import usd

    reasons = []
    spent = statement.total.usd_per_month
    least = "at least " if statement.unpriced else ""
    if spent > limit:
        reasons.append(
            f"{least}{usd(spent)}/month is {usd(spent - limit)} over the budget of {usd(limit)}/month"
        )
    if statement.unpriced:
        names = ", ".join(item.name for item in statement.unpriced)
        reasons.append(f"no price is known for {names}, so the budget cannot be shown to hold")
    if reasons:
        raise OverLimitError(reasons)
