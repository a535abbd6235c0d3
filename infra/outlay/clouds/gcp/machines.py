"""A GCP offer's instance type in GKE's words: machine, accelerator, boot disk.

Source: Google Cloud, "GPU machine types" and "Supported disk types for GKE nodes".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from outlay.errors import DataError
from outlay.pricing.disks import HYPERDISK, HYPERDISK_ONLY

# A price list spells an accelerator that is attached to a machine: n1-standard-8+1xnvidia-tesla-t4
ATTACHED = re.compile(r"(?P<machine>[a-z0-9-]+)\+(?P<count>\d+)x(?P<accelerator>[a-z0-9-]+)")
# The accelerator that comes with a machine; GKE wants it named to install its driver.
BUILT_IN = MappingProxyType(
    {
        "a2-highgpu": "nvidia-tesla-a100",
        "a2-megagpu": "nvidia-tesla-a100",
        "a2-ultragpu": "nvidia-a100-80gb",
        "a3-edgegpu": "nvidia-h100-80gb",
        "a3-highgpu": "nvidia-h100-80gb",
        "a3-megagpu": "nvidia-h100-mega-80gb",
        "a3-ultragpu": "nvidia-h200-141gb",
        "a4-highgpu": "nvidia-b200",
        "g2-standard": "nvidia-l4",
        "g4-standard": "nvidia-rtx-pro-6000",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What GKE needs to know of an instance type; no accelerator on CPU machines."""

    machine_type: str
    accelerator: str | None
    accelerators: int
    disk_type: str


def machine(instance_type: str, *, gpus: int) -> Machine:
    """Return the machine of an instance type with that many GPUs.

    Raises:
        DataError: the instance type's accelerator is in no table, or its count contradicts `gpus`.
    """
    attached = ATTACHED.fullmatch(instance_type)
    machine_type = attached["machine"] if attached else instance_type
    family = machine_type.rpartition("-")[0]
    return Machine(
        machine_type=machine_type,
        accelerator=_accelerator(instance_type, family, gpus) if gpus else None,
        accelerators=gpus,
        disk_type=HYPERDISK if family in HYPERDISK_ONLY else "pd-balanced",
    )


def _accelerator(instance_type: str, family: str, gpus: int) -> str:
    attached = ATTACHED.fullmatch(instance_type)
    if attached:
        if int(attached["count"]) != gpus:
            raise DataError("offers.csv", f"{instance_type} has {gpus} GPUs by its gpu_count")
        return attached["accelerator"]
    if family not in BUILT_IN:
        raise DataError("offers.csv", f"GKE's accelerator of {instance_type} is not known")
    return BUILT_IN[family]
