"""What a stack says about its cloud accounts, beside the Plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KUBERNETES_VERSION = "1.34"
ANY_ADDRESS = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOptions:
    """Account and policy choices that no plan makes.

    `gpu_zones` pins GPU pools to zones; its keys are `<region>/<instance type>` or `<region>`, its
    values zone ids on AWS (use1-az4: the same place in every account), zone names on GCP
    (us-central1-b) and zone numbers on Azure. Which zones hold which GPUs is in no price list, hence the choice.
    `protected` makes the cloud, or else Pulumi, refuse to delete a cluster. `api_cidrs` may reach the
    Kubernetes API. `azure_admin_object_id` is the user, group or service principal that administers
    AKS clusters; `azure_reservation_groups` has the id of the capacity reservation group of
    `<region>/<VM size>`. `lambda_region` and `lambda_ssh_key` are where and with whose SSH key Lambda
    launches.
    """

    gcp_project: str | None = None
    azure_admin_object_id: str | None = None
    azure_reservation_groups: Mapping[str, str] = field(default_factory=dict)
    lambda_region: str | None = None
    lambda_ssh_key: str | None = None
    kubernetes_version: str = KUBERNETES_VERSION
    protected: bool = False
    api_cidrs: tuple[str, ...] = (ANY_ADDRESS,)
    gpu_zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def zones_of(self, *, region: str, instance_type: str) -> tuple[str, ...]:
        """Return the zones chosen for an instance type, else for its region, else none."""
        chosen = self.gpu_zones.get(f"{region}/{instance_type}")
        return chosen or self.gpu_zones.get(region, ())
