"""A small price book with round prices, for exact expectations."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from outlay.catalog import Confidence, CpuOffer, Market, Offer, ServicePrice, load_catalog
from outlay.pricing.rates import Rates
from outlay.pricing.types import Category, Cost, CostLine

SOURCE = "round figures"
DATE = "2026-11-01"


def gpu_offer(
    site: str, instance_type: str, usd_per_hour: str, *, market: Market = Market.ON_DEMAND
) -> Offer:
    """Return an offer of `provider/region`."""
    provider, region = site.split("/")
    return Offer(
        provider=provider,
        region=region,
        instance_type=instance_type,
        market=market,
        gpu="L4",
        gpus_per_node=1,
        vcpus=4,
        host_memory_gib=16,
        usd_per_hour=Decimal(usd_per_hour),
        as_of=DATE,
        source=SOURCE,
        confidence=Confidence.SOURCED,
    )


def cpu_offer(site: str, instance_type: str, usd_per_hour: str) -> CpuOffer:
    """Return a CPU offer of `provider/region`."""
    provider, region = site.split("/")
    return CpuOffer(
        provider=provider,
        region=region,
        instance_type=instance_type,
        vcpus=8,
        host_memory_gib=32,
        usd_per_hour=Decimal(usd_per_hour),
        as_of=DATE,
        source=SOURCE,
        confidence=Confidence.SOURCED,
    )


def service(provider: str, name: str, usd: str) -> ServicePrice:
    """Return the price of a service in every region of a provider."""
    return ServicePrice(
        provider=provider,
        service=name,
        region="*",
        unit="hour",
        usd=Decimal(usd),
        as_of=DATE,
        source=SOURCE,
        confidence=Confidence.SOURCED,
    )


# Block storage at 0.73 per GB-month makes one GiB cost exactly 0.001 per hour.
SERVICES = (
    service("azure", "premium_disk_128_gib", "7.30"),
    *(
        service(provider, name, usd)
        for provider in ("aws", "gcp", "azure")
        for name, usd in (
            ("control_plane", "0.10"),
            ("nat_gateway", "0.04"),
            ("public_ipv4", "0.005"),
            ("load_balancer", "0.02"),
            ("block_storage", "0.73"),
        )
    ),
)
OFFERS = (
    gpu_offer("aws/us-east-1", "g6.xlarge", "0.80"),
    gpu_offer("aws/us-east-1", "g6.xlarge", "0.30", market=Market.SPOT),
    gpu_offer("aws/us-east-1", "g6.2xlarge", "1.00"),
    gpu_offer("aws/eu-west-1", "g6.xlarge", "0.90"),
    gpu_offer("gcp/us-central1", "g2-standard-4", "0.70"),
    gpu_offer("gcp/us-central1", "g2-standard-4", "0.28", market=Market.SPOT),
    gpu_offer("gcp/us-central1", "n1-standard-4+1xnvidia-tesla-t4", "0.54"),
    gpu_offer("azure/eastus", "Standard_ND96isr_H100_v5", "98.00"),
    gpu_offer("azure/eastus", "Standard_ND96isr_H100_v5", "40.00", market=Market.SPOT),
    gpu_offer("coreweave/US-EAST-01A", "gd-8xh100ib-i128", "49.24"),
    gpu_offer("coreweave/US-WEST-01A", "gd-8xh100ib-i128", "49.24"),
    gpu_offer("coreweave/US-EAST-01A", "gd-8xh100ib-i128", "19.00", market=Market.SPOT),
    gpu_offer("coreweave/US-EAST-01A", "gb200-4x", "42.00"),
    gpu_offer("lambda/global", "gpu_1x_a10", "1.29"),
    gpu_offer("coreweave/US-EAST-01A", "varies", "1.00"),
    gpu_offer("coreweave/US-WEST-01A", "varies", "2.00"),
)
CPU_OFFERS = (
    cpu_offer("aws/us-east-1", "m6i.2xlarge", "0.40"),
    cpu_offer("gcp/us-central1", "e2-standard-8", "0.27"),
    cpu_offer("azure/eastus", "Standard_D8s_v5", "0.38"),
    cpu_offer("coreweave/US-EAST-01A", "turin-gp", "9.00"),
)
RATES = Rates(
    replace(load_catalog(), offers=OFFERS, cpu_offers=CPU_OFFERS, service_prices=SERVICES)
)


def line(what: str, category: Category, usd_per_hour: str) -> CostLine:
    """Return a cost line."""
    return CostLine(what=what, category=category, usd_per_hour=Decimal(usd_per_hour))


def cost(low: str, expected: str, high: str, *lines: CostLine) -> Cost:
    """Return a cost."""
    return Cost(low=Decimal(low), expected=Decimal(expected), high=Decimal(high), lines=lines)
