"""A Kubernetes Secret in a provisioned cluster: its content is an Output and never in a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from outlay.clouds.base import ProvisionedCluster
from outlay.clouds.slim import SlimResource


def kubernetes_secret(
    cluster: ProvisionedCluster,
    name: str,
    values: Mapping[str, pulumi.Output[str]],
    *,
    namespace: str,
    depends_on: Sequence[pulumi.Resource],
) -> pulumi.Resource:
    """Declare a Secret with these values, which should be secret Outputs, in a namespace."""
    return SlimResource(
        "kubernetes:core/v1:Secret",
        f"{cluster.name}/secret/{namespace}/{name}",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": dict(values),
        },
        opts=pulumi.ResourceOptions(provider=cluster.kubernetes, depends_on=list(depends_on)),
    )
