"""Google Cloud: the provider's configuration, projects, labels and functions over the table of types."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from sandbox import gcp_rules
from sandbox.aws import known_function, known_type
from sandbox.catalogue import machines
from sandbox.cloud import Cloud
from sandbox.errors import CloudError, Code
from sandbox.gcp_types import PROJECT_NUMBER, TYPES, VERSION
from sandbox.ledger import Ledger, Record
from sandbox.rules import Reference, ResourceType, Situation
from sandbox.schema import Failure, Schema, load_schema
from sandbox.values import Props, Unknown, as_map, as_text, find

PROJECT_VARIABLES = (
    "GOOGLE_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
)
# Projects have these from the start, without a resource that makes them.
BUILT_IN = frozenset({"default"})


class Gcp(Cloud):
    """One configured Google Cloud provider."""

    package = "gcp"
    owner_labels = ("outlay-project", "outlay-stack")
    default_labels = "default_labels"

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.schema: Schema = load_schema(self.package)

    def warm_up(self) -> None:
        """Read the catalogue."""
        machines(self.package)

    def configure(self, config: Props) -> None:
        """Take project, region and default labels; credentials are never looked at."""
        self.config = config

    def check_config(self, config: Props) -> list[Failure]:
        """Refuse a region or zone that Google does not have."""
        failures: list[Failure] = []
        for key in ("region", "zone"):
            location = as_text(config.get(key))
            failures += gcp_rules.location_rule(location, key) if location else []
        return failures

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """A provider of another project holds other resources."""
        del old, new
        return ("project",)

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of a Google Cloud type."""
        return known_type(self.package, token, TYPES)

    def account(self, inputs: Props) -> str:
        """Return the resource's own project, else the provider's, from the same places as the real one's."""
        environment = next(
            (os.environ[name] for name in PROJECT_VARIABLES if os.environ.get(name)), ""
        )
        configured = as_text(self.config.get("project"), environment)
        return as_text(inputs.get("project"), configured).removeprefix("projects/")

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the resource's location, from itself, the cluster it belongs to, or the provider."""
        if kind.is_global:
            return "global"
        named = inputs.get("location", inputs.get("region", inputs.get("cluster")))
        if isinstance(named, Unknown):
            return ""
        if kind.token.startswith("gcp:container/"):
            cluster = as_text(inputs.get("cluster"))
            inherited = (
                cluster.split("/locations/", 1)[1].split("/", 1)[0]
                if "/locations/" in cluster
                else ""
            )
            zone = as_text(self.config.get("zone"), as_text(self.config.get("region")))
            return as_text(inputs.get("location"), inherited or zone)
        return as_text(inputs.get("region"), as_text(self.config.get("region")))

    def capacity_region(self, region: str) -> str:
        """Return the region of a zone: capacity and quota are counted there."""
        return gcp_rules.region_of(region)

    def no_region(self) -> str:
        """Say where a location comes from."""
        return "no location is given: set the resource's location (or region), or gcp:region"

    def labels(self, kind: ResourceType, inputs: Props) -> Props:
        """Return the labels, with the provider's default ones below them."""
        own = as_map(find(inputs, kind.labels)) if kind.labels else {}
        return {**as_map(self.config.get("defaultLabels")), **own}

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Check against the SDK's types; a project must come from somewhere."""
        failures = self.schema.check(kind.token, inputs)
        project = inputs.get("project")
        if not failures and not isinstance(project, Unknown) and not self.account(inputs):
            failures.append(
                Failure(
                    "project", "no project is given: set gcp:project or the resource's own project"
                )
            )
        return failures

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Fill what Google always answers."""
        return self.schema.complete(kind.token, outputs)

    def no_capacity(self, situation: Situation, *, free: int, sku: str) -> str:
        """Return Google's words for a region that has run out of a machine type."""
        return (
            f"ZONE_RESOURCE_POOL_EXHAUSTED: {situation.region} has {free} free {sku};"
            " try again later, or allow another region, market or machine type"
        )

    def _refuse_while_protected(self, kind: ResourceType, record: Record) -> None:
        super()._refuse_while_protected(kind, record)
        if record.outputs.get("deletionPolicy") == "PREVENT":
            raise CloudError(
                Code.FAILED_PRECONDITION,
                f"{record.name or record.id}: deletionPolicy is PREVENT; set it to DELETE, run `pulumi up`, then destroy",
            )

    def _resolves(self, reference: Reference, value: str, situation: Situation) -> bool:
        return value.rsplit("/", 1)[-1] in BUILT_IN or super()._resolves(
            reference, value, situation
        )

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer one of the functions that the sandbox knows."""
        function = known_function(self.package, token, FUNCTIONS)
        unknown = set(arguments) - set(self.schema.functions[token]["arguments"])
        if unknown:
            raise CloudError(
                Code.INVALID_ARGUMENT, f"{token} has no argument {', '.join(sorted(unknown))}"
            )
        return function(self, arguments)


def _zones(cloud: Gcp, arguments: Props) -> Props:
    region = as_text(arguments.get("region"), as_text(cloud.config.get("region")))
    if region not in gcp_rules.REGIONS:
        raise CloudError(
            Code.INVALID_ARGUMENT, f"Google Cloud has no region {region!r}; set region"
        )
    project = cloud.account(arguments)
    names = gcp_rules.zones(region)
    return {
        **arguments,
        "id": f"projects/{project}/regions/{region}",
        "names": names,
        "project": project,
        "region": region,
    }


def _engine_versions(cloud: Gcp, arguments: Props) -> Props:
    channels = dict.fromkeys(("RAPID", "REGULAR", "STABLE", "EXTENDED"), VERSION)
    return {
        **arguments,
        "id": as_text(arguments.get("location"), "sandbox"),
        "project": cloud.account(arguments),
        "defaultClusterVersion": VERSION,
        "latestMasterVersion": VERSION,
        "latestNodeVersion": VERSION,
        "releaseChannelDefaultVersion": channels,
        "releaseChannelLatestVersion": channels,
        "releaseChannelUpgradeTargetVersion": channels,
        "validMasterVersions": [VERSION],
        "validNodeVersions": [VERSION],
    }


def _client_config(cloud: Gcp, arguments: Props) -> Props:
    return {
        **arguments,
        "id": "sandbox",
        "accessToken": "ya29.sandbox-no-token",
        "defaultLabels": as_map(cloud.config.get("defaultLabels")),
        "project": cloud.account(arguments),
        "region": as_text(cloud.config.get("region")),
        "zone": as_text(cloud.config.get("zone")),
    }


def _project(cloud: Gcp, arguments: Props) -> Props:
    project = as_text(arguments.get("projectId"), cloud.account(arguments))
    return {
        "id": f"projects/{project}",
        "autoCreateNetwork": False,
        "billingAccount": "000000-SANDBOX-000000",
        "deletionPolicy": "PREVENT",
        "effectiveLabels": {},
        "folderId": "",
        "labels": {},
        "name": f"{project} (sandbox)",
        "number": PROJECT_NUMBER,
        "orgId": "",
        "projectId": project,
        "pulumiLabels": {},
        "tags": {},
    }


FUNCTIONS: Mapping[str, Callable[[Gcp, Props], Props]] = MappingProxyType(
    {
        "gcp:compute/getZones:getZones": _zones,
        "gcp:container/getEngineVersions:getEngineVersions": _engine_versions,
        "gcp:organizations/getClientConfig:getClientConfig": _client_config,
        "gcp:organizations/getProject:getProject": _project,
    }
)
