"""Pods as the rules see them, whatever kind of object makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from outlay.catalog.labels import GPU_RESOURCE
from outlay.pricing.inputs import is_unknown
from policies.declared import Declared, at, listed, mapped

# Where each kind keeps the pod and how many of it there are.
TEMPLATE = ("spec", "template")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": TEMPLATE,
    "Deployment": TEMPLATE,
    "Job": TEMPLATE,
    "LeaderWorkerSet": ("spec", "leaderWorkerTemplate", "workerTemplate"),
    "Pod": (),
    "ReplicaSet": TEMPLATE,
    "ReplicationController": TEMPLATE,
    "StatefulSet": TEMPLATE,
}
# What tells an endpoint picker and a gateway: the images' names and the labels of the objects.
ROUTER_IMAGES = ("envoy", "endpoint-picker", "inference-scheduler", "router", "epp")
ROUTER_LABELS = ("llm-d-router-gateway", "outlay/gateway")


@dataclass(frozen=True, slots=True)
class Pod:
    """The pods of one object."""

    declared: Declared
    kind: str
    template: Mapping[str, object]

    @property
    def spec(self) -> Mapping[str, object]:
        """The pod's specification."""
        return mapped(self.template.get("spec"))

    @property
    def labels(self) -> Mapping[str, object]:
        """The pod's labels."""
        return mapped(at(self.template, "metadata", "labels"))

    def containers(self, *, init: bool = True) -> Iterator[Mapping[str, object]]:
        """Yield the containers, those that run first included unless asked otherwise."""
        fields = ("initContainers", "containers") if init else ("containers",)
        for field in fields:
            yield from map(mapped, listed(self.spec.get(field)))

    @property
    def gpus(self) -> int:
        """GPUs of one pod; an unknown number counts as one."""
        return sum(_gpus(container) for container in self.containers(init=False))

    @property
    def replicas(self) -> int:
        """How many pods there are; one when nothing says it."""
        count = at(self.declared.inputs, "spec", "replicas")
        return int(count) if isinstance(count, int | float) else 1

    @property
    def is_router(self) -> bool:
        """Whether requests pass through it: an endpoint picker, a proxy or the gateway."""
        labels = {*self.labels, *mapped(at(self.declared.inputs, "metadata", "labels"))}
        return any(label in labels for label in ROUTER_LABELS) or any(
            word in _image_name(container)
            for container in self.containers(init=False)
            for word in ROUTER_IMAGES
        )


def pod_of(declared: Declared) -> Pod | None:
    """Return the pods that an object makes, None when it makes none."""
    package, _, rest = declared.resource_type.partition(":")
    kind = rest.rpartition(":")[2].removesuffix("Patch")
    if package != "kubernetes" or kind not in TEMPLATES:
        return None
    return Pod(declared, kind, mapped(at(declared.inputs, *TEMPLATES[kind])))


def gpu_count(container: Mapping[str, object]) -> object:
    """Return the GPUs that a container asks for, as written; None for none."""
    limit = at(container, "resources", "limits", GPU_RESOURCE)
    return limit if limit is not None else at(container, "resources", "requests", GPU_RESOURCE)


def _gpus(container: Mapping[str, object]) -> int:
    count = gpu_count(container)
    if count is None:
        return 0
    if is_unknown(count):
        return 1
    try:
        return int(float(str(count)))
    except ValueError:
        return 1


def _image_name(container: Mapping[str, object]) -> str:
    image = container.get("image")
    if not isinstance(image, str):
        return ""
    return image.rpartition("/")[2].partition(":")[0].partition("@")[0]
