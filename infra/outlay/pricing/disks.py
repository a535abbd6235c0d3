"""What a disk costs: by its size, and by the performance that is bought beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from outlay.pricing.inputs import NoPriceError
from outlay.pricing.rates import Rates
from outlay.pricing.types import HOURS_PER_MONTH, Unpriced

HYPERDISK = "hyperdisk-balanced"
# GCP machines that take no persistent disk, by the begin of their names.
HYPERDISK_ONLY = frozenset({"a3-ultragpu", "a4-highgpu", "g4-standard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One disk as it is asked for; performance is None where nothing is said of it."""

    provider: str
    kind: str
    gib: int
    iops: int | None = None
    mib_per_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extra:
    """Performance that costs extra beyond what is included, up to the highest that one price covers."""

    service: str
    included: int
    highest: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """The services that make the price of a kind of disk."""

    service: str
    iops: _Extra | None = None
    mib_per_s: _Extra | None = None


# What is included: AWS, "Amazon EBS pricing"; Google Cloud, "About Hyperdisk Balanced".
KINDS: dict[tuple[str, str], _Kind] = {
    ("aws", "gp3"): _Kind(
        service="block_storage",
        iops=_Extra(service="disk_iops_gp3", included=3000),
        mib_per_s=_Extra(service="disk_throughput_gp3", included=125),
    ),
    ("aws", "gp2"): _Kind(service="disk_gp2"),
    ("aws", "st1"): _Kind(service="disk_st1"),
    ("aws", "sc1"): _Kind(service="disk_sc1"),
    ("aws", "io1"): _Kind(service="disk_io1", iops=_Extra(service="disk_iops_io1", included=0)),
    ("aws", "io2"): _Kind(
        service="disk_io2", iops=_Extra(service="disk_iops_io2", included=0, highest=32_000)
    ),
    ("gcp", "pd-standard"): _Kind(service="disk_pd_standard"),
    ("gcp", "pd-balanced"): _Kind(service="block_storage"),
    ("gcp", "pd-ssd"): _Kind(service="disk_pd_ssd"),
    ("gcp", HYPERDISK): _Kind(
        service="disk_hyperdisk_balanced",
        iops=_Extra(service="disk_iops_hyperdisk_balanced", included=3000),
        mib_per_s=_Extra(service="disk_throughput_hyperdisk_balanced", included=140),
    ),
}


# Azure bills the next whole size, in GiB. Source: Azure, "Understand Azure Disk Storage billing".
WHOLE_SIZES_GIB = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_767)
PREMIUM, STANDARD_SSD = "Premium_LRS", "StandardSSD_LRS"
# The usual disk of a node. The nodes of CoreWeave and Lambda come with disks of their own.
NODE_DISKS = {"aws": "gp3", "gcp": "pd-balanced", "azure": PREMIUM}


def disk_hour(rates: Rates, disk: Disk, *, region: str) -> Decimal:
    """Return USD per hour of one disk; raises NoPriceError for a kind without a price."""
    if disk.provider == "azure":
        return _whole_disk(rates, disk, region) / HOURS_PER_MONTH
    kind = KINDS.get((disk.provider, disk.kind))
    if kind is None:
        raise NoPriceError(f"no price for disks of kind {disk.kind}")
    per_month = _price(rates, disk, kind.service, region) * disk.gib
    asked = ((kind.iops, _iops(disk)), (kind.mib_per_s, _mib_per_s(disk)))
    for extra, quantity in asked:
        if extra is not None:
            per_month += _beyond(rates, disk, extra, quantity, region)
    return per_month / HOURS_PER_MONTH


def _whole_disk(rates: Rates, disk: Disk, region: str) -> Decimal:
    """Return USD per month: Premium SSDs have a price for each size, Standard SSDs one for each GiB of it."""
    size = next((size for size in WHOLE_SIZES_GIB if size >= disk.gib), None)
    if size is None:
        raise NoPriceError(f"azure has no disk of {disk.gib} GiB")
    if disk.kind == PREMIUM:
        return _price(rates, disk, f"premium_disk_{size}_gib", region)
    if disk.kind == STANDARD_SSD:
        return _price(rates, disk, "block_storage", region) * size
    raise NoPriceError(f"no price for disks of kind {disk.kind}")


def node_disk_hour(
    rates: Rates, *, provider: str, region: str, gib: int, instance_type: str = ""
) -> Decimal | Unpriced:
    """Return USD per hour of the disk that outlay's own clouds give a node of the instance type."""
    if provider not in NODE_DISKS:
        return Decimal(0)
    only_hyperdisk = provider == "gcp" and instance_type.rpartition("-")[0] in HYPERDISK_ONLY
    kind = HYPERDISK if only_hyperdisk else NODE_DISKS[provider]
    try:
        return disk_hour(rates, Disk(provider=provider, kind=kind, gib=gib), region=region)
    except NoPriceError as error:
        return Unpriced(reason=str(error))


def _price(rates: Rates, disk: Disk, service: str, region: str) -> Decimal:
    found = rates.service(provider=disk.provider, service=service, region=region)
    if isinstance(found, Unpriced):
        raise NoPriceError(found.reason)
    return found


def _beyond(rates: Rates, disk: Disk, extra: _Extra, quantity: int | None, region: str) -> Decimal:
    """Return USD per month of the performance beyond what is included."""
    if quantity is None:
        if extra.included:
            return Decimal(0)
        raise NoPriceError(f"iops is missing: disks of kind {disk.kind} are charged by it")
    if extra.highest is not None and quantity > extra.highest:
        raise NoPriceError(f"iops beyond {extra.highest} have no price for disks of {disk.kind}")
    more = max(quantity - extra.included, 0)
    return _price(rates, disk, extra.service, region) * more if more else Decimal(0)


# Hyperdisks come with more than what is included unless less is asked for: 3,600 IOPS and 290 MiB/s
# for 100 GiB. Source: Google Cloud, "Hyperdisk Balanced, default IOPS and throughput values".
def _iops(disk: Disk) -> int | None:
    if disk.iops is None and disk.kind == HYPERDISK:
        return min(3000 + 6 * disk.gib, 160_000)
    return disk.iops


def _mib_per_s(disk: Disk) -> int | None:
    if disk.mib_per_s is None and disk.kind == HYPERDISK:
        return min(140 + 3 * disk.gib // 2, 2400)
    return disk.mib_per_s
