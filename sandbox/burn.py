"""What the ledger's resources cost an hour, by the price book that plans and policies use."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.catalog import load_catalog
from outlay.pricing.price import price
from outlay.pricing.rates import Rates
from outlay.pricing.types import Free, Unpriced
from sandbox.gcp_rules import region_of
from sandbox.lambda_cloud import INSTANCE, RULESET
from sandbox.ledger import Ledger, Record

# What the ledger calls Lambda's things, and what a program declares them as.
DECLARED = {
    INSTANCE: "pulumi-python:dynamic/outlay/lambda:Instance",
    RULESET: "pulumi-python:dynamic/outlay/lambda:FirewallRuleset",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource; no price is one that nobody knows."""

    token: str
    name: str
    region: str
    usd_per_hour: Decimal | None

    @property
    def usd_text(self) -> str:
        """The price as people read it."""
        return "unpriced" if self.usd_per_hour is None else f"{self.usd_per_hour:.4f}"


def burn(ledger: Ledger) -> list[Row]:
    """Return every resource with its price, oldest first."""
    rates = Rates(load_catalog())
    return [_row(record, rates) for record in ledger.records()]


def _row(record: Record, rates: Rates) -> Row:
    # Objects lie in a cluster, which is no place that anything is sold in.
    place = None if record.package == "kubernetes" else region_of(record.region)
    token = DECLARED.get(record.token, record.token)
    found = price(token, record.inputs, rates=rates, region=place)
    if isinstance(found, Unpriced):
        usd = None
    else:
        usd = Decimal(0) if isinstance(found, Free) else found.expected
    name = record.name or str(record.inputs.get("name") or record.id)
    return Row(token=record.token, name=name, region=record.region, usd_per_hour=usd)
