"""The llm-d release line that is rendered: its versions, images, and what its router costs in CPU nodes."""

from __future__ import annotations

from dataclasses import dataclass

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
    """One llm-d line: parts that upstream tested together. Tags are exact, never floating."""

    line: str
    router: str
    vllm: str
    epp_config_api: str
    endpoint_picker_image: str
    envoy_image: str
    engine_image: str
    device_plugin_image: str


# Source: llm-d v0.9.0 guides (commit cc4fbfd736b9) and llm-d-router v0.10.0 charts (commit 71f4f0999f95);
# device plugin: the newest release of NVIDIA/k8s-device-plugin that EKS users report running.
LLM_D = Release(
    line="v0.9",
    router="v0.10.0",
    vllm="v0.26.0",
    epp_config_api="llm-d.ai/v1alpha1",
    endpoint_picker_image="ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
    envoy_image="docker.io/envoyproxy/envoy:distroless-v1.33.2",
    engine_image="docker.io/vllm/vllm-openai:v0.26.0",
    device_plugin_image="nvcr.io/nvidia/k8s-device-plugin:v0.19.3",
)
