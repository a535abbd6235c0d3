"""The service account that nodes run as: what a node needs, not the project's editor."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp.projects import IAMMember
from pulumi_gcp.serviceaccount import Account

from outlay.clouds.base import fixed_name
from outlay.clouds.names import shortened

ACCOUNT_ID_LIMIT = 30
# Google's own minimal role for GKE nodes: logs, metrics, metadata; nothing of the project's data.
NODE_ROLE = "roles/container.defaultNodeServiceAccount"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIdentityArgs:
    """The project that the nodes live in."""

    project: str


class NodeIdentity(pulumi.ComponentResource):
    """A service account with the one role."""

    def __init__(self, name: str, args: NodeIdentityArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("outlay:gcp:NodeIdentity", name, None, opts)
        account = Account(
            name,
            account_id=shortened(name, limit=ACCOUNT_ID_LIMIT),
            display_name=f"Nodes of {name}",
            project=args.project,
            opts=fixed_name(self),
        )
        IAMMember(
            name,
            project=args.project,
            role=NODE_ROLE,
            member=account.email.apply(lambda email: f"serviceAccount:{email}"),
            opts=fixed_name(self),
        )
        self.email = account.email
        self.register_outputs({"email": self.email})
