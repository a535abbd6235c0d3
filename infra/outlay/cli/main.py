"""The verbs of the command line. Exit codes: 0 fine, 1 wrong input, 2 no feasible plan, 3 over budget."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.options import Request, request_options
from outlay.cli.progress import progress
from outlay.errors import OutlayError

if TYPE_CHECKING:
    from outlay.planning.plan import Plan

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON (see docs/json.md).")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="outlay", message="outlay %(version)s")
def cli() -> None:
    """Size LLM serving, price it on every cloud, and plan the cheapest GPU pools that keep the promise.

    Exit codes: 0 fine, 1 a problem in the input, 2 no feasible plan, 3 over budget.
    """


@cli.command()
@request_options
@JSON_OPTION
def plan(request: Request, as_json: bool) -> None:
    """Show the cheapest node pools that keep every workload's promise, and what they cost."""
    made = _make_plan(request)
    if as_json:
        from outlay.reporting.as_json import plan_json

        _print_json(plan_json(made))
    else:
        from outlay.reporting.tables import print_plan

        print_plan(made)
    _check_budget(made)


@cli.command()
@request_options
@JSON_OPTION
def compare(request: Request, as_json: bool) -> None:
    """Show what each provider alone would cost, cheapest first."""
    from outlay.catalog import load_catalog
    from outlay.errors import NoFeasiblePlanError
    from outlay.planning.planner import compare as compare_providers

    catalog = load_catalog()
    settings = request.settings(catalog)
    with progress("comparing providers"):
        rows = compare_providers(settings, catalog)
    if as_json:
        from outlay.reporting.as_json import compare_json

        _print_json(compare_json(rows))
    else:
        from outlay.reporting.tables import print_comparison

        print_comparison(rows)
    if all(row.plan is None for row in rows):
        raise NoFeasiblePlanError("no provider can serve this; the table says why")


@cli.command()
@request_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to; made when missing.",
)
def render(request: Request, out: Path) -> None:
    """Write the Kubernetes objects of the plan as YAML, the same that `pulumi up` declares."""
    from outlay.serving.render import render as render_plan
    from outlay.serving.write import write

    made = _make_plan(request)
    with progress("rendering and checking objects"):
        written = write(render_plan(made), out)
    click.echo(f"wrote {len(written)} files to {out}")
    _check_budget(made)


def _make_plan(request: Request) -> Plan:
    from outlay.catalog import load_catalog
    from outlay.planning.planner import Identity, make_plan

    catalog = load_catalog()
    settings = request.settings(catalog)
    identity = Identity(project="outlay", stack=request.stack or "dev")
    with progress("planning"):
        return make_plan(settings, catalog, identity=identity)


def _check_budget(made: Plan) -> None:
    from outlay.planning.budget import check_budget

    check_budget(made)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def main() -> None:
    """Run the command; a user's mistake ends in one message and an exit code, never a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except click.Abort:
        click.echo("aborted", err=True)
        sys.exit(130)
    except OutlayError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) went away: no fault of ours, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
