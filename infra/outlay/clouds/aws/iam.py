"""The two roles of an EKS cluster: what its control plane may do, and what its nodes may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.iam import Role, RolePolicyAttachment

from outlay.clouds.base import fixed_name
from outlay.clouds.names import shortened

ROLE_NAME_LIMIT = 64
MANAGED_POLICY = "arn:aws:iam::aws:policy/"
CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolesArgs:
    """Tags of the roles; IAM has no region."""

    tags: Mapping[str, str]


class Roles(pulumi.ComponentResource):
    """Roles of control plane and nodes with AWS's managed policies, and nothing beyond."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:aws:Roles", name, None, opts)
        self._tags = args.tags
        self.cluster_arn = self._role(
            f"{name}-cluster", service="eks.amazonaws.com", policies=CLUSTER_POLICIES
        )
        self.node_arn = self._role(
            f"{name}-node", service="ec2.amazonaws.com", policies=NODE_POLICIES
        )
        self.register_outputs({"clusterRoleArn": self.cluster_arn, "nodeRoleArn": self.node_arn})

    def _role(self, name: str, *, service: str, policies: tuple[str, ...]) -> pulumi.Output[str]:
        role = Role(
            name,
            name=shortened(name, limit=ROLE_NAME_LIMIT),
            assume_role_policy=trust(service),
            tags=dict(self._tags),
            opts=fixed_name(self),
        )
        for policy in policies:
            RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=f"{MANAGED_POLICY}{policy}",
                opts=fixed_name(self),
            )
        return role.arn


def trust(service: str) -> str:
    """Return the policy that lets an AWS service take a role."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
