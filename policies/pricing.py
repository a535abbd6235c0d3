"""Rules: nothing is declared without a price, and prices are not out of date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from pulumi_policy import Severity

from outlay.pricing.types import Unpriced
from policies import declared as facts
from policies.declared import Declared
from policies.options import WHOLE, Option
from policies.rule import (
    MANDATORY,
    STRICT_IN_PROD,
    Finding,
    ResourceRule,
    RestsError,
    Situation,
    StackRule,
)
from policies.stack import Stack


def _unpriced(declared: Declared, _situation: Situation) -> Iterable[str]:
    if isinstance(declared.price, Unpriced):
        yield (
            f"no price is known: {declared.price.reason}.\nWhatever it costs would not count against the"
            f" budget.{_hint(declared)}"
        )


def _hint(declared: Declared) -> str:
    if not facts.refers(declared):
        return ""
    return (
        " A launch template or node class of this stack must be declared before it: add depends_on."
    )


NO_UNPRICED = ResourceRule(
    name="no-unpriced-resources",
    holds="Every resource has a known price or is known to be free.",
    reason="What has no price counts for nothing in every budget.",
    remedy="Declare what is missing, or a type that has a price; else make this rule advisory in the pack's configuration.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    check=_unpriced,
)

# Their provider registers the objects in them, and cannot before it reaches the cluster.
REMOTE = ("kubernetes:yaml/", "kubernetes:kustomize/", "kubernetes:helm.sh/v4:")


def _hidden(stack: Stack, _situation: Situation) -> Iterable[Finding]:
    for each in stack.resources:
        if each.resource_type.startswith(REMOTE) and each.urn not in stack.parents:
            kind = each.resource_type.rpartition(":")[2]
            yield Finding(
                f"this {kind} shows none of its objects: its provider reads them only when it reaches"
                " the cluster. What they buy would not count against the budget.",
                each.urn,
            )


NO_HIDDEN = StackRule(
    name="no-hidden-objects",
    holds="Every chart and file of objects shows what is in it.",
    reason="A file or chart that is read later may buy anything, and no preview shows it.",
    remedy="Declare the objects one by one, or make the cluster in an update before.",
    severity=Severity.HIGH,
    levels=MANDATORY,
    check=_hidden,
)

MAX_DAYS = "maxDays"


def _too_old(_stack: Stack, situation: Situation) -> Iterable[Finding]:
    most = situation.options.whole(MAX_DAYS)
    if most is None:
        raise RestsError(f"the pack's configuration sets no {MAX_DAYS}")
    book = facts.rates().catalog.price_book
    age = (_today() - date.fromisoformat(book.date)).days
    if age > most:
        yield Finding(
            f"the price book is of {book.date}, {age} days old; at most {most} are allowed. Every amount"
            " here may be wrong by what prices have moved since."
        )


def _today() -> date:
    return datetime.now(UTC).date()


PRICE_BOOK_AGE = StackRule(
    name="price-book-age",
    holds="Prices are recent.",
    reason="A budget that is checked against old prices is a guess.",
    remedy="Refresh the price book in a commit of its own, which shows what that changes.",
    severity=Severity.MEDIUM,
    levels=STRICT_IN_PROD,
    options={MAX_DAYS: Option(kind=WHOLE, above=0, meaning="Oldest price book, in days")},
    check=_too_old,
)

RULES = (NO_UNPRICED, NO_HIDDEN, PRICE_BOOK_AGE)
