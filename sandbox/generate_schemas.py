"""Write sandbox/schemas/*.json: the input and output types of the installed Pulumi SDKs.

The plugin processes read these files instead of importing the SDKs, which would cost 0.8 to 1.6 s each.
Run `python -m sandbox.generate_schemas` after a change of an SDK's version or of the tables below.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pulumi import Output, Resource, _types

SCHEMAS = Path(__file__).parent / "schemas"

TYPES = {
    "aws": (
        "aws:ec2/capacityReservation:CapacityReservation",
        "aws:ec2/eip:Eip",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/cluster:Cluster",
        "aws:eks/nodeGroup:NodeGroup",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    ),
    "gcp": (
        "gcp:compute/address:Address",
        "gcp:compute/firewall:Firewall",
        "gcp:compute/network:Network",
        "gcp:compute/router:Router",
        "gcp:compute/routerNat:RouterNat",
        "gcp:compute/subnetwork:Subnetwork",
        "gcp:container/cluster:Cluster",
        "gcp:container/nodePool:NodePool",
        "gcp:projects/iAMMember:IAMMember",
        "gcp:projects/service:Service",
        "gcp:serviceaccount/account:Account",
        "gcp:storage/bucket:Bucket",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
    ),
    "azure-native": (
        "azure-native:authorization:RoleAssignment",
        "azure-native:compute:CapacityReservation",
        "azure-native:compute:CapacityReservationGroup",
        "azure-native:containerservice:AgentPool",
        "azure-native:containerservice:ManagedCluster",
        "azure-native:managedidentity:UserAssignedIdentity",
        "azure-native:network:NatGateway",
        "azure-native:network:PublicIPAddress",
        "azure-native:network:Subnet",
        "azure-native:network:VirtualNetwork",
        "azure-native:resources:ResourceGroup",
    ),
    "coreweave": (
        "coreweave:index/cksCluster:CksCluster",
        "coreweave:index/networkingVpc:NetworkingVpc",
    ),
}
FUNCTIONS = {
    "aws": (
        "pulumi_aws.get_availability_zones",
        "pulumi_aws.get_caller_identity",
        "pulumi_aws.get_partition",
        "pulumi_aws.get_region",
        "pulumi_aws.ec2.get_instance_type_offerings",
        "pulumi_aws.eks.get_addon_version",
        "pulumi_aws.eks.get_cluster",
        "pulumi_aws.eks.get_cluster_auth",
        "pulumi_aws.iam.get_policy_document",
    ),
    "gcp": (
        "pulumi_gcp.compute.get_zones",
        "pulumi_gcp.container.get_engine_versions",
        "pulumi_gcp.organizations.get_client_config",
        "pulumi_gcp.organizations.get_project",
    ),
    "azure-native": ("pulumi_azure_native.containerservice.list_managed_cluster_user_credentials",),
    "coreweave": (),
}
PRIMITIVES: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    Any: "any",
}
Json = Any  # a JSON value; the shape is documented in sandbox/schema.py


class Getter(NamedTuple):
    """One property of an SDK class, as the wire names it."""

    python_name: str
    wire_name: str
    property: property


@dataclass
class Types:
    """The nested types met on the way, by name, so that each is written once."""

    tables: dict[str, Json] = field(default_factory=dict)

    def of(self, hint: Any) -> Json:
        """Return the schema of a type annotation."""
        hint = _types.unwrap_type(hint)
        origin = typing.get_origin(hint)
        if hint in PRIMITIVES:
            return PRIMITIVES[hint]
        if origin is not None and issubclass_safe(origin, Mapping):
            return {"map": self.of(typing.get_args(hint)[1])}
        if origin is not None and issubclass_safe(origin, Sequence):
            return {"list": self.of(typing.get_args(hint)[0])}
        if typing.get_args(hint):
            return self.union(hint)
        if inspect.isclass(hint) and (_types.is_input_type(hint) or _types.is_output_type(hint)):
            return {"ref": self.nested(hint)}
        return "any"

    def union(self, hint: Any) -> Json:
        """Return the schema of `A | B`; a single member left after unwrapping stands alone."""
        members: list[Json] = []
        for member in typing.get_args(hint):
            # Each input class comes with a TypedDict of the same shape, and with what wraps outputs.
            wrapper = "Awaitable" in str(member) or typing.get_origin(member) is Output
            if member is type(None) or wrapper or typing.is_typeddict(member):
                continue
            schema = self.of(member)
            if schema not in members:
                members.append(schema)
        return members[0] if len(members) == 1 else {"any_of": members}

    def nested(self, cls: type) -> str:
        """Record a nested class and return its name."""
        kind = "in" if _types.is_input_type(cls) else "out"
        module = cls.__module__.split(".")[1]
        name = f"{kind}:{module}.{cls.__name__}"
        if name not in self.tables:
            self.tables[name] = {}
            self.tables[name] = self.properties(cls)
        return name

    def properties(self, cls: type) -> Json:
        """Return {wire name: {type, required}} of an SDK class."""
        table: dict[str, Json] = {}
        for getter in getters(cls):
            hint = return_hint(cls, getter)
            entry: dict[str, Json] = {"type": self.of(hint)}
            if required(cls, getter, hint):
                entry["required"] = True
            table[getter.wire_name] = entry
        return dict(sorted(table.items()))


def issubclass_safe(origin: Any, parent: type) -> bool:
    """Return whether `origin` is a class below `parent`."""
    return inspect.isclass(origin) and issubclass(origin, parent)


def getters(cls: type) -> Iterator[Getter]:
    """Yield the Pulumi properties of a class and its bases; a resource's id is no property of it."""
    own = {"id", "urn"} if issubclass(cls, Resource) else set()
    for name, member in inspect.getmembers(cls, lambda m: isinstance(m, property)):
        wire_name = getattr(member.fget, "_pulumi_name", None)
        if isinstance(wire_name, str) and wire_name not in own:
            yield Getter(name, wire_name, member)


@functools.cache
def namespace(cls: type) -> dict[str, Any]:
    """Return the names that annotations in the modules of a class may use."""
    names: dict[str, Any] = {"Output": Output, "T": type(None)}
    for base in reversed(cls.__mro__):
        names.update(vars(sys.modules[base.__module__]))
    return names


def return_hint(cls: type, getter: Getter) -> Any:
    """Return the resolved return annotation of a property."""
    hints = typing.get_type_hints(getter.property.fget, globalns=namespace(cls))
    return hints["return"]


def required(cls: type, getter: Getter, hint: Any) -> bool:
    """Return whether the property always has a value (outputs) or must be given (inputs)."""
    if _types.is_input_type(cls):
        parameter = inspect.signature(cls).parameters.get(getter.python_name)
        return parameter is not None and parameter.default is inspect.Parameter.empty
    inner = typing.get_args(hint)[0] if typing.get_origin(hint) is Output else hint
    return type(None) not in typing.get_args(inner)


def sdk(package: str) -> ModuleType:
    """Return the Python package of a Pulumi package."""
    return importlib.import_module(f"pulumi_{package.replace('-', '_')}")


def resource_classes(package: str) -> dict[str, type]:
    """Return {type token: resource class} of a Pulumi SDK, from its own registration table."""
    root = sdk(package)
    table = re.search(r'resource_modules="""(.*?)"""', inspect.getsource(root), re.DOTALL)
    if table is None:
        raise RuntimeError(
            f"pulumi_{package} registers no resource modules: has its layout changed?"
        )
    wanted = set(TYPES[package])
    classes: dict[str, type] = {}
    for module in json.loads(table.group(1)):
        for token, name in module["classes"].items():
            if token in wanted:
                classes[token] = getattr(importlib.import_module(module["fqn"]), name)
    return classes


def resource_schema(types: Types, cls: type) -> Json:
    """Return the inputs and outputs of one resource class."""
    module = sys.modules[cls.__module__]
    # Where a nested type has the name of the resource, the SDK calls the resource's own arguments thus.
    own = getattr(module, f"{cls.__name__}InitArgs", None)
    arguments = own or getattr(module, f"{cls.__name__}Args")
    return {"inputs": types.properties(arguments), "outputs": types.properties(cls)}


def function_schema(types: Types, dotted: str) -> tuple[str, Json]:
    """Return the token, the argument names and the result properties of one function."""
    package, name = dotted.rsplit(".", 1)
    function = getattr(importlib.import_module(package), name)
    module: ModuleType = sys.modules[function.__module__]
    source = inspect.getsource(inspect.unwrap(function))
    token = re.search(r"pulumi\.runtime\.invoke\('([^']+)'", source)
    result = re.search(r"typ=(\w+)", source)
    if token is None or result is None:
        raise RuntimeError(f"{dotted} makes no invoke call: has the SDK's layout changed?")
    arguments = sorted(re.findall(r"__args__\['(\w+)'\]", source))
    return token.group(1), {
        "arguments": arguments,
        "outputs": types.properties(getattr(module, result.group(1))),
    }


def build(package: str) -> Json:
    """Return the whole schema file of one SDK."""
    plugin = sdk(package)
    about = json.loads((Path(str(plugin.__file__)).parent / "pulumi-plugin.json").read_text())
    types = Types()
    resources = {
        token: resource_schema(types, cls)
        for token, cls in sorted(resource_classes(package).items())
    }
    functions = dict(sorted(function_schema(types, name) for name in FUNCTIONS[package]))
    return {
        "package": package,
        "version": about["version"],
        "resources": resources,
        "functions": functions,
        "types": dict(sorted(types.tables.items())),
    }


def text(schema: Json) -> str:
    """Return the file's text: compact, one entry of each table per line, stable."""

    def compact(value: Json) -> str:
        return json.dumps(value, separators=(",", ":"), sort_keys=True)

    head = f'"package":{compact(schema["package"])},\n"version":{compact(schema["version"])},\n'
    tables = []
    for table in ("resources", "functions", "types"):
        rows = ",\n".join(f"{compact(key)}:{compact(row)}" for key, row in schema[table].items())
        tables.append(f'"{table}":{{\n{rows}\n}}')
    return "{\n" + head + ",\n".join(tables) + "\n}\n"


def main() -> None:
    """Write the schema file of every package."""
    for package in TYPES:
        path = SCHEMAS / f"{package}.json"
        path.write_text(text(build(package)))
        print(f"wrote {path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
