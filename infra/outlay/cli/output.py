"""What every verb prints in the same way."""

from __future__ import annotations

import json

import click

from outlay.reporting.output import forget_output

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON (see docs/json.md).")


def print_json(value: object) -> None:
    """Print a value as indented JSON to standard output; a reader that went away is no error."""
    try:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
    except BrokenPipeError:
        forget_output()
