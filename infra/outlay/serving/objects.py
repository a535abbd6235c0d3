"""The values that rendering returns: Kubernetes objects of one cluster, in the order of declaration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

# Everything else needs these to exist first.
BASE_KINDS = frozenset({"CustomResourceDefinition", "Namespace", "PriorityClass"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeObject:
    """One object and the template (or file) it comes from; kept as JSON, so that it cannot change."""

    template: str
    api_version: str
    kind: str
    namespace: str | None
    name: str
    json: str

    @classmethod
    def of(cls, body: dict[str, Any], *, template: str) -> KubeObject:
        """Wrap an object that has apiVersion, kind and metadata.name."""
        metadata = body["metadata"]
        return cls(
            template=template,
            api_version=body["apiVersion"],
            kind=body["kind"],
            namespace=metadata.get("namespace"),
            name=metadata["name"],
            json=json.dumps(body, sort_keys=True, separators=(",", ":")),
        )

    def body(self) -> dict[str, Any]:
        """Return a fresh copy of the object."""
        body: dict[str, Any] = json.loads(self.json)
        return body

    @property
    def is_base(self) -> bool:
        """Whether other objects need this one to exist first."""
        return self.kind in BASE_KINDS

    @property
    def identity(self) -> str:
        """Kind, namespace and name, as error messages show it."""
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterManifests:
    """All objects of one cluster; those that others need come first."""

    cluster: str
    provider: str
    objects: tuple[KubeObject, ...]
