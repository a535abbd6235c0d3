"""Strict JSON schemas of Kubernetes objects: built-in kinds by version, custom kinds by their definition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from outlay.errors import DataError
from outlay.serving.versions import KUBERNETES
from outlay.serving.yaml_text import parse_documents

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from referencing import Registry

CRDS = Path(__file__).resolve().parent / "crds"
# By kind. Those below `checked` are not applied: their controllers bring them.
DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "InferencePool": "inferencepools.yaml",
        "InferenceObjective": "inferenceobjectives.yaml",
        "InferenceModelRewrite": "inferencemodelrewrites.yaml",
        "PodMonitor": "podmonitors.yaml",
        "PrometheusRule": "prometheusrules.yaml",
        "Gateway": "checked/gateways.json",
        "HTTPRoute": "checked/httproutes.json",
        "DestinationRule": "checked/destinationrules.json",
        "HealthCheckPolicy": "checked/healthcheckpolicies.json",
        "GCPBackendPolicy": "checked/gcpbackendpolicies.json",
        "ScaledObject": "checked/scaledobjects.json",
        "LeaderWorkerSet": "checked/leaderworkersets.json",
        "LLMInferenceService": "checked/llminferenceservices.json",
    }
)
_PACKAGE = "kubernetes_validate"
# Say nothing about which values are valid, or differ between the two dialects.
_DROPPED = frozenset({"default", "description", "format", "example", "externalDocs", "title"})


def validator(api_version: str, kind: str) -> Draft202012Validator | None:
    """Return the validator of a kind, or None when neither Kubernetes nor our definitions know it.

    Raises:
        DataError: the package with Kubernetes' schemas is not installed, or lacks the version.
    """
    return _custom(api_version, kind) or _built_in(api_version, kind)


@cache
def _built_in(api_version: str, kind: str) -> Draft202012Validator | None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only checking needs it

    group, _, version = api_version.rpartition("/")
    suffix = f"{group.split('.')[0]}-{version}" if group else version
    file = _schema_folder() / f"{kind.lower()}-{suffix}.json"
    if not file.is_file():
        return None
    return Draft202012Validator(json.loads(file.read_text("utf-8")), registry=_registry())


@cache
def _schema_folder() -> Path:
    # Found without importing the package, which costs as much as the check itself.
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(_PACKAGE, "not installed; run `make setup`")
    package = Path(spec.submodule_search_locations[0])
    folder = package / "kubernetes-json-schema" / f"v{KUBERNETES}.0-local-strict"
    if not folder.is_dir():
        raise DataError(_PACKAGE, f"has no strict schemas of Kubernetes {KUBERNETES} ({folder})")
    return folder


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry, Resource  # noqa: PLC0415 - only checking needs it

    definitions = json.loads((_schema_folder() / "_definitions.json").read_text("utf-8"))
    registry: Registry[Any] = Resource.from_contents(definitions) @ Registry()
    return registry


def _custom(api_version: str, kind: str) -> Draft202012Validator | None:
    # Definitions are large: only those in use are read.
    file = DEFINITIONS.get(kind)
    return _validators(file).get(api_version) if file else None


@cache
def _validators(file: str) -> Mapping[str, Draft202012Validator]:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only checking needs it

    spec = definition(file)["spec"]
    return {
        f"{spec['group']}/{version['name']}": Draft202012Validator(
            json_schema(version["schema"]["openAPIV3Schema"])
        )
        for version in spec["versions"]
    }


def definition(file: str) -> dict[str, Any]:
    """Return the CustomResourceDefinition in a file of `crds/`."""
    text = (CRDS / file).read_text("utf-8")
    if file.endswith(".json"):
        body: dict[str, Any] = json.loads(text)
        return body
    (body,) = parse_documents(text, source=f"crds/{file}")
    return body


def json_schema(structural: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a definition's structural schema into a JSON schema that refuses unknown fields."""
    schema = _closed(structural)
    # Kubernetes itself defines these; a definition only says that they are there.
    schema["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {}, "kind": {}}
    return schema


def _closed(node: Mapping[str, Any]) -> dict[str, Any]:
    schema = {
        key: _converted(key, value)
        for key, value in node.items()
        if key not in _DROPPED and not key.startswith("x-kubernetes-") and key != "nullable"
    }
    if node.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if "properties" in node:
        _close(schema, node)
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") else schema


def _converted(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _closed(child) for name, child in value.items()}
    if key in ("items", "additionalProperties", "not") and isinstance(value, Mapping):
        return _closed(value)
    if key in ("anyOf", "allOf", "oneOf"):
        return [_closed(child) for child in value]
    return value


def _close(schema: dict[str, Any], node: Mapping[str, Any]) -> None:
    # Branches of anyOf and allOf repeat properties of the level above; only typed levels are whole.
    if node.get("type") == "object" and not node.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    # The API server fills in a default before it looks for what is required.
    given = [k for k in node.get("required", ()) if "default" not in node["properties"].get(k, {})]
    schema.pop("required", None)
    if given:
        schema["required"] = given
