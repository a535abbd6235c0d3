"""What a cluster costs before it has a node: exactly the resources that its declaration adds."""

from __future__ import annotations

from outlay.pricing import aws_sites, azure, gcp
from outlay.pricing.inputs import NoPriceError
from outlay.pricing.rates import Rates
from outlay.pricing.rules import Service
from outlay.pricing.types import CostLine, Unpriced

STANDING: dict[str, tuple[Service, ...]] = {
    "aws": (aws_sites.CONTROL_PLANE, aws_sites.NAT, aws_sites.ADDRESS),
    "gcp": (gcp.CONTROL_PLANE, gcp.NAT, gcp.ADDRESS),
    "azure": (azure.CONTROL_PLANE, azure.NAT, azure.ADDRESS),
    # Included in the price of the nodes.
    "coreweave": (),
    "lambda": (),
}


def standing_costs(rates: Rates, *, provider: str, region: str) -> tuple[CostLine, ...] | Unpriced:
    """Return the costs of one empty cluster, USD per hour."""
    if provider not in STANDING:
        return Unpriced(reason=f"no list of standing costs for {provider}")
    try:
        return tuple(service.line(rates, region=region) for service in STANDING[provider])
    except NoPriceError as error:
        return Unpriced(reason=str(error))
