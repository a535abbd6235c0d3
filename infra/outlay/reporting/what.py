"""What a plan buys, in a few words."""

from __future__ import annotations

from outlay.planning.plan import Plan
from outlay.planning.whatif import Outcome
from outlay.reporting.as_json import gpus_by_type, markets


def gpus(plan: Plan) -> str:
    """Write the GPUs of a plan as `4 x L4, 1 x L40S`."""
    return ", ".join(f"{count} x {gpu}" for gpu, count in gpus_by_type(plan).items())


def bought(outcome: Outcome) -> str:
    """Write what an answer buys as `4 x L4, 1 x L40S on spot`."""
    if outcome.plan is None:
        return "nothing that serves it"
    return f"{gpus(outcome.plan)} {' + '.join(markets(outcome.plan))}"
