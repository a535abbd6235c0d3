"""The specification's rows on real objects (system 7, object rows of 2 and 3); named after their rows."""

from __future__ import annotations

import re
from typing import Any

import pytest

from outlay.catalog import load_catalog
from outlay.errors import InputError, SettingsError
from outlay.planning.plan import Role
from outlay.serving import legacy
from outlay.serving.convert import Converted, Request, convert
from outlay.serving.objects import ClusterManifests
from outlay.serving.render import render
from tests.serving import find, patterns

CATALOG = load_catalog()
REQUEST = Request(provider="aws", gpu="A100-80", checkpoint="")
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def document(**spec: Any) -> dict[str, Any]:
    """Return the quantiser's object of the chapter, with parts of its spec changed."""
    amounts = {"cpu": 4, "memory": "16Gi", "nvidia.com/gpu": 1}
    own = {
        "model": {"name": "llama-3.1-8b", "quantization": {"type": "fp16"}},
        "resources": {"requests": amounts, "limits": amounts},
        "serving": {"protocol": "http", "port": 8080, "batchSize": 8},
        "autoscaling": {
            "enabled": True,
            "minReplicas": 1,
            "maxReplicas": 8,
            "targetGPUUtilization": 80,
        },
    }
    return {
        "apiVersion": "inference.llm-d.io/v1alpha1",
        "kind": "LLMDeployment",
        "metadata": {"name": "llama-3.1-8b-fp16", "namespace": "production"},
        "spec": own | spec,
    }


def split_document() -> dict[str, Any]:
    """Return the chapter's deployment of two roles."""
    requests = {"cpu": 8, "memory": "16Gi", "nvidia.com/gpu": 1}
    spot = {"key": "spot-instance", "operator": "Equal", "value": "true", "effect": "NoSchedule"}
    return document(
        serving={"mode": "disaggregated"},
        prefill={
            "replicas": 2,
            "resources": {"requests": requests},
            "batchSize": 32,
            "maxSequenceLength": 4096,
            "tolerations": [spot],
            "autoscaling": {
                "minReplicas": 1,
                "maxReplicas": 6,
                "targetGPUUtilization": 85,
                "scaleUpDelay": "60s",
                "scaleDownDelay": "300s",
            },
        },
        decode={
            "replicas": 4,
            "resources": {"requests": requests | {"cpu": 4, "memory": "12Gi"}},
            "batchSize": 8,
            "maxTokensPerRequest": 256,
            "autoscaling": {
                "minReplicas": 2,
                "maxReplicas": 12,
                "scaleUpDelay": "15s",
                "scaleDownDelay": "60s",
            },
        },
        routing={
            "strategy": "adaptive",
            "prefill": {
                "minPromptLength": 100,
                "maxPromptLength": 4000,
                "batchingTimeout": "500ms",
            },
        },
    )


def converted(body: dict[str, Any], *, request: Request = REQUEST) -> Converted:
    """Return a document as a plan."""
    return convert(legacy.read(body, source="test"), CATALOG, request=request)


def objects(body: dict[str, Any], *, request: Request = REQUEST) -> list[ClusterManifests]:
    """Return a document's real objects, which rendering has checked by their schemas."""
    found = converted(body, request=request)
    return list(render(found.plan, serving=found.serving))


SERVED = {"fp16": "", "bf16": "", "fp8": "", "int8": "RedHatAI/x-w8a8", "int4": "RedHatAI/x-w4a16"}


@pytest.mark.parametrize("kind", [q.value for q in legacy.Quantization])
def test_every_enum_member_generates(kind: str) -> None:
    """fp16, bf16, fp8, int8, int4, mixed, dynamic: object or clear refusal."""
    body = document(model={"name": "llama-3.1-8b", "quantization": {"type": kind}})
    # fp8 needs a GPU that has it.
    gpu = "H100" if kind == "fp8" else "A100-80"
    if kind in SERVED:
        request = Request(provider="aws", gpu=gpu, checkpoint=SERVED[kind])
        assert find.model_servers(objects(body, request=request))
    else:
        with pytest.raises(
            InputError, match=f"quantization {kind}: no engine serves it; write fp8"
        ):
            converted(body)


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_formats_that_need_quantised_weights_ask_for_them(kind: str) -> None:
    body = document(model={"name": "llama-3.1-8b", "quantization": {"type": kind}})
    with pytest.raises(InputError, match="--checkpoint"):
        converted(body)


def test_object_valid() -> None:
    """Schema check passes; GPU limits = requests."""
    for server in find.model_servers(objects(document())):
        resources = find.pod(server)["containers"][0]["resources"]
        assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == 1


def test_unequal_gpu_limits_are_refused() -> None:
    requests = {"cpu": 4, "memory": "16Gi", "nvidia.com/gpu": 1}
    body = document(resources={"requests": requests, "limits": requests | {"nvidia.com/gpu": 2}})
    with pytest.raises(InputError, match="limits ask for 2 GPUs, requests for 1"):
        converted(body)


def test_role_objects() -> None:
    """Prefill and decode pools, KV-transfer settings, limits, one network domain."""
    manifests = objects(split_document())
    servers = {b["metadata"]["labels"]["llm-d.ai/role"]: b for b in find.model_servers(manifests)}
    assert set(servers) == {"prefill", "decode"}
    for body in servers.values():
        assert any("NixlConnector" in arg for arg in find.args(body))
        term = find.pod(body)["affinity"]["podAffinity"]
        assert "topology.kubernetes.io/zone" in str(term)
    sidecars = [c["name"] for c in find.pod(servers["decode"])["initContainers"]]
    assert sidecars == ["routing-proxy"]
    assert "initContainers" not in find.pod(servers["prefill"])


@pytest.mark.parametrize(
    ("tokens", "path"), [(99, "decode"), (100, "split"), (4000, "split"), (4001, "split")]
)
def test_routing_bounds(tokens: int, path: str) -> None:
    """Prompts of 99, 100, 4,000 and 4,001 each have a defined path: the picker's decider says which."""
    found = converted(split_document())
    threshold = found.serving.least_split_tokens
    assert ("split" if tokens >= threshold else "decode") == path
    longest = [p.shape.max_model_len for p in found.plan.placements if p.role is Role.PREFILL]
    assert min(longest) == 4096
    (config,) = [
        body["data"]["epp-config.yaml"]
        for body in find.bodies(objects(split_document()), "ConfigMap")
        if "epp-config.yaml" in body["data"]
    ]
    assert "nonCachedTokens: 100" in config


def test_scaling_per_role() -> None:
    """Two scalers with 1-6 and 2-12, own targets and delays."""
    scalers = {
        "prefill" if "prefill" in b["metadata"]["name"] else "decode": b["spec"]
        for b in find.bodies(objects(split_document()), "ScaledObject")
    }

    def shape(spec: dict[str, Any]) -> tuple[int, ...]:
        behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        windows = [behavior[w]["stabilizationWindowSeconds"] for w in ("scaleUp", "scaleDown")]
        return (spec["minReplicaCount"], spec["maxReplicaCount"], *windows)

    assert {role: shape(spec) for role, spec in scalers.items()} == {
        "prefill": (1, 6, 60, 300),
        "decode": (2, 12, 15, 60),
    }
    queries = [s["triggers"][0]["metadata"]["query"] for s in scalers.values()]
    assert len(set(queries)) == 2


@pytest.mark.parametrize("name", patterns.NAMES)
def test_real_objects_only(name: str) -> None:
    """No inference.llm-d.io kind in any output; all schemas pass; names are DNS labels."""
    for item in patterns.pattern(name, "gcp" if name == "split-fabric" else "aws").render().objects:
        assert "inference.llm-d.io" not in item.api_version
        assert "LLMDeployment" not in item.json
        if item.kind != "CustomResourceDefinition":
            assert DNS_LABEL.fullmatch(item.name), item.identity


def test_converted_objects_are_real_and_unknown_fields_refused() -> None:
    """The dots of `llama-3.1-8b` are gone, and nothing is dropped in silence."""
    for _, item in find.every(objects(split_document())):
        assert "inference.llm-d.io" not in item.json
        assert item.kind == "CustomResourceDefinition" or DNS_LABEL.fullmatch(item.name)
    body = document(replicaz=3, autoscaling={"maxReplicas": 2, "coolDown": "3m"})
    with pytest.raises(SettingsError) as caught:
        converted(body)
    assert "spec.replicaz: is no field of an LLMDeployment" in str(caught.value)
    assert "spec.autoscaling.coolDown: is no field of an LLMDeployment" in str(caught.value)


def test_fields_without_a_counterpart_are_said() -> None:
    notes = "\n".join(converted(split_document()).notes)
    for word in (
        "maxTokensPerRequest",
        "batchingTimeout",
        "targetGPUUtilization",
        "maxPromptLength",
    ):
        assert word in notes


def test_one_role_alone_is_refused() -> None:
    body = split_document()
    del body["spec"]["decode"]
    with pytest.raises(InputError, match="needs both `prefill` and `decode`"):
        converted(body)


def test_a_model_that_does_not_fit_says_so() -> None:
    body = document(model={"name": "llama-3.1-70b"})
    with pytest.raises(InputError, match=r"Llama-3\.1-70B in bf16 on 1 x A100-80"):
        converted(body)
