"""`outlay comment`: what a change costs, as one comment on its pull request."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.stack_options import (
    PACK_CONFIG_OPTION,
    PACK_OPTION,
    PROJECT_OPTION,
    Percent,
    Usd,
    paired,
)

if TYPE_CHECKING:
    from outlay.pricing.diff import StackDiff


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--stack", "-s", "stacks", multiple=True, help="Make the diff of this stack now; repeatable."
)
@click.option("--base", help="With --stack: commit or branch to compare with.")
@PROJECT_OPTION
@PACK_OPTION
@PACK_CONFIG_OPTION
@click.option("--dry-run", is_flag=True, help="Print the comment and write nothing.")
@click.option("--pull-request", type=click.IntRange(min=1), help="Number; GITHUB_REF's by default.")
@click.option("--fail-over-usd", type=Usd(), help="As `outlay diff`, for each stack.")
@click.option("--fail-over-percent", type=Percent(), help="As `outlay diff`, for each stack.")
@click.option("--allow-unpriced", is_flag=True, help="As `outlay diff`.")
def comment(
    *,
    files: tuple[Path, ...],
    stacks: tuple[str, ...],
    base: str | None,
    project: Path,
    policy_packs: tuple[Path, ...],
    pack_configs: tuple[Path, ...],
    dry_run: bool,
    pull_request: int | None,
    fail_over_usd: Decimal | None,
    fail_over_percent: Decimal | None,
    allow_unpriced: bool,
) -> None:
    """Write one comment for all stacks of a change, or update the one that is there.

    FILES are written by `outlay diff --format json`; with --stack the diffs are made now. Needs
    GITHUB_TOKEN and GITHUB_REPOSITORY, and writes nothing else. Exit codes: as `outlay diff`; the
    comment is written before a limit or a policy ends the command.
    """
    from outlay.cli.diffing import hold
    from outlay.pricing.limits import Limits
    from outlay.reporting.comment import MARKER
    from outlay.reporting.comment import comment as as_comment

    packs = paired(policy_packs, pack_configs)
    diffs = _diffs(files, stacks, base=base, project=project, packs=packs)
    text = as_comment(diffs)
    if dry_run:
        click.echo(text, nl=False)
    else:
        from outlay.cli.github import PullRequest

        click.echo(PullRequest.from_environment(pull_request).put(text, marker=MARKER))
    limits = Limits(
        usd_per_month=fail_over_usd, percent=fail_over_percent, allow_unpriced=allow_unpriced
    )
    hold(diffs, limits)


def _diffs(
    files: tuple[Path, ...],
    stacks: tuple[str, ...],
    *,
    base: str | None,
    project: Path,
    packs: tuple[tuple[Path, Path | None], ...],
) -> list[StackDiff]:
    from outlay.cli.diffing import make_diff
    from outlay.cli.engine import Engine
    from outlay.errors import InputError
    from outlay.reporting.diff import read_diff

    if bool(files) == bool(stacks):
        raise InputError("give either FILES of `outlay diff --format json`, or one --stack or more")
    if files:
        return [read_diff(file) for file in files]
    engines = [Engine(project=project, stack=stack, policy_packs=packs) for stack in stacks]
    return [make_diff(engine, base) for engine in engines]
