"""Lambda: instances and firewall rulesets over the ledger; `lambda_api.py` speaks HTTP for it.

Unlike the other clouds it keeps no names apart: two instances may bear the same one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sandbox.aws import known_type
from sandbox.catalogue import ON_DEMAND, machines, refusal
from sandbox.cloud import Cloud
from sandbox.errors import CloudError, Code
from sandbox.ledger import Ledger, Record, Usage
from sandbox.rules import Reference, ResourceType, Situation, always
from sandbox.schema import Failure, nearest
from sandbox.values import Props, as_list, as_map, as_text

PROVIDER = "lambda"
INSTANCE = "lambda:instance"
RULESET = "lambda:firewall-ruleset"
# The catalogue's one region: Lambda asks the same price everywhere.
EVERYWHERE = "global"
REGIONS = (
    "asia-northeast-1", "asia-northeast-2", "asia-south-1", "australia-east-1", "europe-central-1",
    "me-west-1", "us-east-1", "us-east-2", "us-east-3", "us-midwest-1", "us-south-1", "us-south-2",
    "us-south-3", "us-west-1", "us-west-2", "us-west-3",
)  # fmt: skip
WITHOUT_FIREWALL = frozenset({"us-south-1"})
NAME_LIMIT = 64
USER_DATA_LIMIT = 1_000_000
PROTOCOLS = ("tcp", "udp", "icmp", "all")
# RFC 5737: routed nowhere, so that nobody can take it for a machine.
ADDRESSES = tuple(f"{net}.{host}" for net in ("198.51.100", "203.0.113") for host in range(1, 255))


class LambdaCloud(Cloud):
    """The one account of the sandbox."""

    package = PROVIDER

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)

    def warm_up(self) -> None:
        """Read the catalogue."""
        machines(PROVIDER)

    def configure(self, config: Props) -> None:
        """There is nothing to configure."""
        self.config = config

    def check_config(self, config: Props) -> list[Failure]:
        """There is nothing to configure."""
        del config
        return []

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """There is nothing to configure."""
        del old, new
        return ()

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of instances or rulesets."""
        return known_type(self.package, token, TYPES)

    def account(self, inputs: Props) -> str:
        """Return the sandbox's account."""
        del inputs
        return "sandbox"

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the region."""
        del kind
        return as_text(inputs.get("region_name"), as_text(inputs.get("region")))

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """The rules check the types, too."""
        del kind, inputs
        return []

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Answer what the rules computed."""
        del kind
        return outputs

    def invoke(self, token: str, arguments: Props) -> Props:
        """Refuse: there are no functions."""
        del arguments
        raise CloudError(Code.INVALID_ARGUMENT, f"the sandbox has no function {token}")

    def free(self, name: str, region: str) -> bool:
        """Return whether a region has a machine of a type left."""
        limit = self.ledger.capacity(package=PROVIDER, region=region, sku=name, market=ON_DEMAND)
        used = sum(
            record.usage.nodes
            for record in self.ledger.records(INSTANCE)
            if (record.region, record.usage.sku) == (region, name)
        )
        return limit is None or used < limit


def _instance(situation: Situation) -> Iterator[Failure]:
    inputs = situation.inputs
    yield from _region(situation.region)
    name = as_text(inputs.get("instance_type_name"))
    reason = refusal(PROVIDER, name=name, region=EVERYWHERE, market=ON_DEMAND)
    if reason:
        yield Failure("instance_type_name", reason)
    if len(as_list(inputs.get("ssh_key_names"))) != 1:
        yield Failure("ssh_key_names", "exactly one SSH key must be given")
    if len(situation.text("name")) > NAME_LIMIT:
        yield Failure("name", f"at most {NAME_LIMIT} characters")
    if len(situation.text("user_data")) > USER_DATA_LIMIT:
        yield Failure("user_data", "at most 1 MB")
    for row in as_list(inputs.get("firewall_rulesets")):
        ruleset = situation.referred(RULESET, "id", as_text(as_map(row).get("id")))
        if ruleset is not None and ruleset.region != situation.region:
            yield Failure("firewall_rulesets", f"the ruleset is one of {ruleset.region}")


def _region(region: str) -> Iterator[Failure]:
    if region not in REGIONS:
        yield Failure(
            "region_name", f"no region {region!r}{nearest(region, dict.fromkeys(REGIONS))}"
        )


def _ruleset(situation: Situation) -> Iterator[Failure]:
    yield from _region(situation.region)
    if situation.region in WITHOUT_FIREWALL:
        yield Failure("region", f"{situation.region} has no firewall")
    if not 0 < len(situation.text("name")) <= NAME_LIMIT:
        yield Failure("name", f"1 to {NAME_LIMIT} characters")
    for index, rule in enumerate(map(as_map, as_list(situation.inputs.get("rules")))):
        if rule.get("protocol") not in PROTOCOLS:
            yield Failure(f"rules[{index}].protocol", f"one of {', '.join(PROTOCOLS)}")
        ports = as_list(rule.get("port_range"))
        if ports and not (len(ports) == 2 and 1 <= ports[0] <= ports[1] <= 65535):
            yield Failure(f"rules[{index}].port_range", "two ports, the lower one first")


def _address(situation: Situation) -> Props:
    taken = {record.outputs.get("ip") for record in situation.ledger.records(INSTANCE)}
    own = next((address for address in ADDRESSES if address not in taken), ADDRESSES[0])
    hosts = f"{ADDRESSES.index(own) // 250}.{ADDRESSES.index(own) % 250 + 1}"
    return {"ip": own, "private_ip": f"10.19.{hosts}", "status": "active"}


def _usage(situation: Situation) -> Usage:
    name = situation.text("instance_type_name")
    machine = machines(PROVIDER)[name]
    return Usage(name, ON_DEMAND, 1, machine.vcpus, machine.gpus)


def _id(_: Situation) -> str:
    return f"{uuid.uuid4().hex[:25]}sandbox"


TYPES: Mapping[str, ResourceType] = MappingProxyType(
    {
        INSTANCE: ResourceType(
            token=INSTANCE,
            id=_id,
            paid=always,
            rules=_instance,
            computed=_address,
            usage=_usage,
            references=(Reference(path="firewall_rulesets[*].id", token=RULESET),),
        ),
        RULESET: ResourceType(token=RULESET, id=_id, rules=_ruleset),
    }
)


def instance_body(record: Record) -> dict[str, Any]:
    """Return an instance as the API shows it."""
    inputs, outputs = record.inputs, record.outputs
    return {
        "id": record.id,
        "name": inputs.get("name"),
        "ip": outputs["ip"],
        "private_ip": outputs["private_ip"],
        "status": outputs["status"],
        "ssh_key_names": inputs.get("ssh_key_names"),
        "file_system_names": [],
        "region": {"name": record.region, "description": record.region},
        "instance_type": {"name": record.usage.sku, "specs": {"gpus": record.usage.gpus}},
        "hostname": f"{record.id}.sandbox.invalid",
        "tags": inputs.get("tags") or [],
        "firewall_rulesets": inputs.get("firewall_rulesets") or [],
    }


def ruleset_body(record: Record) -> dict[str, Any]:
    """Return a ruleset as the API shows it."""
    return {
        "id": record.id,
        "name": record.inputs["name"],
        "region": {"name": record.region, "description": record.region},
        "rules": record.inputs["rules"],
    }
