"""AWS: the provider's configuration, regions, tags and functions over the table of types."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from sandbox import aws_rules
from sandbox.aws_types import ACCOUNT, DOMAIN, TYPES
from sandbox.catalogue import machines
from sandbox.cloud import Cloud, stable_hex
from sandbox.errors import CloudError, Code
from sandbox.ledger import Ledger, Record
from sandbox.rules import ResourceType
from sandbox.schema import Failure, Schema, load_schema, nearest
from sandbox.values import Props, Unknown, as_list, as_map, as_text


class Aws(Cloud):
    """One configured AWS provider."""

    package = "aws"
    owner_labels = ("outlay:project", "outlay:stack")
    default_labels = "default_tags"

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.schema: Schema = load_schema(self.package)

    def warm_up(self) -> None:
        """Read the catalogue."""
        machines(self.package)

    def configure(self, config: Props) -> None:
        """Take region and default tags; credentials are never looked at."""
        self.config = config

    def check_config(self, config: Props) -> list[Failure]:
        """Refuse a region that AWS does not have."""
        region = as_text(config.get("region"))
        return list(aws_rules.region_rule(region)) if region else []

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """A provider of another region holds other resources."""
        del old, new
        return ("region",)

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of an AWS type."""
        return known_type(self.package, token, TYPES)

    def account(self, inputs: Props) -> str:
        """Return the sandbox's account id."""
        del inputs
        return ACCOUNT

    @property
    def region(self) -> str:
        """The provider's region, from the same places as the real provider's."""
        environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
        return as_text(self.config.get("region"), environment)

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the resource's own region, else the provider's; IAM is global."""
        if kind.is_global:
            return "global"
        own = inputs.get("region")
        return "" if isinstance(own, Unknown) else as_text(own, self.region)

    def labels(self, kind: ResourceType, inputs: Props) -> Props:
        """Return the tags, with the provider's default ones below them."""
        default = as_map(as_map(self.config.get("defaultTags")).get("tags"))
        return {**default, **super().labels(kind, inputs)}

    def locate(self, token: str, *, id_: str, properties: Props) -> Record | None:
        """Return the resource with an id; an import may write `id@region`, as the real provider takes it."""
        plain, _, region = id_.rpartition("@")
        if plain and region in aws_rules.ZONE_LETTERS:
            return super().locate(token, id_=plain, properties={**properties, "region": region})
        return super().locate(token, id_=id_, properties=properties)

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Check against the SDK's types and the regions that exist."""
        failures = self.schema.check(kind.token, inputs)
        region = self.region_of(kind, inputs)
        return failures or list(aws_rules.region_rule(region) if region else ())

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Fill what AWS always answers."""
        return self.schema.complete(kind.token, outputs)

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer one of the functions that the sandbox knows."""
        function = known_function(self.package, token, FUNCTIONS)
        unknown = set(arguments) - set(self.schema.functions[token]["arguments"])
        if unknown:
            raise CloudError(
                Code.INVALID_ARGUMENT, f"{token} has no argument {', '.join(sorted(unknown))}"
            )
        return function(self, arguments)


def known_type(package: str, token: str, types: Mapping[str, ResourceType]) -> ResourceType:
    """Return a type's behaviour.

    Raises CloudError (INVALID_ARGUMENT) if the sandbox does not know it.
    """
    kind = types.get(token)
    if kind is None:
        raise CloudError(
            Code.INVALID_ARGUMENT,
            f"the sandbox has no resource type {token}{nearest(token, types)};"
            f" add it to sandbox/{package}_types.py and run `python -m sandbox.generate_schemas`",
        )
    return kind


def known_function(
    package: str, token: str, functions: Mapping[str, Callable[..., Props]]
) -> Callable[..., Props]:
    """Return a function.

    Raises CloudError (INVALID_ARGUMENT) if the sandbox does not know it: never an empty answer.
    """
    function = functions.get(token)
    if function is None:
        raise CloudError(
            Code.INVALID_ARGUMENT,
            f"the sandbox has no function {token}{nearest(token, functions)}; add it to sandbox/{package}.py",
        )
    return function


def _region(cloud: Aws, arguments: Props) -> str:
    region = as_text(arguments.get("region"), cloud.region)
    if not region:
        raise CloudError(Code.FAILED_PRECONDITION, cloud.no_region())
    return region


def _availability_zones(cloud: Aws, arguments: Props) -> Props:
    region = _region(cloud, arguments)
    left_out = {*as_list(arguments.get("excludeNames"))}
    ids_out = {*as_list(arguments.get("excludeZoneIds"))}
    names = [
        zone
        for zone in aws_rules.zones(region)
        if zone not in left_out and aws_rules.zone_id(zone) not in ids_out
    ]
    return {
        **arguments,
        "id": region,
        "region": region,
        "names": names,
        "zoneIds": [aws_rules.zone_id(zone) for zone in names],
        "groupNames": [region],
    }


def _caller_identity(_: Aws, __: Props) -> Props:
    return {
        "id": ACCOUNT,
        "accountId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/sandbox",
        "userId": "AIDASANDBOX",
    }


def _current_region(cloud: Aws, arguments: Props) -> Props:
    region = as_text(arguments.get("name")) or _region(cloud, arguments)
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": f"{region} (sandbox)",
        "endpoint": f"ec2.{region}.{DOMAIN}",
    }


def _partition(_: Aws, __: Props) -> Props:
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": DOMAIN,
        "reverseDnsPrefix": "invalid.sandbox",
    }


def _offerings(cloud: Aws, arguments: Props) -> Props:
    region = _region(cloud, arguments)
    wanted = _filter(arguments, "instance-type")
    location_type = as_text(arguments.get("locationType"), "region")
    places = aws_rules.zones(region) if location_type == "availability-zone" else [region]
    names = sorted(
        name
        for name, machine in machines("aws").items()
        if (not machine.gpus or region in machine.markets) and (not wanted or name in wanted)
    )
    pairs = [(name, place) for name in names for place in places]
    return {
        **arguments,
        "id": region,
        "region": region,
        "instanceTypes": [name for name, _ in pairs],
        "locations": [place for _, place in pairs],
        "locationTypes": [location_type for _ in pairs],
    }


def _filter(arguments: Props, name: str) -> set[str]:
    return {
        value
        for row in as_list(arguments.get("filters"))
        if as_map(row).get("name") == name
        for value in as_list(as_map(row).get("values"))
    }


def _cluster(cloud: Aws, arguments: Props) -> Props:
    region, name = _region(cloud, arguments), as_text(arguments.get("name"))
    for record in cloud.ledger.records("aws:eks/cluster:Cluster", id_=name):
        if record.region == region:
            return {
                **record.outputs,
                "id": name,
                "accessConfigs": [record.outputs["accessConfig"]],
                "kubernetesNetworkConfigs": [record.outputs["kubernetesNetworkConfig"]],
                "tags": dict(record.outputs["tagsAll"]),
                "upgradePolicies": [record.outputs["upgradePolicy"]],
            }
    raise CloudError(
        Code.NOT_FOUND,
        f"ResourceNotFoundException: No cluster found for name: {name} (sandbox, {region})",
    )


def _cluster_auth(cloud: Aws, arguments: Props) -> Props:
    name = as_text(arguments.get("name"))
    token = f"k8s-aws-v1.sandbox-{stable_hex(name, 16)}"
    return {"id": name, "name": name, "region": _region(cloud, arguments), "token": token}


def _addon_version(cloud: Aws, arguments: Props) -> Props:
    name = as_text(arguments.get("addonName"))
    return {
        **arguments,
        "id": name,
        "region": _region(cloud, arguments),
        "version": "v1.0.0-eksbuild.1-sandbox",
    }


def _policy_document(_: Aws, arguments: Props) -> Props:
    document = {
        "Version": as_text(arguments.get("version"), "2012-10-17"),
        "Statement": [_statement(as_map(row)) for row in as_list(arguments.get("statements"))],
    }
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    compact = json.dumps(document, separators=(",", ":"))
    pretty = json.dumps(document, indent=2)
    return {**arguments, "id": stable_hex(compact, 8), "json": pretty, "minifiedJson": compact}


def _statement(row: Props) -> Props:
    """Return one statement as IAM writes it; single values stand without a list."""
    names = {
        "sid": "Sid",
        "actions": "Action",
        "notActions": "NotAction",
        "resources": "Resource",
        "notResources": "NotResource",
    }
    statement: Props = {"Effect": as_text(row.get("effect"), "Allow")}
    statement |= {names[key]: _one_or_many(value) for key, value in row.items() if key in names}
    principals = [as_map(item) for item in as_list(row.get("principals"))]
    if principals:
        statement["Principal"] = {
            item["type"]: _one_or_many(item.get("identifiers")) for item in principals
        }
    conditions: Props = {}
    for item in map(as_map, as_list(row.get("conditions"))):
        conditions.setdefault(item["test"], {})[item["variable"]] = _one_or_many(item.get("values"))
    return statement | ({"Condition": conditions} if conditions else {})


def _one_or_many(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


FUNCTIONS: Mapping[str, Callable[[Aws, Props], Props]] = MappingProxyType(
    {
        "aws:index/getAvailabilityZones:getAvailabilityZones": _availability_zones,
        "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
        "aws:index/getPartition:getPartition": _partition,
        "aws:index/getRegion:getRegion": _current_region,
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offerings,
        "aws:eks/getAddonVersion:getAddonVersion": _addon_version,
        "aws:eks/getCluster:getCluster": _cluster,
        "aws:eks/getClusterAuth:getClusterAuth": _cluster_auth,
        "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    }
)
