"""Kubernetes: any kind, checked strictly, on the sandbox's own clusters or rendered to files.

It never talks to a real API server and refuses a kubeconfig that names one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import coreweave, lambda_cloud
from sandbox.cloud import Cloud, Live, urn_name
from sandbox.errors import CloudError, Code
from sandbox.faults import Interruption
from sandbox.kubernetes_schemas import Definitions
from sandbox.kubernetes_types import (
    BUILT_IN_NAMESPACES,
    CLUSTER_SCOPED,
    DEFINITION,
    NAMESPACE,
    api_version,
    kind_of,
    namespace,
    resource_type,
)
from sandbox.ledger import Ledger, Record
from sandbox.protocol import secret
from sandbox.rules import Reference, ResourceType, Situation
from sandbox.schema import Failure
from sandbox.values import Props, Unknown, as_list, as_map, as_text, find

DOMAIN = ".sandbox.invalid"
OWN_CLUSTER = "own-cluster.sandbox.invalid"
UNSUPPORTED = ("helm.sh", "yaml", "kustomize")
# The outputs in which the clouds' clusters tell where their API is.
ENDPOINTS = ("endpoint", "fqdn", "apiServerEndpoint", "ip")
SECRET_FIELDS = ("data", "stringData")


class Kubernetes(Cloud):
    """One configured Kubernetes provider: one cluster of the sandbox, or one folder of rendered files."""

    package = "kubernetes"

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.definitions = Definitions(ledger)
        self.cluster = OWN_CLUSTER
        self.folder: Path | None = None

    def warm_up(self) -> None:
        """Load the schema library while the engine is still busy elsewhere."""
        self.definitions.warm_up()

    def check_config(self, config: Props) -> list[Failure]:
        """Refuse a kubeconfig that is broken or names a real cluster."""
        try:
            _server(config.get("kubeconfig"), as_text(config.get("context")))
        except CloudError as error:
            return [Failure("kubeconfig", str(error))]
        return []

    def configure(self, config: Props) -> None:
        """Take the cluster or the folder.

        Raises CloudError if the kubeconfig is broken or names a real cluster.
        """
        self.config = config
        rendered = as_text(config.get("renderYamlToDirectory"))
        self.folder = Path(rendered) if rendered else None
        self.cluster = (
            f"render:{self.folder.absolute()}"
            if self.folder
            else _server(config.get("kubeconfig"), as_text(config.get("context")))
        )

    def config_replaces(self, old: Props, new: Props) -> Collection[str]:
        """Objects live in their cluster: with another server they are made anew."""
        other = self._other_server(old, new)
        return (*(["kubeconfig"] if other else []), "clusterIdentifier", "renderYamlToDirectory")

    def _other_server(self, old: Props, new: Props) -> bool:
        """Return whether two configurations lead to different servers, as far as that is known."""
        if isinstance(new.get("kubeconfig"), Unknown):
            return False
        before, after = (
            _server(config.get("kubeconfig"), as_text(config.get("context")))
            for config in (old, new)
        )
        return before != after

    def type_of(self, token: str) -> ResourceType:
        """Return the behaviour of a kind."""
        version, kind = api_version(token), kind_of(token)
        if version.split("/")[0] in UNSUPPORTED or kind.endswith("Patch"):
            raise CloudError(
                Code.INVALID_ARGUMENT,
                f"the sandbox has no resource type {token}: declare plain objects of Kubernetes' own kinds",
            )
        mutable = {
            name
            for name in ("ConfigMap", "Secret")
            if self.config.get(f"enable{name}Mutable") is True
        }
        return resource_type(
            token, namespaced=self._namespaced(version, kind), mutable=frozenset(mutable)
        )

    def _namespaced(self, version: str, kind: str) -> bool:
        defined = self.definitions.find(version, kind) if "." in version else None
        if defined is not None:
            return bool(defined["scope"] == "Namespaced")
        return kind not in CLUSTER_SCOPED

    def region_of(self, kind: ResourceType, inputs: Props) -> str:
        """Return the cluster."""
        del kind, inputs
        return self.cluster

    def capacity_region(self, region: str) -> str:
        """Return the zone of a CoreWeave cluster: its nodes are bought by objects inside it."""
        return coreweave.zone_of(self.ledger, region) or region

    def seller(self, kind: ResourceType) -> str:
        """Return who sells the nodes of a NodePool object."""
        return coreweave.PROVIDER if kind.token == coreweave.NODE_POOL else self.package

    def _rules(self, kind: ResourceType, urn: str, inputs: Props) -> Iterator[Failure]:
        yield from super()._rules(kind, urn, inputs)
        if kind.token == coreweave.NODE_POOL:
            zone = coreweave.zone_of(self.ledger, self.cluster)
            yield from coreweave.node_pool(self.situation(kind, urn=urn, inputs=inputs), zone)

    def account(self, inputs: Props) -> str:
        """Kubernetes has no accounts."""
        del inputs
        return ""

    def shape(self, kind: ResourceType, *, urn: str, news: Props, olds: Props) -> Props:
        """Add apiVersion, kind, the provider's default namespace and a random name, as the provider does."""
        metadata = dict(as_map(news.get("metadata")))
        default = as_text(self.config.get("namespace"))
        if default and kind.references:
            metadata.setdefault("namespace", default)
        if "name" not in metadata and "generateName" not in metadata:
            metadata |= _autoname(urn, metadata, as_map(olds.get("metadata")))
        known = {"apiVersion": api_version(kind.token), "kind": kind_of(kind.token)}
        return {**known, **news, "metadata": metadata}

    def check_types(self, kind: ResourceType, inputs: Props) -> list[Failure]:
        """Check against the strict schema of the kind; remember definitions for the objects to come."""
        version, name = api_version(kind.token), kind_of(kind.token)
        failures = [
            Failure(key, f"is {inputs.get(key)!r}, but the resource type is that of {wanted!r}")
            for key, wanted in (("apiVersion", version), ("kind", name))
            if inputs.get(key) != wanted and not isinstance(inputs.get(key), Unknown)
        ]
        failures = failures or list(self.definitions.check(version, name, inputs))
        if kind.token == DEFINITION and not failures:
            self.definitions.learn(inputs)
        return failures

    def complete(self, kind: ResourceType, outputs: Props) -> Props:
        """Kubernetes answers with what the rules computed."""
        del kind
        return outputs

    def invoke(self, token: str, arguments: Props) -> Props:
        """Refuse: the functions of the provider decode YAML and charts, which outlay does itself."""
        del arguments
        raise CloudError(
            Code.INVALID_ARGUMENT,
            f"the sandbox has no function {token}: render to plain objects before declaring them",
        )

    def sealed(self, kind: ResourceType, props: Props) -> Props:
        """Mark the contents of a Secret, as the provider does."""
        if kind.token != "kubernetes:core/v1:Secret":  # noqa: S105 - a kind's name, no password
            return props
        return {
            key: secret(value) if key in SECRET_FIELDS else value for key, value in props.items()
        }

    def create(self, token: str, *, urn: str, inputs: Props, interruption: Interruption) -> Live:
        """Make an object, and its file when rendering."""
        self._require_cluster()
        live = super().create(token, urn=urn, inputs=inputs, interruption=interruption)
        self._render(inputs)
        return live

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
        """Change an object, and its file when rendering."""
        self._require_cluster()
        live = super().update(
            token, urn=urn, id_=id_, olds=olds, news=news, interruption=interruption
        )
        self._render(news)
        return live

    def delete(
        self, token: str, *, id_: str, properties: Props, interruption: Interruption
    ) -> None:
        """Remove an object with what lives inside it, and its file when rendering."""
        if not self.config.get("deleteUnreachable"):
            self._require_cluster()
        record = self.locate(token, id_=id_, properties=properties)
        super().delete(token, id_=id_, properties=properties, interruption=interruption)
        if record is not None:
            self._delete_contents(record)
            if self.folder:
                _file(self.folder, record.inputs).unlink(missing_ok=True)

    def read(self, token: str, *, id_: str, properties: Props, inputs: Props) -> Live | None:
        """Return an object as it is."""
        self._require_cluster()
        return super().read(token, id_=id_, properties=properties, inputs=inputs)

    def _require_cluster(self) -> None:
        """Refuse to work on a cluster of the sandbox that does not exist (any more)."""
        if self.folder or self.cluster == OWN_CLUSTER:
            return
        for record in self.ledger.records():
            if any(self.cluster in as_text(record.outputs.get(key)).lower() for key in ENDPOINTS):
                return
        raise CloudError(
            Code.UNAVAILABLE,
            f"configured Kubernetes cluster is unreachable: the sandbox has no cluster at {self.cluster}",
        )

    def _delete_contents(self, owner: Record) -> None:
        """Remove what a namespace or a definition takes with it."""
        with self.ledger.transaction():
            for record in self.ledger.records(package=self.package):
                if record.region == owner.region and _lives_in(record, owner):
                    self.ledger.delete(record)

    def _resolves(self, reference: Reference, value: str, situation: Situation) -> bool:
        if self.folder or (reference.token == NAMESPACE and value in BUILT_IN_NAMESPACES):
            return True
        return super()._resolves(reference, value, situation)

    def _render(self, inputs: Props) -> None:
        if self.folder:
            _write(_file(self.folder, inputs), inputs)


def _lives_in(record: Record, owner: Record) -> bool:
    if owner.token == NAMESPACE:
        return record.id.startswith(f"{owner.id}/")
    if owner.token == DEFINITION:
        group, kind = find(owner.inputs, "spec.group"), find(owner.inputs, "spec.names.kind")
        return (api_version(record.token).split("/")[0], kind_of(record.token)) == (group, kind)
    return False


def _autoname(urn: str, metadata: Props, old: Props) -> Props:
    """Return a random name, or the one that the object already got this way."""
    annotations = as_map(metadata.get("annotations"))
    kept = old.get("name") if as_map(old.get("annotations")).get("pulumi.com/autonamed") else None
    return {
        "name": kept or f"{urn_name(urn)}-{os.urandom(4).hex()}",
        "annotations": {**annotations, "pulumi.com/autonamed": "true"},
    }


def _load(text: str) -> Props:
    import yaml  # noqa: PLC0415 - 0.05 s; most plugin processes start before they know a kubeconfig

    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe loaders both
    except yaml.YAMLError as error:
        raise CloudError(Code.INVALID_ARGUMENT, f"kubeconfig is no YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise CloudError(
            Code.INVALID_ARGUMENT, "kubeconfig is neither a kubeconfig nor the path of one"
        )
    return loaded


def _server(kubeconfig: Any, context: str) -> str:
    """Return the host of the kubeconfig's cluster; without a kubeconfig, the sandbox's own cluster.

    Raises CloudError if it is broken or names a real cluster.
    """
    if not kubeconfig or isinstance(kubeconfig, Unknown):
        return OWN_CLUSTER
    config = kubeconfig if isinstance(kubeconfig, dict) else _parsed(str(kubeconfig))
    wanted = context or as_text(config.get("current-context"))
    contexts = {
        as_map(row).get("name"): as_map(as_map(row).get("context"))
        for row in as_list(config.get("contexts"))
    }
    clusters = {
        as_map(row).get("name"): as_map(as_map(row).get("cluster"))
        for row in as_list(config.get("clusters"))
    }
    server = as_text(clusters.get(contexts.get(wanted, {}).get("cluster"), {}).get("server"))
    host = urlsplit(server).hostname or ""
    if not host:
        raise CloudError(
            Code.INVALID_ARGUMENT,
            f"kubeconfig: context {wanted!r} leads to no cluster with a server",
        )
    if not host.endswith(DOMAIN) and host not in lambda_cloud.ADDRESSES:
        raise CloudError(
            Code.FAILED_PRECONDITION,
            f"the sandbox does not talk to {host}: it only keeps objects of its own clusters (*{DOMAIN});"
            " use the real Kubernetes provider for a real cluster",
        )
    return host


def _parsed(text: str) -> Props:
    """Return a kubeconfig given as text or as the path of a file."""
    path = Path(text)
    if "\n" not in text and not text.lstrip().startswith("{") and path.is_file():
        text = path.read_text(encoding="utf-8")
    return _load(text)


def _file(folder: Path, inputs: Props) -> Path:
    """Return the file of an object, named as the provider names it."""
    version = as_text(inputs.get("apiVersion")).replace("/", "_")
    kind = as_text(inputs.get("kind"))
    part = "0-crd" if kind == "CustomResourceDefinition" else "1-manifest"
    scope = namespace(inputs)
    name = f"{version}-{kind.lower()}-{scope}-{as_text(find(inputs, 'metadata.name'))}.yaml"
    return folder / part / name


def _write(path: Path, inputs: Props) -> None:
    import yaml  # noqa: PLC0415 - only rendering needs it

    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {key: value for key, value in inputs.items() if not key.startswith("__")}
    path.write_text(yaml.safe_dump(plain, sort_keys=True, allow_unicode=True), encoding="utf-8")
