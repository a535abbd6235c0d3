"""Find the package that provisions a cluster, and import it only then.

`pulumi_gcp.container` alone takes a second to import; a plan without GCP must not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.options import CloudOptions
from outlay.planning.plan import Cluster, Plan

Ready = Callable[[], ProvisionedCluster]
PACKAGES = MappingProxyType(
    {
        "aws": "outlay.clouds.aws",
        "gcp": "outlay.clouds.gcp",
        "azure": "outlay.clouds.azure",
        "coreweave": "outlay.clouds.coreweave",
        "lambda": "outlay.clouds.lambda_cloud",
    }
)


class Prepare(Protocol):
    """What each provider's package offers under the name `prepare`."""

    def __call__(self, cluster: Cluster, *, plan: Plan, options: CloudOptions) -> Ready:
        """Check everything that can be wrong, and return what declares the cluster."""
        ...


def provision(plan: Plan, *, options: CloudOptions) -> tuple[ProvisionedCluster, ...]:
    """Declare the resources of every cluster of a plan, or of none.

    Raises:
        InputError: an option is missing or wrong; nothing is declared then.
    """
    ready = [_prepare(cluster, plan, options) for cluster in plan.clusters]
    return tuple(declare() for declare in ready)


def _prepare(cluster: Cluster, plan: Plan, options: CloudOptions) -> Ready:
    package = import_module(PACKAGES[cluster.provider])
    return cast(Prepare, package.prepare)(cluster, plan=plan, options=options)
