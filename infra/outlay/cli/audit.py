"""`outlay audit`: whether what is deployed still keeps its policies and its budget."""

from __future__ import annotations

import json
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

# Rules of outlay's pack that ask for the budget, and how they call it.
BUDGET_POLICIES, BUDGET_KEY = ("monthly-budget", "budget-required"), "usdPerMonth"
# Tells the pack the environment, which decides how strict it is.
ENVIRONMENT = "OUTLAY_ENVIRONMENT"
# How the engine says that it refuses a pack's configuration, and that a state breaks rules.
REFUSED, VIOLATED = "configuring policy pack", "mandatory policy violations"


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
    help="The pack's configuration, into which the budget is written.",
)
@click.option("--budget", type=Usd(), help="USD a month; the stack's own by default.")
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
        engine, policy_pack, _own_settings(pack_config), limit=limit, state=state
    )
    hold_budget(statement, limit)
    if failed:
        raise PolicyFailedError([f"{stack}: see the policies above"])


def _own_settings(pack_config: Path | None) -> dict[str, object]:
    from outlay.errors import InputError

    settings: object = {}
    if pack_config is not None:
        try:
            settings = json.loads(pack_config.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{pack_config} cannot be read as JSON: {error}") from None
    if not isinstance(settings, dict):
        raise InputError(f"{pack_config} must hold a JSON object of policies")
    return settings


def _with_budgets(settings: dict[str, object], limit: Decimal) -> dict[str, object]:
    """Return a pack's configuration with the budget: in an audit a pack sees no stack's settings."""
    return settings | {name: _with_budget(settings.get(name), limit) for name in BUDGET_POLICIES}


def _with_budget(own: object, limit: Decimal) -> object:
    if isinstance(own, str):  # an enforcement level
        return {BUDGET_KEY: float(limit), "enforcementLevel": own}
    return {BUDGET_KEY: float(limit), **(own if isinstance(own, dict) else {})}


def _variables(engine: Engine) -> dict[str, str]:
    from outlay.settings import raw_from_stack

    named = raw_from_stack(engine.project, engine.name).get("environment")
    return {ENVIRONMENT: str(named or engine.name)}


def _passes(
    engine: Engine, pack: Path, own: dict[str, object], *, limit: Decimal, state: str
) -> bool:
    """Run the pack over the state and show what it says."""
    from outlay.cli.engine import interruptible
    from outlay.errors import EngineError

    with progress("running the policy pack over the state"), interruptible():
        answer = _analyzed(engine, pack, _with_budgets(own, limit), state=state)
        if answer.returncode and REFUSED in answer.stderr:
            # A pack that is not outlay's has no rules of these names.
            answer = _analyzed(engine, pack, own, state=state)
    click.echo(f"\n{answer.stdout.strip()}")
    if answer.returncode and VIOLATED not in answer.stdout + answer.stderr:
        raise EngineError(f"the policy pack could not be run: {answer.stderr.strip()}")
    return answer.returncode == 0


def _analyzed(
    engine: Engine, pack: Path, settings: dict[str, object], *, state: str
) -> subprocess.CompletedProcess[str]:
    from dataclasses import replace

    with tempfile.TemporaryDirectory(prefix="outlay-audit-") as scratch:
        state_file, config = Path(scratch) / "state.json", Path(scratch) / "policies.json"
        state_file.write_text(state, encoding="utf-8")
        config.write_text(json.dumps(settings), encoding="utf-8")
        packed = replace(engine, policy_packs=((pack, config),))
        return packed.analyze(state_file, variables=_variables(engine))
