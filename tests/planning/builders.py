"""Small catalogues and settings to plan with: real models and GPUs, few offers, chosen prices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from outlay.catalog import Catalog, Confidence, Market, Offer, load_catalog
from outlay.settings import Settings, parse_settings

REAL = load_catalog()
REGIONS = {"aws": ("us-east-1", "us-east-2"), "gcp": ("us-central1", "europe-west4")}
# Here routers may stand beside engines that stay; US-WEST-02B and Lambda sell no CPU nodes.
BARE_METAL = {"coreweave": ("RNO2A", "US-WEST-02B"), "lambda": ("global",)}


def offer(
    *,
    provider: str = "aws",
    region: str = "us-east-1",
    instance_type: str = "g6e.xlarge",
    market: Market = Market.ON_DEMAND,
    gpu: str = "L40S",
    gpus_per_node: int = 1,
    usd_per_hour: str = "1.861",
) -> Offer:
    """Return an offer; its host is large enough for any replica."""
    return Offer(
        provider=provider,
        region=region,
        instance_type=instance_type,
        market=market,
        gpu=gpu,
        gpus_per_node=gpus_per_node,
        vcpus=16 * gpus_per_node,
        host_memory_gib=128.0 * gpus_per_node,
        usd_per_hour=Decimal(usd_per_hour),
        as_of="2026-08-10",
        source="test",
        confidence=Confidence.SOURCED,
    )


def catalog(offers: Iterable[Offer]) -> Catalog:
    """Return the shipped catalogue with other GPU offers, in the order given."""
    return replace(REAL, offers=tuple(offers))


def settings(**raw: object) -> Settings:
    """Return settings for Llama-3.1-8B at 10 requests/s, with changes."""
    flat = {"model": "llama-3.1-8b", "targetRps": 10}
    base = {} if "workloads" in raw else flat
    return parse_settings(base | raw, REAL, source="test")
