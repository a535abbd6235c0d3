"""The command line: one module per verb. Exit codes: see `cli`."""

from __future__ import annotations

import errno
import sys

import click

from outlay.cli.actuals import actuals
from outlay.cli.audit import audit
from outlay.cli.calibrate import calibrate
from outlay.cli.chargeback import chargeback
from outlay.cli.comment import comment
from outlay.cli.compare import compare
from outlay.cli.convert import convert
from outlay.cli.cost import cost
from outlay.cli.diff import diff
from outlay.cli.disaggregate import disaggregate
from outlay.cli.forecast import forecast
from outlay.cli.plan import plan
from outlay.cli.precision import precision
from outlay.cli.predict import predict
from outlay.cli.prices import prices
from outlay.cli.render import render
from outlay.cli.size import size
from outlay.cli.spot import spot
from outlay.cli.sweep import sweep
from outlay.errors import OutlayError
from outlay.reporting.output import forget_output

# What a write to standard output ends with when there is no room for it.
FULL = (errno.ENOSPC, errno.EDQUOT)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="outlay", message="outlay %(version)s")
def cli() -> None:
    """Size LLM serving, price it on every cloud, and plan the cheapest GPU pools that keep the promise.

    Exit codes: 0 fine, 1 a problem in the input, 2 no feasible plan, 3 over budget or over
    a limit, 4 a mandatory policy failed.
    """


for verb in (
    plan,
    compare,
    sweep,
    forecast,
    chargeback,
    render,
    convert,
    precision,
    cost,
    diff,
    comment,
    actuals,
    audit,
    calibrate,
    size,
    spot,
    disaggregate,
    prices,
    predict,
):
    cli.add_command(verb)


def main() -> None:
    """Run the command; a user's mistake ends in one message and an exit code, never a traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("aborted", err=True)
        sys.exit(130)
    except OutlayError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in FULL:
            raise
        forget_output()
        click.echo(f"error: the output cannot be written: {error.strerror}", err=True)
        sys.exit(1)
