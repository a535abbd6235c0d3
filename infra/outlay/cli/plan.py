"""`outlay plan`: the cheapest node pools, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request, request_options
from outlay.cli.output import JSON_OPTION, print_json
from outlay.cli.planned import question
from outlay.cli.progress import progress

if TYPE_CHECKING:
    from outlay.planning.explain import Explanation
    from outlay.planning.plan import Plan


@click.command(short_help="Show the cheapest node pools and what they cost.")
@request_options
@click.option(
    "--explain",
    "with_reasons",
    is_flag=True,
    help="Also show why the others lost, and what would change the plan.",
)
@JSON_OPTION
def plan(request: Request, with_reasons: bool, as_json: bool) -> None:
    """Show the cheapest node pools that keep every workload's promise, and what they cost."""
    from outlay.planning.budget import check_budget

    what_if = question(request)
    explanation = None
    with progress("planning"):
        made = what_if.plan()
    if with_reasons:
        from outlay.planning.explain import explain

        with progress("asking what would change the plan"):
            explanation = explain(what_if, made)
    _show(made, explanation, as_json=as_json)
    check_budget(made)


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
