"""Azure: the provider's configuration, resource groups and functions over the table of types."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from sandbox import azure_rules as rules
from sandbox.aws import known_function, known_type
from sandbox.azure_types import CLUSTER, GROUP, POOL_FIXED, SUBSCRIPTION, TYPES
from sandbox.catalogue import machines, regions
from sandbox.cloud import Cloud, Live
from sandbox.errors import CloudError, Code
from sandbox.faults import Interruption
from sandbox.ledger import Ledger, Record
from sandbox.rules import ResourceType, Situation
from sandbox.schema import Failure, Schema, load_schema, nearest
from sandbox.values import Props, Unknown, as_list, as_map, as_text

CERTIFICATE = base64.b64encode(b"outlay sandbox: no certificate\n").decode()


class Azure(Cloud):
    """One configured Azure provider."""

    package = "azure-native"
    owner_labels = ("outlay:project", "outlay:stack")
    default_labels = "own tags (Azure has no default ones)"

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.schema: Schema = load_schema(self.package)

    def warm_up(self) -> None:
        """Read the catalogue."""
        machines(rules.PROVIDER)

    def configure(self, config: Props) -> None:
        """Take the default location; credentials are never looked at."""
        self.config = config

    def check_config(self, config: Props) -> list[Failure]:
        """Refuse a location that Azure does not have."""
        location, known = as_text(config.get("location")), regions(rules.PROVIDER)
        if not location or location in known:
            return []
        hint = nearest(location, dict.fromkeys(known))
        return [Failure("location", f"Azure has no region {location!r}{hint}")]

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """Resources name their own place; a provider of another subscription holds other ones."""
        del old, new
        return ("subscriptionId",)

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of an Azure type."""
        return known_type("azure", token, TYPES)

    def account(self, inputs: Props) -> str:
        """Return the sandbox's subscription."""
        del inputs
        return SUBSCRIPTION

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the resource's own location, else the provider's, else that of its resource group."""
        if kind.is_global:
            return "global"
        own = inputs.get("location")
        if isinstance(own, Unknown):
            return ""
        return as_text(own) or as_text(self.config.get("location")) or self._of_group(inputs)

    def _of_group(self, inputs: Props) -> str:
        name = as_text(inputs.get("resourceGroupName"))
        return next((group.region for group in self.ledger.records(GROUP, name=name)), "")

    def no_region(self) -> str:
        """Say where a location comes from."""
        return "no location is given: set the resource's location, or azure-native:location"

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Check against the SDK's types."""
        return self.schema.check(kind.token, inputs)

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Fill what Azure always answers, and mark spot pools as AKS does."""
        marked = rules.with_spot_marks(outputs) if "scaleSetPriority" in outputs else outputs
        return self.schema.complete(kind.token, marked)

    def no_capacity(self, situation: Situation, *, free: int, sku: str) -> str:
        """Return Azure's words for a region that has run out of a machine type."""
        return (
            f"AllocationFailed: {situation.region} has {free} free {sku}; try again later,"
            " or allow another region, market or machine type"
        )

    def update(
        self,
        token: str,
        *,
        urn: str,
        id_: str,
        olds: Props,
        news: Props,
        interruption: Interruption,
    ) -> Live:
        """Change a resource; AKS refuses what is fixed in a cluster's own pools."""
        if token == CLUSTER:
            old = self.require(token, id_=id_, properties=olds)
            _refuse_fixed_changes(old.inputs, news)
        return super().update(
            token, urn=urn, id_=id_, olds=olds, news=news, interruption=interruption
        )

    def delete(
        self, token: str, *, id_: str, properties: Props, interruption: Interruption
    ) -> None:
        """Remove a resource; a resource group or a cluster takes along what lies in it."""
        record = self.locate(token, id_=id_, properties=properties)
        super().delete(token, id_=id_, properties=properties, interruption=interruption)
        if record is not None and token in (GROUP, CLUSTER):
            self._delete_contents(record)

    def _delete_contents(self, owner: Record) -> None:
        with self.ledger.transaction():
            for record in self.ledger.records(package=self.package):
                if record.id.lower().startswith(f"{owner.id.lower()}/"):
                    self.ledger.delete(record)

    def invoke(self, token: str, arguments: Props) -> Props:
        """Answer one of the functions that the sandbox knows."""
        function = known_function("azure", token, FUNCTIONS)
        unknown = set(arguments) - set(self.schema.functions[token]["arguments"])
        if unknown:
            raise CloudError(
                Code.INVALID_ARGUMENT, f"{token} has no argument {', '.join(sorted(unknown))}"
            )
        return function(self, arguments)


def _refuse_fixed_changes(olds: Props, news: Props) -> None:
    """Refuse to change in place what only a new pool can have.

    Raises CloudError (FAILED_PRECONDITION).
    """
    before = {as_text(pool.get("name")): pool for pool in as_list(olds.get("agentPoolProfiles"))}
    for pool in map(as_map, as_list(news.get("agentPoolProfiles"))):
        old = before.get(as_text(pool.get("name")), pool)
        for key in POOL_FIXED:
            if old.get(key) != pool.get(key):
                raise CloudError(
                    Code.FAILED_PRECONDITION,
                    f"PropertyChangeNotAllowed: Changing property 'agentPoolProfile.{key}' of pool"
                    f" {pool.get('name')} is not allowed; give the pool another name",
                )


def _user_credentials(cloud: Azure, arguments: Props) -> Props:
    name, group = (as_text(arguments.get(key)) for key in ("resourceName", "resourceGroupName"))
    found = cloud.ledger.records(CLUSTER, name=name, scope=group.lower())
    if not found:
        raise CloudError(
            Code.NOT_FOUND, f"ResourceNotFound: resource group {group!r} has no cluster {name!r}"
        )
    server = f"https://{found[0].outputs['fqdn']}:443"
    cluster = {"server": server, "certificate-authority-data": CERTIFICATE}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
    }
    value = base64.b64encode(json.dumps(kubeconfig).encode()).decode()
    return {"kubeconfigs": [{"name": "clusterUser", "value": value}]}


FUNCTIONS: Mapping[str, Callable[[Azure, Props], Props]] = MappingProxyType(
    {"azure-native:containerservice:listManagedClusterUserCredentials": _user_credentials}
)
