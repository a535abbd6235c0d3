"""The cost calculator of the book chapter that outlay grew out of, for comparison: no plan uses it.

Figures and rules are the chapter's own: prices of single GPUs "as of 2024", GPUs for replicas, GiB
called GB, and requests from a fixed rate instead of the demand. What is right instead is in
planning/ and pricing/.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.pricing.types import HOURS_PER_MONTH

# USD per GPU-hour by (provider, GPU). Azure and T4 are named in the chapter and have no price there.
LEGACY_USD_PER_GPU_HOUR = {
    ("coreweave", "a100_40gb"): Decimal("1.89"),
    ("coreweave", "a100_80gb"): Decimal("2.49"),
    ("coreweave", "h100_80gb"): Decimal("4.29"),
    ("lambda", "a100_40gb"): Decimal("1.95"),
    ("lambda", "a100_80gb"): Decimal("2.55"),
    ("lambda", "h100_80gb"): Decimal("4.49"),
    ("aws", "a100_40gb"): Decimal("3.24"),
    ("aws", "v100_32gb"): Decimal("2.04"),
    ("gcp", "a100_40gb"): Decimal("2.93"),
    ("gcp", "v100_32gb"): Decimal("1.85"),
}
STORAGE_COPIES = 3
STORAGE_USD_PER_GB_MONTH = Decimal("0.023")
NETWORK_GB_PER_REPLICA = 100
NETWORK_USD_PER_GB = Decimal("0.05")
MANAGEMENT_SHARE = Decimal("0.05")
REQUESTS_PER_REPLICA_HOUR = 100
UTILIZATION = Decimal("0.7")
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyCost:
    """A month of the chapter's fleet, USD; shares are of the total."""

    gpu: Decimal
    storage: Decimal
    network: Decimal
    management: Decimal
    requests: int

    @property
    def parts(self) -> dict[str, Decimal]:
        """The components by name: one set of names for amounts and shares."""
        return {
            "gpu": self.gpu,
            "storage": self.storage,
            "network": self.network,
            "management": self.management,
        }

    @property
    def total(self) -> Decimal:
        """All components."""
        return sum(self.parts.values(), Decimal(0))

    @property
    def shares(self) -> dict[str, Decimal]:
        """Each component's part of the total."""
        return {name: amount / self.total for name, amount in self.parts.items()}

    @property
    def usd_per_request(self) -> Decimal:
        """The chapter's cost of a request: over its own count of requests."""
        return self.total / self.requests


def legacy_cost(
    provider: str, gpu: str, *, gpus: int, weights_gb: Decimal, hours: int = HOURS_PER_MONTH
) -> LegacyCost:
    """Return what the chapter's calculator says of some GPUs for a number of hours.

    Hours scale the GPUs alone, as in the chapter: requests are those of 730 hours.
    """
    compute = LEGACY_USD_PER_GPU_HOUR[provider, gpu] * gpus * hours
    return LegacyCost(
        gpu=compute,
        storage=weights_gb * STORAGE_COPIES * STORAGE_USD_PER_GB_MONTH,
        network=gpus * NETWORK_GB_PER_REPLICA * NETWORK_USD_PER_GB,
        management=compute * MANAGEMENT_SHARE,
        requests=int(REQUESTS_PER_REPLICA_HOUR * UTILIZATION * gpus * HOURS_PER_MONTH),
    )


def requests_of_demand(rps: Decimal, *, hours: int = HOURS_PER_MONTH) -> Decimal:
    """Return the requests that a demand makes in some hours: what a cost is to be divided by."""
    return rps * SECONDS_PER_HOUR * hours
