"""Typical mistakes put into the templates, one at a time: each is caught before anything is declared, or here.

`docs/serving.md` lists them with what catches each; a test holds the two together.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlay.catalog.labels import cpu_node_labels, gpu_node_labels, gpu_node_taints
from outlay.errors import RenderError
from outlay.serving import render as render_module
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from tests.serving import find, patterns

TEMPLATES = render_module.TEMPLATES
DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Text replaced in a template, and the check that must notice."""

    file: str
    old: str
    new: str
    caught_by: str
    pattern: str = "plain"


SCHEMA, PICKER, WHOLE = "schema", "picker's configuration", "whole numbers"
CLOSURE, WIRING, SAFETY = "label closure", "wiring", "safety"
MISTAKES: dict[str, Mistake] = {
    "unknown field of a Deployment": Mistake(
        file="model-server.yaml.j2",
        old="  revisionHistoryLimit: 3",
        new="  revisionLimit: 3",
        caught_by=SCHEMA,
    ),
    "wrong API group of the pool": Mistake(
        file="router.yaml.j2",
        old="apiVersion: {{ workload.release.pool_api }}",
        new="apiVersion: inference.networking.x-k8s.io/v1alpha2",
        caught_by=SCHEMA,
    ),
    "FailClosed, which the definition does not know": Mistake(
        file="router.yaml.j2",
        old="failureMode: FailOpen",
        new="failureMode: FailClosed",
        caught_by=SCHEMA,
    ),
    "the chapter's kind": Mistake(
        file="model-server.yaml.j2",
        old="kind: PodDisruptionBudget",
        new="kind: LLMDeployment",
        caught_by=SCHEMA,
    ),
    "port as text": Mistake(
        file="router.yaml.j2",
        old="      number: 9002",
        new='      number: "9002"',
        caught_by=SCHEMA,
    ),
    "GPU count as a word": Mistake(
        file="pod.j2",
        old="name }}: {{ count }}",
        new="name }}: [{{ count }}]",
        caught_by=SCHEMA,
        pattern="split-fabric",
    ),
    "scaler without a target": Mistake(
        file="autoscaling.yaml.j2",
        old="  scaleTargetRef:",
        new="  scaleTarget:",
        caught_by=SCHEMA,
        pattern="scaled",
    ),
    "objective in the old group": Mistake(
        file="objectives.yaml.j2",
        old="apiVersion: {{ workload.release.objectives_api }}",
        new="apiVersion: inference.networking.x-k8s.io/v1alpha2",
        caught_by=SCHEMA,
        pattern="priorities",
    ),
    "route to a Service that has the pool's name": Mistake(
        file="gateway.yaml.j2",
        old="kind: InferencePool, name: {{ workload.name | q }}}",
        new="knd: InferencePool, name: {{ workload.name | q }}}",
        caught_by=SCHEMA,
        pattern="gateway",
    ),
    "two objects of one name": Mistake(
        file="router.yaml.j2",
        old='{{ meta(workload.name ~ "-envoy") }}',
        new="{{ meta(router.name) }}",
        caught_by="twins",
    ),
    "misspelt variable": Mistake(
        file="router.yaml.j2",
        old="{{ router.grace_s }}",
        new="{{ router.grace }}",
        caught_by="undefined names",
    ),
    "unknown plugin": Mistake(
        file="epp/prefix.yaml.j2",
        old="  - type: token-load-scorer",
        new="  - type: token-load-scorers",
        caught_by=PICKER,
    ),
    "misspelt parameter": Mistake(
        file="epp/prefix.yaml.j2",
        old="peakPrefillThroughput:",
        new="peakPrefillThroughputs:",
        caught_by=PICKER,
    ),
    "plugin without its producer": Mistake(
        file="epp/prefix.yaml.j2",
        old="  - type: inflight-load-producer\n",
        new="",
        caught_by=PICKER,
    ),
    "reference to a plugin that is not there": Mistake(
        file="epp/prefix.yaml.j2",
        old="pluginRef: token-load-scorer",
        new="pluginRef: load-scorer",
        caught_by=PICKER,
    ),
    "wrong version of the picker's configuration": Mistake(
        file="epp/prefix.yaml.j2",
        old="{{ workload.release.epp_config_api }}",
        new="llm-d.ai/v1",
        caught_by=PICKER,
    ),
    "decider that is named otherwise": Mistake(
        file="epp/split.yaml.j2",
        old="deciderPluginName: {{ decider }}",
        new="deciderPluginName: decider",
        caught_by=PICKER,
        pattern="split",
    ),
    "price as a fraction": Mistake(
        file="router.yaml.j2",
        old="operator: NotIn\n                    values: [spot]",
        new='operator: Lt\n                    values: ["2.0"]',
        caught_by=WHOLE,
    ),
    "no tolerations": Mistake(
        file="pod.j2", old="{{ tolerations(replica.tolerations) }}", new="", caught_by=CLOSURE
    ),
    "toleration of another taint": Mistake(
        file="pod.j2",
        old="  - {key: {{ taint.key | q }}, operator",
        new='  - {key: {{ (taint.key ~ "s") | q }}, operator',
        caught_by=CLOSURE,
    ),
    "selector that no pool carries": Mistake(
        file="pod.j2",
        old="  {{ key }}: {{ value | q }}\n{% endfor %}\n{{ tol",
        new="  x-{{ key }}: {{ value | q }}\n{% endfor %}\n{{ tol",
        caught_by=CLOSURE,
    ),
    "router may stand on spot": Mistake(
        file="router.yaml.j2",
        old="values: [spot]",
        new="values: [sport]",
        caught_by=CLOSURE,
        pattern="fallback",
    ),
    "GPU limit missing": Mistake(
        file="pod.j2",
        old="    memory: {{ replica.engine_memory_gib }}Gi\n{{ devices(workload, replica) }}\n{% if",
        new="    memory: {{ replica.engine_memory_gib }}Gi\n{% if",
        caught_by=SAFETY,
    ),
    "a surge on full pools": Mistake(
        file="model-server.yaml.j2",
        old="      maxSurge: 0",
        new="      maxSurge: 1",
        caught_by=SAFETY,
    ),
    "two pickers at once": Mistake(
        file="router.yaml.j2",
        old="    type: Recreate",
        new="    type: RollingUpdate",
        caught_by=SAFETY,
    ),
    "grace shorter than the drain": Mistake(
        file="pod.j2",
        old="terminationGracePeriodSeconds: {{ replica.drain.grace_s }}",
        new="terminationGracePeriodSeconds: 10",
        caught_by=SAFETY,
    ),
    "floating tag": Mistake(
        file="router.yaml.j2",
        old="{{ workload.release.envoy_image | q }}",
        new="docker.io/envoyproxy/envoy:latest",
        caught_by=SAFETY,
    ),
    "selector of the pool matches no pod": Mistake(
        file="router.yaml.j2",
        old="  selector:\n    matchLabels:\n      llm-d.ai/guide: {{ workload.name | q }}\n  endpoint",
        new="  selector:\n    matchLabels:\n      llm-d.ai/guides: {{ workload.name | q }}\n  endpoint",
        caught_by=WIRING,
    ),
    "monitor of a port that is not there": Mistake(
        file="monitoring.yaml.j2", old="{port: metrics,", new="{port: metric,", caught_by=WIRING
    ),
    "probe of a port that is not there": Mistake(
        file="pod.j2",
        old='{{ "supervisor" if wide else "modelserver" }}',
        new='{{ "supervisor" if wide else "engine" }}',
        caught_by=WIRING,
    ),
    "name of the Secret": Mistake(
        file="pod.j2",
        old="name: {{ workload.hf_secret | q }}",
        new="name: hf-secret",
        caught_by=WIRING,
    ),
    "volume that is not declared": Mistake(
        file="pod.j2",
        old="- {name: cache, mountPath: /.cache}",
        new="- {name: caches, mountPath: /.cache}",
        caught_by=WIRING,
    ),
    "ConfigMap of another name": Mistake(
        file="router.yaml.j2",
        old="            name: {{ router.name | q }}\n{% if standalone %}",
        new="            name: {{ workload.name | q }}\n{% if standalone %}",
        caught_by=WIRING,
    ),
    "Service without pods": Mistake(
        file="router.yaml.j2",
        old="  selector:\n    llm-d-router-gateway: {{ router.name | q }}\n  ports",
        new="  selector:\n    llm-d-router: {{ router.name | q }}\n  ports",
        caught_by=WIRING,
    ),
    "account that is not there": Mistake(
        file="pod.j2",
        old='serviceAccountName: {{ (workload.name ~ "-model-server") | q }}',
        new='serviceAccountName: {{ (workload.name ~ "-server") | q }}',
        caught_by=WIRING,
    ),
    "scaler of another Deployment": Mistake(
        file="autoscaling.yaml.j2",
        old="    kind: Deployment\n    name: {{ replica.name | q }}",
        new="    kind: Deployment\n    name: {{ workload.name | q }}",
        caught_by=WIRING,
        pattern="scaled",
    ),
    "picker of another pool": Mistake(
        file="router.yaml.j2",
        old="            - --pool-name\n            - {{ workload.name | q }}",
        new="            - --pool-name\n            - {{ router.name | q }}",
        caught_by=WIRING,
    ),
}


# --- the checks that are not the renderer's own ----------------------------------------------------


def closure_faults(manifests: ClusterManifests, made: patterns.Pattern) -> Iterator[str]:
    """Yield pods that fit no node of the plan, or routers that fit a spot node."""
    (cluster,) = made.plan.clusters
    kinds = [
        (gpu_node_labels(pool=p.name, market=p.market, gpu=p.gpu), gpu_node_taints(p.market))
        for p in cluster.pools
    ]
    kinds.append((cpu_node_labels(), ()))
    for body in find.bodies([manifests], "Deployment"):
        spec = find.pod(body)
        homes = [labels for labels, taints in kinds if _fits(spec, labels, taints)]
        if not homes:
            yield f"{body['metadata']['name']} fits no node"
        if not find.is_engine(body) and not _keeps_off_spot(spec):
            yield f"{body['metadata']['name']} may stand on spot"


def _fits(spec: dict[str, Any], labels: dict[str, str], taints: Iterable[Any]) -> bool:
    tolerated = {(t["key"], t["value"]) for t in spec.get("tolerations", ())}
    return find.selects(spec.get("nodeSelector", {}), labels) and all(
        (taint.key, taint.value) in tolerated for taint in taints
    )


def _keeps_off_spot(spec: dict[str, Any]) -> bool:
    found = find.expressions(spec.get("affinity", {}))
    return any(e["operator"] == "NotIn" and e["values"] == ["spot"] for e in found)


def wiring_faults(manifests: ClusterManifests) -> Iterator[str]:
    """Yield references from one object to another that lead nowhere."""
    names = {(item.kind, item.name) for item in manifests.objects}
    for body in find.bodies([manifests], "Deployment"):
        yield from _pod_faults(find.pod(body), names, where=body["metadata"]["name"])
    for kind in ("InferencePool", "PodMonitor", "Service"):
        for body in find.bodies([manifests], kind):
            yield from _selector_faults(manifests, body)
    for body in find.bodies([manifests], "ScaledObject"):
        target = body["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) not in names:
            yield f"no {target['kind']} {target['name']} to scale"
    for body in find.routers([manifests]):
        args = find.args(body)
        if ("InferencePool", args[args.index("--pool-name") + 1]) not in names:
            yield "a picker of no pool"


def _selector_faults(manifests: ClusterManifests, body: dict[str, Any]) -> Iterator[str]:
    selector = body["spec"]["selector"]
    wanted = selector.get("matchLabels", selector)
    chosen = [
        find.pod(deployment)
        for deployment in find.bodies([manifests], "Deployment")
        if find.selects(wanted, deployment["spec"]["template"]["metadata"]["labels"])
    ]
    if not chosen:
        yield f"{body['kind']} {body['metadata']['name']} selects no pod"
    for endpoint in body["spec"].get("podMetricsEndpoints", ()):
        if not any(endpoint["port"] in _ports(pod) for pod in chosen):
            yield f"{body['kind']}: no port {endpoint['port']}"


def _ports(pod: dict[str, Any]) -> set[str]:
    return {port["name"] for c in pod["containers"] for port in c.get("ports", ())}


def _pod_faults(pod: dict[str, Any], names: set[tuple[str, str]], *, where: str) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    for volume in volumes.values():
        if "configMap" in volume and ("ConfigMap", volume["configMap"]["name"]) not in names:
            yield f"{where}: no ConfigMap {volume['configMap']['name']}"
    if ("ServiceAccount", pod["serviceAccountName"]) not in names:
        yield f"{where}: no account {pod['serviceAccountName']}"
    for container in pod["containers"]:
        for fault in _container_faults(container, set(volumes), _ports(pod)):
            yield f"{where}: {fault}"


def _container_faults(
    container: dict[str, Any], volumes: set[str], ports: set[str]
) -> Iterator[str]:
    for mount in container.get("volumeMounts", ()):
        if mount["name"] not in volumes:
            yield f"no volume {mount['name']}"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container.get(probe, {}).get("httpGet", {}).get("port")
        if port is not None and port not in ports:
            yield f"no port {port}"
    for variable in container.get("env", ()):
        secret = variable.get("valueFrom", {}).get("secretKeyRef", {})
        if secret and secret["name"] != "llm-d-hf-token":
            yield f"no Secret {secret['name']}"


def safety_faults(manifests: ClusterManifests) -> Iterator[str]:
    """Yield what would work, and hurt later."""
    for body in find.bodies([manifests], "Deployment"):
        spec, pod = body["spec"], find.pod(body)
        for container in pod["containers"]:
            tag = container["image"].rpartition(":")[2]
            if tag in ("latest", "main"):
                yield f"floating tag {container['image']}"
        if find.is_engine(body):
            yield from _engine_faults(spec, pod)
        elif spec["strategy"]["type"] != "Recreate":
            yield "two pickers at once"


def _engine_faults(spec: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    (engine,) = pod["containers"]
    requests, limits = (engine["resources"][kind] for kind in ("requests", "limits"))
    if requests.get("nvidia.com/gpu") != limits.get("nvidia.com/gpu"):
        yield "GPU limits differ from requests"
    if spec["strategy"]["rollingUpdate"]["maxSurge"]:
        yield "a surge"
    stop = engine["lifecycle"]["preStop"]["sleep"]["seconds"]
    (finish,) = [a for a in engine["args"] if a.startswith("--shutdown-timeout=")]
    if stop + int(finish.partition("=")[2]) > pod["terminationGracePeriodSeconds"]:
        yield "no time to drain"


CHECKS: dict[str, Callable[[ClusterManifests, patterns.Pattern], Iterator[str]]] = {
    CLOSURE: closure_faults,
    WIRING: lambda manifests, _: wiring_faults(manifests),
    SAFETY: lambda manifests, _: safety_faults(manifests),
}
WORDS = {
    SCHEMA: "the rendered objects are not valid",
    PICKER: "epp-config.yaml",
    WHOLE: "no whole number",
    "twins": "also rendered by",
    "undefined names": "has no attribute",
}


def provider(mistake: Mistake) -> str:
    """Return a provider that has the pattern."""
    return "aws" if mistake.pattern != "gateway" else "azure"


def mutated(mistake: Mistake, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rendering use templates with the mistake in them."""
    shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    file = folder / mistake.file
    text = file.read_text(encoding="utf-8")
    assert mistake.old in text, f"{mistake.file} no longer has {mistake.old!r}"
    file.write_text(text.replace(mistake.old, mistake.new), encoding="utf-8")
    monkeypatch.setattr(render_module, "TEMPLATES", folder)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_caught(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutated(mistake, tmp_path / "templates", monkeypatch)
    made = patterns.pattern(mistake.pattern, provider(mistake))
    if mistake.caught_by in WORDS:
        with pytest.raises(RenderError, match=WORDS[mistake.caught_by]):
            made.render()
        return
    assert list(CHECKS[mistake.caught_by](made.render(), made))


@pytest.mark.parametrize(("name", "where"), patterns.CASES)
def test_the_checks_find_nothing_in_what_is_rendered(name: str, where: str) -> None:
    made = patterns.pattern(name, where)
    (manifests,) = render(made.plan, serving=made.serving)
    if made.serving.target == "kserve" or name == "wide":
        return  # no Deployment of engines there
    assert [*wiring_faults(manifests), *safety_faults(manifests)] == []
    if made.plan.clusters[0].cpu_pool is not None:
        assert list(closure_faults(manifests, made)) == []


def test_the_page_lists_every_mistake() -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert len(MISTAKES) >= 30
    for name, mistake in MISTAKES.items():
        assert f"| {name} | {mistake.caught_by} |" in page
