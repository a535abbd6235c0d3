"""`outlay diff`: what a change costs, before it is merged."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click

from outlay.cli.output import print_json
from outlay.cli.stack_options import (
    PACK_CONFIG_OPTION,
    PACK_OPTION,
    PROJECT_OPTION,
    Percent,
    Usd,
    paired,
)

FORMATS = ("table", "json", "markdown")


@click.command()
@click.option("--stack", "-s", required=True, help="The stack that the change is for.")
@click.option("--base", help="Commit or branch to compare with; without it, what is deployed now.")
@PROJECT_OPTION
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@PACK_OPTION
@PACK_CONFIG_OPTION
@click.option(
    "--fail-over-usd", type=Usd(), help="Exit with 3 when the change adds more USD a month."
)
@click.option(
    "--fail-over-percent", type=Percent(), help="Exit with 3 when it adds more percent of base."
)
@click.option(
    "--allow-unpriced", is_flag=True, help="Let the limits pass what has no price, with a warning."
)
def diff(
    *,
    stack: str,
    base: str | None,
    project: Path,
    form: str,
    policy_packs: tuple[Path, ...],
    pack_configs: tuple[Path, ...],
    fail_over_usd: Decimal | None,
    fail_over_percent: Decimal | None,
    allow_unpriced: bool,
) -> None:
    """Show what a change costs: deployed, base and head of a stack, for one state and one price book.

    Head is the project's folder as it is now. Exit codes: 0 fine, 1 a problem in the input or a side
    that does not preview, 3 over a limit or unpriced so that nobody knows, 4 a mandatory policy failed.
    """
    from outlay.cli.diffing import hold, make_diff
    from outlay.cli.engine import Engine
    from outlay.pricing.limits import Limits

    packs = paired(policy_packs, pack_configs)
    made = make_diff(Engine(project=project, stack=stack, policy_packs=packs), base)
    if form == "json":
        from outlay.reporting.diff import diff_json

        print_json(diff_json(made))
    elif form == "markdown":
        from outlay.reporting.comment import comment

        click.echo(comment([made]))
    else:
        from outlay.reporting.diff import print_diff

        print_diff(made)
    limits = Limits(
        usd_per_month=fail_over_usd, percent=fail_over_percent, allow_unpriced=allow_unpriced
    )
    hold([made], limits)
