"""What is charged by use: not counted, but named with its rate wherever a cost is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from outlay.pricing.inputs import NoPriceError
from outlay.pricing.rules import Request, Rule
from outlay.pricing.types import Cost, Free, Metered, Unpriced

GB, GB_MONTH = "GB", "GB-month"
BY_USE = "no standing cost; charged by use"
Region = Callable[[Request], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One thing that a provider counts; without a service the price book has no rate for it."""

    provider: str
    what: str
    unit: str
    service: str | None = None

    def read(self, request: Request, region: Region) -> Metered:
        """Return it with its rate where the resource is; without one when nothing says where."""
        return Metered(what=self.what, unit=self.unit, usd_per_unit=self._rate(request, region))

    def _rate(self, request: Request, region: Region) -> Decimal | None:
        if self.service is None:
            return None
        try:
            where = region(request)
        except NoPriceError:
            where = EVERYWHERE
        found = request.rates.service(provider=self.provider, service=self.service, region=where)
        return None if isinstance(found, Unpriced) else found


# The price book's name of the rate that holds where no other does.
EVERYWHERE = "*"


def by_use(*meters: Meter, region: Region) -> Rule:
    """Return the rule of a type that costs only what its use costs."""

    def rule(request: Request) -> Free:
        return Free(reason=BY_USE, metered=tuple(each.read(request, region) for each in meters))

    return rule


def with_use(rule: Rule, *meters: Meter, region: Region) -> Rule:
    """Return a rule whose cost names what comes on top by use."""

    def metered(request: Request) -> Cost | Free:
        found = rule(request)
        if isinstance(found, Free):
            return found
        return replace(found, metered=tuple(each.read(request, region) for each in meters))

    return metered
