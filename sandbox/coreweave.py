"""CoreWeave: VPCs and CKS clusters, and what the clusters' NodePool objects may ask for."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from sandbox.aws import known_type
from sandbox.aws_rules import labels
from sandbox.catalogue import ON_DEMAND, SPOT, machines, refusal, regions
from sandbox.cloud import Cloud, stable_hex
from sandbox.errors import CloudError, Code
from sandbox.ledger import Ledger, Record, Usage
from sandbox.rules import Reference, ResourceType, Situation
from sandbox.schema import Failure, Schema, load_schema, nearest
from sandbox.values import Props, as_int, as_list, as_map, as_text, find

PROVIDER = "coreweave"
DOMAIN = "sandbox.invalid"
VPC = "coreweave:index/networkingVpc:NetworkingVpc"
CLUSTER = "coreweave:index/cksCluster:CksCluster"
NODE_POOL = "kubernetes:compute.coreweave.com/v1alpha1:NodePool"
NODE_POOL_KIND = ("compute.coreweave.com/v1alpha1", "NodePool")
NAME_LIMIT = 30
NODES_PER_RACK = 18
RACK_FAMILIES = ("gb200-", "gb300-")
MARKETS = MappingProxyType({"default": ON_DEMAND, "Spot": SPOT})
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_TAINT = {
    "type": "object",
    "required": ["key", "effect"],
    "properties": {
        "key": {"type": "string"},
        "value": {"type": "string"},
        "effect": {"type": "string", "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
    },
}
# Written from CoreWeave's "Node Pool reference"; the definition itself is not published.
NODE_POOL_SCHEMA: Props = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["instanceType"],
            "properties": {
                "autoscaling": {"type": "boolean"},
                "computeClass": {"type": "string", "enum": list(MARKETS)},
                "gpu": {"type": "object", "properties": {"version": {"type": "string"}}},
                "image": {
                    "type": "object",
                    "properties": {
                        key: {"type": "string"} for key in ("kernel", "name", "releaseTrain")
                    },
                },
                "instanceType": {"type": "string"},
                "lifecycle": {
                    "type": "object",
                    "properties": {
                        "disableUnhealthyNodeEviction": {"type": "boolean"},
                        "scaleDownStrategy": {"type": "string", "enum": ["IdleOnly", "PreferIdle"]},
                    },
                },
                "maxNodes": _COUNT,
                "minNodes": _COUNT,
                "nodeAnnotations": _TEXTS,
                "nodeLabels": _TEXTS,
                "nodeTaints": {"type": "array", "items": _TAINT},
                "targetNodes": _COUNT,
                "targetRacks": _COUNT,
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


class CoreWeave(Cloud):
    """One configured CoreWeave provider."""

    package = PROVIDER

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.schema: Schema = load_schema(self.package)

    def warm_up(self) -> None:
        """Read the catalogue."""
        machines(PROVIDER)

    def configure(self, config: Props) -> None:
        """Take the configuration; the token is never looked at."""
        self.config = config

    def check_config(self, config: Props) -> list[Failure]:
        """Nothing in the configuration can be wrong here."""
        del config
        return []

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """Another endpoint holds other resources."""
        del old, new
        return ("endpoint",)

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of a CoreWeave type."""
        return known_type(self.package, token, TYPES)

    def account(self, inputs: Props) -> str:
        """Return the sandbox's organisation."""
        del inputs
        return "sandbox"

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the zone."""
        del kind
        return as_text(inputs.get("zone"))

    def no_region(self) -> str:
        """Say where a zone comes from."""
        return "no zone is given: set the resource's zone"

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Check against the SDK's types."""
        return self.schema.check(kind.token, inputs)

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Fill what CoreWeave always answers."""
        return self.schema.complete(kind.token, outputs)

    def invoke(self, token: str, arguments: Props) -> Props:
        """Refuse: the program needs no function of CoreWeave."""
        del arguments
        raise CloudError(Code.INVALID_ARGUMENT, f"the sandbox has no function {token}")

    def _refuse_while_needed(self, record: Record) -> None:
        """Refuse to delete a cluster that still has node pools, too."""
        super()._refuse_while_needed(record)
        if record.token != CLUSTER:
            return
        for pool in self.ledger.records(NODE_POOL):
            if pool.region == record.outputs.get("apiServerEndpoint"):
                raise CloudError(
                    Code.FAILED_PRECONDITION,
                    f"DependencyViolation: {record.id} still has node pool {pool.name}; delete that first",
                )


def _named(situation: Situation) -> Iterator[Failure]:
    known = regions(PROVIDER)
    if situation.region not in known:
        hint = nearest(situation.region, dict.fromkeys(known))
        yield Failure("zone", f"CoreWeave has no zone {situation.region!r}{hint}")
    if len(situation.text("name")) > NAME_LIMIT:
        yield Failure("name", f"must not be longer than {NAME_LIMIT} characters")


def _vpc(situation: Situation) -> Iterator[Failure]:
    yield from _named(situation)
    for index, prefix in enumerate(as_list(situation.inputs.get("vpcPrefixes"))):
        text = as_text(as_map(prefix).get("value"))
        try:
            ipaddress.ip_network(text or "0.0.0.0/0")
        except ValueError as error:
            yield Failure(f"vpcPrefixes[{index}].value", f"{text!r} is no address range: {error}")


def _cluster(situation: Situation) -> Iterator[Failure]:
    yield from _named(situation)
    version = situation.text("version")
    if version and not version.startswith("v1."):
        yield Failure("version", f"{version!r} must be written as v1.34")
    vpc = situation.referred(VPC, "id", situation.text("vpcId"))
    if vpc is None:
        return
    if vpc.region != situation.region:
        yield Failure("vpcId", f"the VPC lies in {vpc.region}, the cluster in {situation.region}")
    prefixes = {as_map(row).get("name") for row in as_list(vpc.inputs.get("vpcPrefixes"))}
    for path in ("podCidrName", "serviceCidrName", "internalLbCidrNames[0]"):
        name = situation.text(path)
        if name and name not in prefixes:
            yield Failure(path, f"the VPC has no prefix {name!r}")


def _id(situation: Situation) -> str:
    digits = stable_hex(situation.urn + situation.created_at, 32)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-sandbox{digits[20:25]}"


def _endpoint(situation: Situation) -> Props:
    host = f"sandbox-{stable_hex(situation.id, 8)}.k8s.{situation.region.lower()}.{DOMAIN}"
    return {
        "apiServerEndpoint": host,
        "serviceAccountOidcIssuerUrl": f"https://oidc.{host}",
        "status": "STATUS_RUNNING",
    }


def node_pool(situation: Situation, zone: str) -> Iterator[Failure]:
    """Check a NodePool object as the cluster of a zone does; no zone is none that is known yet."""
    spec = as_map(situation.inputs.get("spec"))
    name = as_text(spec.get("instanceType"))
    market = MARKETS.get(as_text(spec.get("computeClass"), "default"), ON_DEMAND)
    if name and zone:
        reason = refusal(PROVIDER, name=name, region=zone, market=market)
        if reason:
            yield Failure("spec.instanceType", reason)
    yield from _size(spec, racks=name.startswith(RACK_FAMILIES))
    yield from labels(spec.get("nodeLabels"), "spec.nodeLabels")


def _size(spec: Props, *, racks: bool) -> Iterator[Failure]:
    if racks:
        if spec.get("autoscaling"):
            yield Failure("spec.autoscaling", "is not supported for instance types sold by racks")
        if "targetRacks" not in spec:
            yield Failure("spec.targetRacks", f"is required: racks have {NODES_PER_RACK} nodes")
        return
    if "targetNodes" not in spec:
        yield Failure("spec.targetNodes", "is required but was not given")
    if not spec.get("autoscaling"):
        return
    low, target, high = (
        as_int(spec.get(key), -1) for key in ("minNodes", "targetNodes", "maxNodes")
    )
    if not 0 <= low <= target <= high:
        yield Failure(
            "spec.targetNodes",
            f"must lie between minNodes and maxNodes, are {low} <= {target} <= {high}",
        )


def node_pool_usage(situation: Situation) -> Usage:
    """Return the nodes that a NodePool object takes."""
    spec = as_map(situation.inputs.get("spec"))
    name = as_text(spec.get("instanceType"))
    nodes = as_int(spec.get("targetNodes")) or NODES_PER_RACK * as_int(spec.get("targetRacks"))
    machine = machines(PROVIDER).get(name)
    return Usage(
        sku=name,
        market=MARKETS.get(as_text(spec.get("computeClass"), "default"), ON_DEMAND),
        nodes=nodes,
        vcpus=nodes * machine.vcpus if machine else 0,
        gpus=nodes * machine.gpus if machine else 0,
    )


def node_pool_status(situation: Situation) -> Props:
    """Return the status of a pool whose nodes have all come."""
    nodes = node_pool_usage(situation).nodes
    conditions = [{"type": kind, "status": "True"} for kind in ("Valid", "AtTarget")]
    return {"status": {"currentNodes": nodes, "conditions": conditions}}


def zone_of(ledger: Ledger, host: str) -> str:
    """Return the zone of the CKS cluster at a host; empty if none answers there."""
    for record in ledger.records(CLUSTER):
        if find(record.outputs, "apiServerEndpoint") == host:
            return record.region
    return ""


TYPES: Mapping[str, ResourceType] = MappingProxyType(
    {
        VPC: ResourceType(
            token=VPC,
            id=_id,
            name="name",
            rules=_vpc,
            replace=frozenset({"name", "zone", "hostPrefix"}),
            defaults={
                "egress": {"disablePublicAccess": False},
                "ingress": {"disablePublicServices": False},
            },
        ),
        CLUSTER: ResourceType(
            token=CLUSTER,
            id=_id,
            name="name",
            rules=_cluster,
            replace=frozenset({"name", "zone", "vpcId", "podCidrName", "serviceCidrName"}),
            defaults={"public": False},
            computed=_endpoint,
            references=(Reference(path="vpcId", token=VPC),),
        ),
    }
)
