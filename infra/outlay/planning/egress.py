"""What answers cost on their way to the clients: internet egress by provider and volume."""

from __future__ import annotations

from decimal import Decimal

from outlay.pricing.rates import Rates
from outlay.pricing.types import HOURS_PER_MONTH, Unpriced

SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
BYTES_PER_GB = 1_000_000_000


def egress_gb_per_month(*, rps: float, output_tokens: int, bytes_per_token: float) -> Decimal:
    """Return the volume of answers a month."""
    volume = rps * output_tokens * bytes_per_token * SECONDS_PER_MONTH / BYTES_PER_GB
    return Decimal(str(round(volume, 6)))


def egress_usd_per_hour(
    rates: Rates, *, provider: str, region: str, gb_per_month: Decimal
) -> Decimal | Unpriced:
    """Return USD per hour for a volume at the first paid tier; free allowances are not counted.

    Allowances are per account, and a plan cannot know what else the account sends.
    """
    price = rates.service(provider=provider, service="internet_egress", region=region)
    return price if isinstance(price, Unpriced) else price * gb_per_month / HOURS_PER_MONTH
