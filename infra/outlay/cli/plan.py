"""`outlay plan`: the cheapest node pools, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import decided, explaining, question, tell
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.explain import Explanation
    from outlay.planning.plan import Plan
    from outlay.planning.stability import Decision
    from outlay.planning.whatif import WhatIf


@click.command(short_help="Show the cheapest node pools and what they cost.")
@request_options
@click.option(
    "--explain",
    "with_reasons",
    is_flag=True,
    help="Also show why the others lost, and what would change the plan.",
)
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds after which --explain asks no further question.",
)
@click.option(
    "--diff", "with_diff", is_flag=True, help="Show the moves from the stack's pinned plan instead."
)
@click.option("--write", is_flag=True, help="Pin the new plan of a stack in plans/<stack>.json.")
@JSON_OPTION
def plan(
    *,
    request: Request,
    with_reasons: bool,
    patience_s: float,
    with_diff: bool,
    write: bool,
    as_json: bool,
) -> None:
    """Show the cheapest node pools that keep every workload's promise, and what they cost.

    A stack with a pinned plan gets that while it holds; --explain, --diff and --write make a new one.
    """
    from outlay.planning.budget import check_budget

    _check(request, with_diff=with_diff, write=write)
    what_if = question(request, patience_s=patience_s)
    with explaining(what_if), progress("planning"):
        decision = None if write and not with_diff else decided(what_if, request)
        new = what_if.plan()
    if with_diff:
        _show_diff(decision, request, as_json=as_json)
    elif with_reasons or write:
        explanation = _explained(what_if, new) if with_reasons else None
        _show(new, explanation, as_json=as_json)
    else:
        tell(decision)
        new = decision.plan if decision else new
        _show(new, None, as_json=as_json)
    with explaining(what_if):
        check_budget(new)
    if write:
        _write(new, request)


def _check(request: Request, *, with_diff: bool, write: bool) -> None:
    from outlay.errors import InputError

    flag = "--write" if write else "--diff"
    if not (write or with_diff):
        return
    if request.stack is None:
        raise InputError(f"{flag} is about the plan of a stack: give one, such as --stack dev")
    if write and request.flags:
        raise InputError(
            f"--write pins what the settings of Pulumi.{request.stack}.yaml ask for: put"
            f" {', '.join(request.flags)} there instead of into flags"
        )


def _explained(what_if: WhatIf, new: Plan) -> Explanation:
    from outlay.planning.explain import explain

    with progress("asking what would change the plan"):
        return explain(what_if, new)


def _show(made: Plan, explanation: Explanation | None, *, as_json: bool) -> None:
    from outlay.reporting.as_json import plan_json

    if as_json:
        shown = plan_json(made)
        if explanation is not None:
            from outlay.reporting.explain_json import explanation_json

            shown["explanation"] = explanation_json(explanation)
        print_json(shown)
        return
    from outlay.reporting.tables import print_plan

    print_plan(made)
    if explanation is not None:
        from outlay.reporting.explain import print_explanation

        print_explanation(made, explanation)


def _show_diff(decision: Decision | None, request: Request, *, as_json: bool) -> None:
    from outlay.errors import InputError
    from outlay.reporting.pin import diff_json, print_diff

    if decision is None:
        raise InputError(
            f"stack {request.stack} pins no plan: outlay plan --stack {request.stack} --write does"
        )
    if as_json:
        print_json(diff_json(decision))
    else:
        print_diff(decision)


def _write(made: Plan, request: Request) -> None:
    from outlay.planning.pin_file import pin_path, pinned, write_pin

    path = pin_path(request.project, made.stack)
    write_pin(pinned(made), path)
    click.echo(f"pinned in {path}; commit it, so that everybody's preview follows it", err=True)
