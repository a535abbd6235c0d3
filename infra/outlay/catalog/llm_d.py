"""The llm-d release lines that are rendered: their versions, images, and what their router costs in CPU nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Requests of the standalone router's two containers, in cores and GiB.
# Source: llm-d-router v0.10.0, config/charts/llm-d-router-standalone, default values.
EPP_CPUS = 4
EPP_MEMORY_GIB = 8
ENVOY_CPUS = 4
ENVOY_MEMORY_GIB = 8
ROUTER_CPUS = EPP_CPUS + ENVOY_CPUS
ROUTER_MEMORY_GIB = EPP_MEMORY_GIB + ENVOY_MEMORY_GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One llm-d line: parts that upstream tested together. Tags are exact, never floating.

    `splits_kv_roles`: prefill makes KV caches and decode takes them; before, both did both.
    `handles_split_headers`: the picker needs a plugin of its own to name the prefill replica.
    `wide_image` runs expert parallelism over several nodes; `efa_image` has AWS's network libraries.
    """

    line: str
    router: str
    vllm: str
    epp_config_api: str
    objectives_api: str
    pool_api: str
    endpoint_picker_image: str
    sidecar_image: str
    envoy_image: str
    engine_image: str
    wide_image: str
    efa_image: str | None
    device_plugin_image: str
    splits_kv_roles: bool
    handles_split_headers: bool


_ENVOY = "docker.io/envoyproxy/envoy:distroless-v1.33.2"
# The newest release of NVIDIA/k8s-device-plugin that EKS users report running.
_DEVICE_PLUGIN = "nvcr.io/nvidia/k8s-device-plugin:v0.19.3"
# Source: llm-d v0.9.0 guides (commit cc4fbfd736b9) and llm-d-router v0.10.0 charts (commit 71f4f0999f95).
V0_9 = Release(
    line="v0.9",
    router="v0.10.0",
    vllm="v0.26.0",
    epp_config_api="llm-d.ai/v1alpha1",
    objectives_api="llm-d.ai/v1alpha2",
    pool_api="inference.networking.k8s.io/v1",
    endpoint_picker_image="ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
    sidecar_image="ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0",
    envoy_image=_ENVOY,
    engine_image="docker.io/vllm/vllm-openai:v0.26.0",
    wide_image="ghcr.io/llm-d/llm-d-cuda:v0.9.0",
    efa_image="public.ecr.aws/deep-learning-containers/vllm:0.26.0-gpu-py312-cu130-ubuntu22.04-ec2",
    device_plugin_image=_DEVICE_PLUGIN,
    splits_kv_roles=False,
    handles_split_headers=True,
)
# Source: llm-d v0.10.0 (September 2026), llm-d/llm-d#2426 and llm-d-router#2006. llm-d's own CUDA image has
# ended there, vLLM's takes its place; the header plugin's removal in v0.11 is announced in its README.
V0_10 = Release(
    line="v0.10",
    router="v0.11.0",
    vllm="v0.30.0",
    epp_config_api="llm-d.ai/v1alpha1",
    objectives_api="llm-d.ai/v1alpha2",
    pool_api="inference.networking.k8s.io/v1",
    endpoint_picker_image="ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.11.0",
    sidecar_image="ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.11.0",
    envoy_image=_ENVOY,
    engine_image="docker.io/vllm/vllm-openai:v0.30.0",
    wide_image="docker.io/vllm/vllm-openai:v0.30.0",
    efa_image=None,
    device_plugin_image=_DEVICE_PLUGIN,
    splits_kv_roles=True,
    handles_split_headers=False,
)
LLM_D = V0_9
RELEASES: Mapping[str, Release] = MappingProxyType({r.line: r for r in (V0_9, V0_10)})
