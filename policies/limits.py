"""The limits that a stack's spending is held to, and where they were set."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from outlay.variables import BUDGET_VARIABLE
from policies.options import OptionError
from policies.rule import Situation

PER_MONTH, PER_HOUR = "usdPerMonth", "usdPerHour"
STACK_KEY = "budgetUsdPerMonth"


@dataclass(frozen=True, slots=True)
class Limit:
    """Most USD that may be spent in some time, and who said so."""

    usd: Decimal
    source: str


def monthly_limit(situation: Situation) -> Limit | None:
    """Return the lowest of the runner's, the pack's and the stack's budget, None without any.

    A stack's own budget can only tighten the others, so raising it in a change buys nothing.

    Raises:
        OptionError: a budget is no amount above 0. A typing error must not switch the guard off.
    """
    return min(_monthly(situation), key=lambda limit: limit.usd, default=None)


def _monthly(situation: Situation) -> Iterable[Limit]:
    if PER_MONTH in situation.options.known and situation.options.has(PER_MONTH):
        yield _limit(situation.options.text(PER_MONTH), f"{PER_MONTH} {situation.options.source}")
    runners = os.environ.get(BUDGET_VARIABLE)
    if runners is not None:
        yield _limit(runners, f"the variable {BUDGET_VARIABLE}")
    own = situation.own(STACK_KEY)
    if own is not None:
        yield _limit(own, f"outlay:{STACK_KEY}")


def hourly_limit(situation: Situation) -> Limit | None:
    """Return the limit per hour, None when there is none. Raises OptionError."""
    if not situation.options.has(PER_HOUR):
        return None
    return _limit(situation.options.text(PER_HOUR), f"{PER_HOUR} {situation.options.source}")


def _limit(text: str | None, source: str) -> Limit:
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount <= 0:
        raise OptionError(f"{source} must be an amount of USD above 0, got {text!r}")
    return Limit(amount, source)
