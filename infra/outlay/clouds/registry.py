"""Find the package that provisions a cluster, and import it only then.

`pulumi_gcp.container` alone takes a second to import; a plan without GCP must not pay for it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from outlay.catalog import provider as provider_named
from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.options import CloudOptions
from outlay.errors import InputError
from outlay.planning.plan import Cluster, Plan

PACKAGES = MappingProxyType({"aws": "outlay.clouds.aws", "gcp": "outlay.clouds.gcp"})


class Provision(Protocol):
    """What each provider's package offers under the name `provision`."""

    def __call__(
        self, cluster: Cluster, *, plan: Plan, options: CloudOptions
    ) -> ProvisionedCluster:
        """Declare the resources of one cluster."""
        ...


def provision(cluster: Cluster, *, plan: Plan, options: CloudOptions) -> ProvisionedCluster:
    """Declare the resources of one cluster and of everything under it.

    Raises:
        InputError: outlay can price this provider but not provision it, or an option is missing.
    """
    package = PACKAGES.get(cluster.provider)
    if package is None:
        title = provider_named(cluster.provider).title
        raise InputError(
            f"cluster {cluster.name!r} is on {title}, which outlay can price but not provision;"
            f" set `providers` to some of: {', '.join(PACKAGES)}"
        )
    return cast(Provision, import_module(package).provision)(cluster, plan=plan, options=options)
