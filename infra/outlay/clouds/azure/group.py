"""A resource group, and what is declared in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from outlay.clouds.names import shortened
from outlay.clouds.slim import SlimResource

GROUP_NAME_LIMIT = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Where a cluster's resources go, and the tags that they carry."""

    name: pulumi.Output[str]
    region: str
    tags: Mapping[str, str]

    @classmethod
    def declare(
        cls, name: str, *, region: str, tags: Mapping[str, str], opts: pulumi.ResourceOptions
    ) -> Group:
        """Declare the resource group of a cluster."""
        group = SlimResource(
            "azure-native:resources:ResourceGroup",
            name,
            {
                "resourceGroupName": shortened(name, limit=GROUP_NAME_LIMIT),
                "location": region,
                "tags": dict(tags),
            },
            reads=("name",),
            opts=opts,
        )
        return cls(name=group.output("name"), region=region, tags=tags)

    def make(
        self,
        kind: str,
        name: str,
        properties: Mapping[str, Any],
        *,
        opts: pulumi.ResourceOptions,
        reads: tuple[str, ...] = (),
    ) -> SlimResource:
        """Declare a resource of the group, such as a `network:NatGateway`, with its region and tags."""
        own = {
            "resourceGroupName": self.name,
            "location": self.region,
            "tags": dict(self.tags),
        }
        return SlimResource(
            f"azure-native:{kind}", name, {**own, **properties}, reads=reads, opts=opts
        )
