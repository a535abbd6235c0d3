"""Zones of GCP regions, and which of them a node pool spreads over.

GKE counts a pool's nodes for each zone, the Plan counts them in all: a pool spreads only over as
many zones as divide its count. A GPU pool goes to one zone unless others are chosen, because no
price list says which zones hold which GPUs, and a pool in a zone without them cannot be made.

Source: Google Cloud, "Regions and zones".
"""

from __future__ import annotations

from types import MappingProxyType

from outlay.errors import InputError

_ABC_REGIONS = (
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2",
    "asia-northeast3", "asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2",
    "australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1",
    "europe-north2", "europe-southwest1", "europe-west10", "europe-west12", "europe-west2",
    "europe-west3", "europe-west4", "europe-west6", "europe-west8", "europe-west9",
    "me-central1", "me-central2", "me-west1", "northamerica-northeast1",
    "northamerica-northeast2", "northamerica-south1", "southamerica-east1",
    "southamerica-west1", "us-east4", "us-east5", "us-south1", "us-west1", "us-west2",
    "us-west3", "us-west4",
)  # fmt: skip
ZONE_LETTERS = MappingProxyType(
    {
        **dict.fromkeys(_ABC_REGIONS, "abc"),
        "europe-west1": "bcd",
        "us-central1": "abcf",
        "us-east1": "bcd",
    }
)
ZONES_PER_CLUSTER = 3


def all_zones(region: str) -> tuple[str, ...]:
    """Return every zone of a region.

    Raises:
        InputError: the region is not in the table.
    """
    if region not in ZONE_LETTERS:
        raise InputError(
            f"outlay knows no zones of GCP region {region!r};"
            f" set `regions` to some of: {', '.join(sorted(ZONE_LETTERS))}"
        )
    return tuple(f"{region}-{letter}" for letter in ZONE_LETTERS[region])


def zones(region: str) -> tuple[str, ...]:
    """Return the zones of a cluster's CPU nodes: the first three."""
    return all_zones(region)[:ZONES_PER_CLUSTER]


def gpu_pool_zones(region: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the zones that a GPU pool may use: those chosen, else the region's first.

    Raises:
        InputError: a chosen zone is none of the region's.
    """
    known = all_zones(region)
    unknown = [zone for zone in chosen if zone not in known]
    if unknown:
        raise InputError(
            f"gpuZones: {', '.join(unknown)} is no zone of {region};"
            f" use some of: {', '.join(known)}"
        )
    return chosen or known[:1]


def evenly(candidates: tuple[str, ...], *counts: int) -> tuple[str, ...]:
    """Return the most zones, from the first on, that divide every count of nodes."""
    spread = next(
        size for size in range(len(candidates), 0, -1) if all(count % size == 0 for count in counts)
    )
    return candidates[:spread]
