"""The dynamic resources of Lambda, under the types that prices and policies know them by."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from outlay.clouds.lambda_cloud.credentials import SECRETS, CredentialsProvider
from outlay.clouds.lambda_cloud.firewalls import FirewallProvider
from outlay.clouds.lambda_cloud.instances import InstanceProvider

MODULE = "outlay/lambda"


class Instance(Resource, module=MODULE, name="Instance"):
    """One instance; the inputs are those of Lambda's launch request."""

    ip: pulumi.Output[str]
    private_ip: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        read = dict.fromkeys(("ip", "private_ip", "status"))
        super().__init__(InstanceProvider(), name, {**props, **read}, opts)


class FirewallRuleset(Resource, module=MODULE, name="FirewallRuleset"):
    """What may reach the instances of a cluster."""

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(FirewallProvider(), name, dict(props), opts)


class Credentials(Resource, module=MODULE, name="Credentials"):
    """The secrets that a cluster starts from."""

    authority_certificate: pulumi.Output[str]
    authority_key: pulumi.Output[str]
    join_token: pulumi.Output[str]
    admin_token: pulumi.Output[str]

    def __init__(self, name: str, cluster: str, opts: pulumi.ResourceOptions) -> None:
        read = dict.fromkeys(("authority_certificate", *SECRETS))
        hidden = pulumi.ResourceOptions(additional_secret_outputs=list(SECRETS))
        merged = pulumi.ResourceOptions.merge(opts, hidden)
        super().__init__(CredentialsProvider(), name, {"cluster": cluster, **read}, merged)
