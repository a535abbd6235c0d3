"""Who the cluster acts as, who may administer it, and the roles for both."""

from __future__ import annotations

import uuid
from types import MappingProxyType

import pulumi

from outlay.clouds.azure.group import Group
from outlay.clouds.names import shortened
from outlay.clouds.slim import SlimResource

NAME_LIMIT = 128
# Source: Microsoft, "Azure built-in roles".
ROLES = MappingProxyType(
    {
        "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
        "Azure Kubernetes Service RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    }
)


def identity(name: str, group: Group, opts: pulumi.ResourceOptions) -> SlimResource:
    """Declare the identity as which the control plane joins nodes to the subnet."""
    return group.make(
        "managedidentity:UserAssignedIdentity",
        name,
        {"resourceName": shortened(name, limit=NAME_LIMIT)},
        reads=("principalId",),
        opts=opts,
    )


def grant(
    name: str,
    role: str,
    *,
    to: pulumi.Input[str],
    scope: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> SlimResource:
    """Give a principal one of the built-in roles on a resource and what lies in it."""
    return SlimResource(
        "azure-native:authorization:RoleAssignment",
        name,
        {
            # Azure wants a UUID as the name; this one is the same on every run.
            "roleAssignmentName": str(uuid.uuid5(uuid.NAMESPACE_URL, f"outlay/{name}")),
            "principalId": to,
            "roleDefinitionId": scope.apply(lambda id_: _definition(id_, role)),
            "scope": scope,
        },
        opts=opts,
    )


def _definition(scope: str, role: str) -> str:
    subscription = scope.split("/")[2]
    where = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    return f"{where}/{ROLES[role]}"
