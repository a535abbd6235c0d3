"""Rules on pods: resources, images, secrets, probes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pulumi_policy import Severity

from outlay.catalog.labels import GPU_RESOURCE
from outlay.pricing.inputs import is_unknown
from policies.declared import Declared, at, listed, mapped
from policies.options import TEXTS, Option
from policies.rule import MANDATORY, STRICT_IN_PROD, ResourceRule, Situation
from policies.workloads import Pod, gpu_count, pod_of

# A value that is known only later is checked when it is: rules on one resource run again at the
# update, before the step.


def _gpu_pod(declared: Declared) -> Pod | None:
    pod = pod_of(declared)
    return pod if pod is not None and pod.gpus else None


def _name(container: Mapping[str, object]) -> str:
    return f"container {container.get('name', '?')}"


def _unrequested(declared: Declared, _situation: Situation) -> Iterable[str]:
    pod = _gpu_pod(declared)
    for container in pod.containers(init=False) if pod is not None else ():
        if gpu_count(container) is None:
            continue
        for resource in ("cpu", "memory"):
            if at(container, "resources", "requests", resource) is None:
                yield f"{_name(container)} requests no {resource}, so others may take it away."
        requests = at(container, "resources", "requests", GPU_RESOURCE)
        limits = at(container, "resources", "limits", GPU_RESOURCE)
        if limits is None:
            yield f"{_name(container)} has no limit for {GPU_RESOURCE}, which the API server refuses."
        elif requests is not None and not is_unknown(requests) and str(requests) != str(limits):
            yield f"{_name(container)} requests {requests} {GPU_RESOURCE} with a limit of {limits}."


GPU_RESOURCES = ResourceRule(
    name="gpu-pods-request-resources",
    holds="GPU pods request the CPU, memory and GPUs that they need.",
    reason="A pod without requests lands anywhere, starves, and leaves a paid GPU idle.",
    remedy="Give each GPU container requests for cpu and memory, and equal request and limit of GPUs.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    check=_unrequested,
)

FLOATING = ("dev", "edge", "head", "latest", "main", "master", "nightly", "stable", "trunk")
TAGS = "floating"


def _floating(declared: Declared, situation: Situation) -> Iterable[str]:
    pod = pod_of(declared)
    floating = situation.options.texts(TAGS)
    for container in pod.containers() if pod is not None else ():
        image = container.get("image")
        if isinstance(image, str) and not is_unknown(image):
            yield from _image_fault(_name(container), image, floating)


def _image_fault(where: str, image: str, floating: tuple[str, ...]) -> Iterator[str]:
    if re.search(r"@sha256:[0-9a-f]{64}$", image):
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag:
        yield f"{where} runs {image} without a tag, so whatever is newest."
    elif tag.lower() in floating:
        yield f"{where} runs {image}: the tag {tag} moves."


PINNED_IMAGES = ResourceRule(
    name="pinned-images",
    holds="Images are pinned to a version or a digest.",
    reason="A pod that restarts with another image is a deployment that nobody made.",
    remedy="Name a release, or better the digest.",
    severity=Severity.MEDIUM,
    levels=MANDATORY,
    options={TAGS: Option(kind=TEXTS, default=FLOATING, meaning="Tags that count as not pinned")},
    check=_floating,
)

SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_?KEY|PRIVATE_KEY)$"
)
# Shapes of well-known secrets: Hugging Face, OpenAI, AWS, GitHub, Slack; keys in PEM.
SECRET_TEXT = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def _in_clear(declared: Declared, _situation: Situation) -> Iterable[str]:
    pod = pod_of(declared)
    if pod is not None:
        for container in pod.containers():
            yield from _container_secrets(container)
    if declared.resource_type.startswith("kubernetes:core/v1:ConfigMap"):
        yield from _map_secrets(declared)


def _container_secrets(container: Mapping[str, object]) -> Iterator[str]:
    for entry in map(mapped, listed(container.get("env"))):
        name, value = str(entry.get("name", "?")), entry.get("value")
        if isinstance(value, str) and value and (SECRET_NAME.search(name) or _is_secret(value)):
            yield f"{_name(container)} has the value of {name} in clear."
    for field in ("command", "args"):
        if any(_is_secret(text) for text in listed(container.get(field))):
            yield f"{_name(container)} has a secret in its {field}."


def _map_secrets(declared: Declared) -> Iterator[str]:
    for key, text in mapped(declared.inputs.get("data")).items():
        if _is_secret(text):
            yield f"data.{key} holds a secret."


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and SECRET_TEXT.search(value) is not None


NO_CLEAR_SECRETS = ResourceRule(
    name="no-secret-in-clear",
    holds="No secret stands in clear in a pod or a ConfigMap.",
    reason="Whoever may list pods reads it, and so does every log of a preview.",
    remedy="Put it into a Secret from a `--secret` setting, and refer to it by secretKeyRef.",
    severity=Severity.CRITICAL,
    levels=MANDATORY,
    check=_in_clear,
)

SERVING_KINDS = frozenset({"Deployment", "LeaderWorkerSet", "StatefulSet"})


def _unprobed(declared: Declared, _situation: Situation) -> Iterable[str]:
    pod = pod_of(declared)
    if pod is None or pod.kind not in SERVING_KINDS or not (pod.gpus or pod.is_router):
        return
    found = [
        {probe for probe in ("readinessProbe", "livenessProbe", "startupProbe") if probe in each}
        for each in pod.containers(init=False)
    ]
    if not any("readinessProbe" in each for each in found):
        yield "no container has a readinessProbe: requests reach it while it still loads."
    if pod.gpus and not any({"livenessProbe", "startupProbe"} & each for each in found):
        yield "no container has a livenessProbe or startupProbe: a hung server keeps its GPUs."


PROBES = ResourceRule(
    name="probes-present",
    holds="Model servers and routers say when they are ready and when they hang.",
    reason="Weights take minutes to load; without probes requests fail until then, and after a hang.",
    remedy="Give the container readinessProbe, livenessProbe and, for slow starts, startupProbe.",
    severity=Severity.MEDIUM,
    levels=STRICT_IN_PROD,
    check=_unprobed,
)

RULES = (GPU_RESOURCES, PINNED_IMAGES, NO_CLEAR_SECRETS, PROBES)
