"""`outlay render`: the plan's Kubernetes objects as YAML files."""

from __future__ import annotations

from pathlib import Path

import click

from outlay.cli.options import Request, request_options
from outlay.cli.planned import planned
from outlay.cli.progress import progress


@click.command(short_help="Write the plan's Kubernetes objects as YAML.")
@request_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to; made when missing.",
)
def render(request: Request, out: Path) -> None:
    """Write the Kubernetes objects of the plan as YAML, the same that `pulumi up` declares."""
    from outlay.catalog import load_catalog
    from outlay.planning.budget import check_budget
    from outlay.serving.render import render as render_plan
    from outlay.serving.write import write

    made = planned(request)
    with progress("rendering and checking objects"):
        serving = request.settings(load_catalog()).serving
        written = write(render_plan(made, serving=serving), out)
    click.echo(f"wrote {len(written)} files to {out}")
    check_budget(made)
