"""Look things up in rendered objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from outlay.serving.objects import ClusterManifests, KubeObject


def every(manifests: Iterable[ClusterManifests]) -> Iterator[tuple[ClusterManifests, KubeObject]]:
    """Yield all objects with their cluster."""
    for cluster in manifests:
        for item in cluster.objects:
            yield cluster, item


def bodies(manifests: Iterable[ClusterManifests], kind: str) -> list[dict[str, Any]]:
    """Return all objects of a kind."""
    return [item.body() for _, item in every(manifests) if item.kind == kind]


def one(manifests: Iterable[ClusterManifests], kind: str, name: str) -> dict[str, Any]:
    """Return the only object of that kind and name."""
    (found,) = [body for body in bodies(manifests, kind) if body["metadata"]["name"] == name]
    return found


def model_servers(manifests: Iterable[ClusterManifests]) -> list[dict[str, Any]]:
    """Return the Deployments of engines."""
    return [body for body in bodies(manifests, "Deployment") if is_engine(body)]


def routers(manifests: Iterable[ClusterManifests]) -> list[dict[str, Any]]:
    """Return the Deployments of endpoint pickers."""
    return [body for body in bodies(manifests, "Deployment") if not is_engine(body)]


def is_engine(body: dict[str, Any]) -> bool:
    """Whether a Deployment is of model servers; GPUs may come by a claim, so they do not tell."""
    return "llm-d.ai/role" in body["metadata"].get("labels", {})


def pod(body: dict[str, Any]) -> dict[str, Any]:
    """Return the pod specification of a workload object."""
    spec: dict[str, Any] = body["spec"]["template"]["spec"]
    return spec


def gpus(body: dict[str, Any]) -> int:
    """Return the GPUs that one pod requests."""
    return sum(
        container["resources"]["requests"].get("nvidia.com/gpu", 0)
        for container in pod(body)["containers"]
    )


def args(body: dict[str, Any]) -> list[str]:
    """Return the arguments of the first container."""
    found: list[str] = pod(body)["containers"][0]["args"]
    return found


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether matchLabels choose an object with these labels."""
    return selector.items() <= labels.items()


def home(spec: dict[str, Any]) -> str:
    """Return the pool that a pod is planned on: the only one, or the preferred one."""
    if "outlay/pool" in spec["nodeSelector"]:
        return str(spec["nodeSelector"]["outlay/pool"])
    preferred = spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    (term,) = preferred[0]["preference"]["matchExpressions"]
    (name,) = term["values"]
    return str(name)


def pools(spec: dict[str, Any], *, among: list[str]) -> list[str]:
    """Return those of the pools that a pod's required node affinity allows."""
    affinity = spec.get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return among
    terms = [e for t in required["nodeSelectorTerms"] for e in t["matchExpressions"]]
    allowed = {v for e in terms if e["key"] == "outlay/pool" for v in e["values"]}
    return [name for name in among if not allowed or name in allowed]


def expressions(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every match expression anywhere in an affinity."""
    if isinstance(value, dict):
        yield from value.get("matchExpressions", ())
        for child in value.values():
            yield from expressions(child)
    elif isinstance(value, list):
        for child in value:
            yield from expressions(child)
