"""Availability zones of AWS regions where EKS control planes may lie.

By zone id, not by name: `us-east-1a` is another place in every account, `use1-az1` is one place in
all. Without that, no table could leave out the zones that EKS refuses (use1-az3, usw1-az2,
cac1-az3) or that new accounts do not get (apne1-az3). A table rather than a look-up, so that a
preview needs no answer from the account and lists of subnets have a known length.

Source: AWS, "Regions and Availability Zones" and EKS, "Subnet requirements for clusters".
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from outlay.errors import InputError

ZONE_IDS = MappingProxyType(
    {
        "ap-northeast-1": ("apne1-az1", "apne1-az2", "apne1-az4"),
        "ap-northeast-2": ("apne2-az1", "apne2-az2", "apne2-az3", "apne2-az4"),
        "ap-northeast-3": ("apne3-az1", "apne3-az2", "apne3-az3"),
        "ap-south-1": ("aps1-az1", "aps1-az2", "aps1-az3"),
        "ap-southeast-1": ("apse1-az1", "apse1-az2", "apse1-az3"),
        "ap-southeast-2": ("apse2-az1", "apse2-az2", "apse2-az3"),
        "ca-central-1": ("cac1-az1", "cac1-az2", "cac1-az4"),
        "eu-central-1": ("euc1-az1", "euc1-az2", "euc1-az3"),
        "eu-north-1": ("eun1-az1", "eun1-az2", "eun1-az3"),
        "eu-west-1": ("euw1-az1", "euw1-az2", "euw1-az3"),
        "eu-west-2": ("euw2-az1", "euw2-az2", "euw2-az3"),
        "eu-west-3": ("euw3-az1", "euw3-az2", "euw3-az3"),
        "sa-east-1": ("sae1-az1", "sae1-az2", "sae1-az3"),
        "us-east-1": ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6"),
        "us-east-2": ("use2-az1", "use2-az2", "use2-az3"),
        "us-west-1": ("usw1-az1", "usw1-az3"),
        "us-west-2": ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"),
    }
)
ZONES_PER_CLUSTER = 3


def zone_ids(region: str) -> tuple[str, ...]:
    """Return all usable zones of a region.

    Raises:
        InputError: the region is not in the table.
    """
    if region not in ZONE_IDS:
        raise InputError(
            f"outlay knows no availability zones of AWS region {region!r};"
            f" set `regions` to some of: {', '.join(ZONE_IDS)}"
        )
    return ZONE_IDS[region]


def home_zones(region: str) -> tuple[str, ...]:
    """Return the zones of the control plane and of pools without a choice: the first three."""
    return zone_ids(region)[:ZONES_PER_CLUSTER]


def subnet_zones(region: str, *, needed: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the zones that need subnets: the home zones, and all that pools go to."""
    wanted = {*home_zones(region), *(zone for zones in needed for zone in zones)}
    return tuple(zone for zone in zone_ids(region) if zone in wanted)


def pool_zones(region: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the zones of a GPU pool: those chosen, else the home zones.

    Raises:
        InputError: a chosen zone is none of the region's.
    """
    usable = zone_ids(region)
    unknown = [zone for zone in chosen if zone not in usable]
    if unknown:
        raise InputError(
            f"gpuZones: {', '.join(unknown)} is no zone id of {region} that EKS can use;"
            f" use some of: {', '.join(usable)}"
        )
    return chosen or home_zones(region)
