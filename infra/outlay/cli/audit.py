"""`outlay audit`: whether what is deployed still keeps its policies and its budget."""

from __future__ import annotations

import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from outlay.cli.cost import hold_budget, own_budget
from outlay.cli.progress import progress
from outlay.cli.stack_options import PROJECT_OPTION, Usd

if TYPE_CHECKING:
    import subprocess

    from outlay.cli.engine import Engine

# How the engine says that a state breaks rules.
VIOLATED = "mandatory policy violations"


@click.command()
@click.option("--stack", "-s", required=True, help="The deployed stack to audit.")
@PROJECT_OPTION
@click.option(
    "--policy-pack",
    "policy_pack",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Policy pack to run over the state.",
)
@click.option(
    "--policy-pack-config",
    "pack_config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The pack's configuration.",
)
@click.option(
    "--budget",
    type=Usd(),
    help="USD a month; by default the stack's own or the runner's, whichever is lower.",
)
def audit(
    *,
    stack: str,
    project: Path,
    policy_pack: Path | None,
    pack_config: Path | None,
    budget: Decimal | None,
) -> None:
    """Price a stack's state against its budget and run a policy pack over it; nothing is previewed.

    Exit codes: 0 fine, 1 a problem in the input, 3 over the budget or unpriced so that nobody knows,
    4 a mandatory policy failed.
    """
    from outlay.catalog import load_catalog
    from outlay.cli.engine import Engine, interruptible
    from outlay.errors import PolicyFailedError
    from outlay.pricing.documents import parse_document
    from outlay.pricing.rates import Rates
    from outlay.pricing.statement import state_costs
    from outlay.reporting.cost import print_cost

    limit = own_budget(stack, project) if budget is None else budget
    engine = Engine(project=project, stack=stack)
    with progress(f"exporting stack {stack}"), interruptible():
        state = engine.export()
    catalog = load_catalog()
    declared = parse_document(state, source=f"the export of stack {stack}")
    statement = state_costs(declared, rates=Rates(catalog))
    print_cost(statement, catalog.price_book, is_planned=False)
    failed = policy_pack is not None and not _passes(
        engine, policy_pack, pack_config, limit=limit, state=state
    )
    hold_budget(statement, limit)
    if failed:
        raise PolicyFailedError([f"{stack}: see the policies above"])


def _passes(engine: Engine, pack: Path, config: Path | None, *, limit: Decimal, state: str) -> bool:
    """Run the pack over the state and show what it says."""
    from outlay.cli.engine import interruptible
    from outlay.errors import EngineError

    with progress("running the policy pack over the state"), interruptible():
        answer = _analyzed(engine, pack, config, limit=limit, state=state)
    click.echo(f"\n{answer.stdout.strip()}")
    if answer.returncode and VIOLATED not in answer.stdout + answer.stderr:
        raise EngineError(f"the policy pack could not be run: {answer.stderr.strip()}")
    return answer.returncode == 0


def _analyzed(
    engine: Engine, pack: Path, config: Path | None, *, limit: Decimal, state: str
) -> subprocess.CompletedProcess[str]:
    from dataclasses import replace

    with tempfile.TemporaryDirectory(prefix="outlay-audit-") as scratch:
        state_file = Path(scratch) / "state.json"
        state_file.write_text(state, encoding="utf-8")
        packed = replace(engine, policy_packs=((pack, config),))
        return packed.analyze(state_file, variables=pack_variables(engine, limit))


def pack_variables(engine: Engine, limit: Decimal) -> dict[str, str]:
    """Return what the engine keeps from a pack in an audit: the stack's settings that decide.

    The runner's own word on the environment stands: the stack's settings are not to overrule it.
    """
    from outlay.settings import raw_from_stack
    from outlay.variables import BUDGET_VARIABLE, ENVIRONMENT_VARIABLE, STACK_LIMITS_VARIABLE

    raw = raw_from_stack(engine.project, engine.name)
    told = os.environ.get(ENVIRONMENT_VARIABLE) or raw.get("environment") or engine.name
    limits = raw.get("limits") or {}
    return {
        ENVIRONMENT_VARIABLE: str(told),
        BUDGET_VARIABLE: str(limit),
        STACK_LIMITS_VARIABLE: limits if isinstance(limits, str) else json.dumps(limits),
    }
